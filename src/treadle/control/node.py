"""One gateway node of a fleet: a relay, the Envoy beside it and its guard hop, in a folder of their own.

    certificates/   tls.crt, tls.key, ca.crt: who this node is (`treadle up --invite` makes them)
    bootstrap.json  what Envoy was last started with
    good/           the last good configuration
    hop.json        what the guard hop knows of each operation
    ledger          the address of the database of Idempotency-Keys, empty where they are in idempotency.sqlite here

A node that cannot reach the control plane starts with what it had. It never asks twice for what it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from treadle.base.canon import canonical
from treadle.base.errors import EngineError, InputError
from treadle.base.files import write_atomically
from treadle.control.fleet import HERE, KIND, RENEW_S, require_packages
from treadle.control.hop import DATABASE, SOCKET, TABLE
from treadle.control.journal import fact_of_change
from treadle.control.probe import ask
from treadle.control.rotate import Rotation
from treadle.control.rules import Rules
from treadle.control.shipping import LOGS, POLL_S, READ_BYTES, Shipping, inode_of
from treadle.control.supervise import Process, Supervisor
from treadle.facts.fact import Fact
from treadle.facts.gaps import CountedSource, EngineCount
from treadle.facts.source import Source
from treadle.facts.tail import LogFileSource
from treadle.gateway.ads.client import AdsClient
from treadle.gateway.ads.relay import Relay
from treadle.gateway.ads.tls import Credentials
from treadle.gateway.engine import EnvoyEngine, RefusedSnapshotError
from treadle.gateway.envoy import NodeSettings
from treadle.gateway.envoy.certificates import secrets
from treadle.gateway.envoy.snapshot import discovery
from treadle.gateway.logs import fact_of
from treadle.gateway.schema import Schema
from treadle.secrets.authority import validity

LEDGER, JOURNAL = "ledger", "processes.jsonl"
_HOP = Process(
    name="hop",
    argv=[sys.executable, "-m", "treadle.control.hop", "--node", HERE],
    ready=lambda: ask(Path(SOCKET), "/healthz"),
    after=Path(TABLE).exists,
    url=f"unix:{SOCKET}",
)
_log = logging.getLogger("treadle.control")


@dataclass(frozen=True, slots=True)
class Joining:
    """Which control plane (`host:port`), on which ports, in which folder."""

    control: str
    folder: Path
    port: int
    admin_port: int


async def run_node(joining: Joining) -> None:
    """Run until SIGINT or SIGTERM. Raises InputError and EngineError for what waiting does not mend.

    The process stays in the node's folder: everything of a node is named relative to it.
    """
    require_packages()
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # what we start is another program at once
    os.umask(0o077)  # who called, and what they were answered, is nobody else's on this machine
    os.chdir(joining.folder)
    await asyncio.to_thread(Path("log").mkdir, exist_ok=True)
    certificates = Path("certificates")
    name = name_in(certificates / "tls.crt")
    credentials = Credentials(*(certificates / each for each in ("tls.crt", "tls.key", "ca.crt")))
    engine = EnvoyEngine.find({})
    schema = await asyncio.to_thread(Schema.of, engine.binary, Path("schema"))
    rules = Rules(lambda: relay.client, Path(TABLE))
    relay = Relay(schema, name, joining.control, Path("good"), credentials, rules.before_routes, rules.after_routes)
    await start_files(relay.client, engine, joining)
    async with relay.running(Path("ads.sock")):
        watch = _Watch()
        shipping = [Shipping(lambda: relay.client, each) for each in _sources(engine, joining, watch)]
        supervisor = Supervisor(
            [_hop(), _envoy(engine, joining)],
            logs=Path("log"),
            journal=Path(JOURNAL),
            on_change=watch.changed,
        )
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, supervisor.stop)
        parts = [_renewing(relay.client, certificates), rules.run(), *(each.run() for each in shipping)]
        parts.append(_rotation(engine, joining, shipping[0]).run())
        beside = [asyncio.create_task(each) for each in parts]
        try:
            await supervisor.run(lambda: _log.info("node %s serves on port %s", name, joining.port))
        finally:
            for task in beside:
                task.cancel()


def name_in(certificate: Path) -> str:
    """The node's name, as its certificate has it. Raises InputError `not-a-node`."""
    with contextlib.suppress(OSError, ValueError):
        for each in validity(certificate.read_bytes()).names:
            kind, _, name = each.removeprefix("spiffe://").partition("/")[2].partition("/")
            if each.startswith("spiffe://") and kind == KIND and name:
                return name
    raise InputError(
        "not-a-node",
        f"{certificate} is not the certificate of a gateway node",
        "where the control plane runs: treadle up --invite NAME --folder FOLDER; bring FOLDER here",
    )


async def start_files(client: AdsClient, engine: EnvoyEngine, joining: Joining) -> None:
    """The bootstrap and the secret files, new from the control plane or as they were.

    A bootstrap that the Envoy of this node would not start with does not take the place of one that it ran.
    Raises EngineError `remote-unreachable`, and RefusedSnapshotError where there is no older one.
    """
    asked = orjson.dumps({"port": joining.port, "admin_port": joining.admin_port})
    kept = Path("bootstrap.json")
    try:
        answer = orjson.loads(await client.join(asked))
    except EngineError as why:
        if not await asyncio.to_thread(kept.exists):
            raise
        _log.warning("%s; this node starts with what it had", why.message)
        return
    here = NodeSettings(folder=HERE, port=1, admin_port=1, tls=f"{HERE}/certificates")
    for name, secret in secrets(here).items():
        write_atomically(Path(here.file("sds", name)), discovery(secret))
    try:
        await asyncio.to_thread(engine.check, canonical(answer["bootstrap"]))
    except RefusedSnapshotError as why:
        if not await asyncio.to_thread(kept.exists):
            raise
        _log.warning("%s; this node starts with what it had", why.message)
        return
    # Before the bootstrap: a start that has that has its ledger, too.
    write_atomically(Path(LEDGER), str(answer.get("ledger", "")).encode(), mode=0o600)
    write_atomically(kept, canonical(answer["bootstrap"]))


async def renewed(client: AdsClient, folder: Path, now: float) -> bool:
    """Have a new certificate where half of the old one's life is over. Raises EngineError, OSError and ValueError.

    Envoy watches the folder, and takes the pair when its second half is there.
    """
    old = await asyncio.to_thread((folder / "tls.crt").read_bytes)
    if now < validity(old).renew_at:
        return False
    answer = orjson.loads(await client.join(orjson.dumps({"port": 1, "admin_port": 1, "renew": True})))
    for file in ("ca.crt", "tls.crt", "tls.key"):
        mode = 0o600 if file == "tls.key" else 0o644
        write_atomically(folder / file, answer["certificate"][file].encode(), mode=mode)
    return True


async def _renewing(client: AdsClient, folder: Path) -> None:
    while True:
        try:
            if await renewed(client, folder, time.time()):
                _log.info("the certificate of this node was renewed")
        except (EngineError, OSError, ValueError, KeyError) as why:
            _log.warning("the certificate of this node is not renewed now: %s", why)
        await asyncio.sleep(RENEW_S)


@dataclass(slots=True)
class _Watch:
    """How the processes of a node do."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def changed(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        write_atomically(Path("node.json"), canonical(rows), durable=False)

    def envoy(self) -> dict[str, Any] | None:
        return next((row for row in self.rows if row["name"] == "envoy" and row["state"] == "ready"), None)


def _settings(joining: Joining) -> NodeSettings:
    return NodeSettings(folder=HERE, port=joining.port, admin_port=joining.admin_port)


def _sources(engine: EnvoyEngine, joining: Joining, watch: _Watch) -> list[Source]:
    """What is told of this node: the calls first, counted against what Envoy says of itself."""

    async def count() -> EngineCount | None:
        row = watch.envoy()
        if row is None:
            return None
        stats = await engine.stats(_settings(joining))
        return EngineCount(str(row["pid"]), int(row["started"] * 1_000_000), stats.completed, stats.log_lines_lost)

    def of(name: str, path: str, parse: Callable[[bytes], Fact]) -> LogFileSource:
        return LogFileSource(name, Path(path), parse, read_bytes=READ_BYTES, poll_s=POLL_S)

    calls, processes = LOGS
    counted = CountedSource(of(calls, "access.log", fact_of), count, now_us=lambda: time.time_ns() // 1000)
    return [counted, of(processes, JOURNAL, fact_of_change)]


def _rotation(engine: EnvoyEngine, joining: Joining, calls: Shipping) -> Rotation:
    """What the control plane has stored may go."""
    return Rotation(Path("access.log"), lambda: engine.reopen_log(_settings(joining)), lambda: inode_of(calls.position))


def _hop() -> Process:
    """The machine's own environment may name the database otherwise: it may be elsewhere as seen from here."""
    with contextlib.suppress(FileNotFoundError):
        if (url := Path(LEDGER).read_text()) and DATABASE not in os.environ:
            env = {DATABASE: url}
            return replace(_HOP, env=env)
    return _HOP


def _envoy(engine: EnvoyEngine, joining: Joining) -> Process:
    return Process(
        name="envoy",
        argv=engine.argv(Path(HERE)),
        ready=lambda: ask(joining.admin_port, "/ready"),
        port=joining.port,
    )
