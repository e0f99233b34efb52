"""What the policy of a gateway costs: CPU of each proxy for one call, beside a bare Envoy in the same run.

Usage: python bench/gateway.py [--json] [--rounds N] [--seconds S] [--only NAME …]
Needs wrk and nginx (Debian packages); KrakenD is measured where it is among the peers or on PATH.

The upstream is nginx with an answer of 125 bytes; wrk asks with one thread and 32 connections. CPU is user and system
time of the proxy's process, read from /proc before and after; variants take turns and medians are given. The full chain
is what the compiler makes of one operation with a scope, a tier, a quota and an access log.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from peers import find

from treadle.base.canon import canonical
from treadle.contract.model import Consumer, Idempotency, Limit, Place
from treadle.control.issuer import LocalIssuer
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, Snapshot, compile_gateway
from treadle.gateway.hop.table import encode
from treadle.gateway.ir import WINDOWS, Api, ConsumerLimit, Exhausted, Gateway, Guard, Route, Upstream
from treadle.secrets.file import FileSecrets

TOKENS = 10_000
OPERATIONS = 500
CONNECTIONS = 32
PLENTY = Limit(1_000_000_000)
PATH = "/v1/things250/T-1"
BODY = '{"name":"a thing","amount":12.5,"tags":["one","two"]}'
GOALS = {
    "full_cpu_ratio": 1.6,
    "ops500_ratio": 1.1,
    "two_worker_rps_ratio": 0.65,
    "quota_added_us": 3.0,
    "push_p99_ms_500": 60.0,
    "push_p99_ms_1": 5.0,
    "guard_added_us": 150.0,
    "unloaded_added_p99_ms": 1.0,
}
AT_LEAST = {"two_worker_rps_ratio"}
LUA = """
local requests, i = {}, 0
function init(args)
  local wanted = args[1] or ""
  local body = args[2]
  for line in io.lines("%(tokens)s") do
    local headers = {["authorization"] = "Bearer " .. line, ["content-type"] = body and "application/json" or nil}
    requests[#requests + 1] = wrk.format(body and "POST" or "GET", wanted, headers, body)
  end
  i = math.random(#requests)
end
function request()
  i = i %% #requests + 1
  return requests[i]
end
"""
KEYED = """
local head, i = nil, 0
local run = "%(run)s"
function init(args)
  local token = io.open("%(tokens)s"):read("l")
  wrk.headers["authorization"] = "Bearer " .. token
  wrk.headers["content-type"] = "application/json"
  wrk.path = args[1]
end
function request()
  i = i + 1
  wrk.headers["idempotency-key"] = run .. i
  return wrk.format("POST", nil, nil, '%(body)s')
end
"""


_HOP = """
import asyncio, uvloop
from pathlib import Path
from treadle.gateway.hop.process import run_hop
from treadle.gateway.hop.stores.sqlite import sqlite_store
async def main():
    folder = Path("{folder}")
    store = sqlite_store(folder / "keys.sqlite")
    await run_hop(socket=Path("{hop}"), onward=Path("{onward}"), table=folder / "hop.json", store=store)
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Proxy:
    """One proxy under load. `pids` are the processes whose time counts."""

    port: int
    pids: list[int]


@dataclass(frozen=True, slots=True)
class Load:
    """One run of wrk: microseconds of CPU a call, calls a second, the 99th percentile in milliseconds."""

    cpu_us: float
    rps: float
    p99_ms: float


@dataclass(slots=True)
class Bench:
    """The processes of one run of the bench, and where they keep their files."""

    folder: Path
    seconds: int
    stack: contextlib.ExitStack
    engine: EnvoyEngine = field(default_factory=lambda: EnvoyEngine.find({}))
    upstream: int = 0
    issuer: LocalIssuer | None = None
    tokens: Path = Path()
    one_token: Path = Path()

    def prepare(self) -> None:
        """The upstream, and tokens enough."""
        self.upstream = self.nginx(
            "upstream", "location / { default_type application/json; return 200 '" + _answer() + "'; }"
        ).port
        consumers = {f"app-{n}": Consumer(f"app-{n}", "team", "gold", Place(""), ("things:read",)) for n in range(100)}
        self.issuer = LocalIssuer("http://127.0.0.1/issuer", "bench", consumers, FileSecrets(self.folder / "secrets"))
        self.tokens, self.one_token = self.folder / "tokens", self.folder / "token"
        minted = [self.issuer.mint(f"app-{n % 100}", lifetime_s=600) for n in range(TOKENS)]
        self.tokens.write_text("\n".join(minted) + "\n")
        self.one_token.write_text(minted[0] + "\n")

    def start(self, argv: list[str], log: str) -> int:
        """A process that ends with the bench."""
        file = self.stack.enter_context((self.folder / f"{log}.log").open("ab"))
        process = subprocess.Popen(argv, stdout=file, stderr=file)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process.pid

    def nginx(self, name: str, location: str, extra: str = "") -> Proxy:
        """One worker of nginx."""
        port, folder = free_port(), self.folder / name
        folder.mkdir()
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body;"
            f" proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;"
            f" uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
            f"{extra}\nserver {{ listen 127.0.0.1:{port}; {location} }} }}\n"
        )
        pid = self.start([_program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")], name)
        _wait(port)
        workers = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return Proxy(port, workers)

    def bare(self, concurrency: int = 1) -> Proxy:
        """An Envoy that only passes calls on."""
        port = free_port()
        name = f"bare-{concurrency}"
        envoy = "type.googleapis.com/envoy."
        manager = {
            "@type": envoy + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bare",
            "http_filters": [
                {"name": "router", "typed_config": {"@type": envoy + "extensions.filters.http.router.v3.Router"}}
            ],
            "route_config": {
                "virtual_hosts": [
                    {
                        "name": "any",
                        "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}],
                    }
                ]
            },
        }
        up = {"socket_address": {"address": "127.0.0.1", "port_value": self.upstream}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": up}}]}]
        config = {
            "static_resources": {
                "listeners": [
                    {
                        "name": "calls",
                        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
                    }
                ],
                "clusters": [
                    {"name": "up", "type": "STATIC", "load_assignment": {"cluster_name": "up", "endpoints": endpoints}}
                ],
            }
        }
        file = self.folder / f"{name}.json"
        file.write_bytes(canonical(config))
        flags = [
            "--config-path",
            str(file),
            "--concurrency",
            str(concurrency),
            "--disable-hot-restart",
            "--log-level",
            "error",
        ]
        pid = self.start([str(self.engine.binary), *flags], name)
        _wait(port)
        return Proxy(port, [pid])

    def gateway(self, *routes: Route, **other: object) -> Gateway:
        """A gateway with these operations, whose limits nobody meets."""
        assert self.issuer is not None
        api = Api("bench.things.v1", routes, (Upstream("things", "127.0.0.1", self.upstream),))
        limits = tuple(ConsumerLimit(f"app-{n}", "gold", PLENTY, self.issuer.url) for n in range(100))
        base = Gateway(
            (api,), limits, PLENTY, (self.issuer.trust(),), edge_limit=PLENTY, hosts=("127.0.0.1", "localhost")
        )
        return replace(base, **other)

    def full(
        self, name: str, gateway: Gateway, concurrency: int = 1, without: tuple[str, ...] = ()
    ) -> tuple[Proxy, NodeSettings]:
        """An Envoy with all that the compiler makes of a gateway; `without` names filters that are left out."""
        folder = self.folder / name
        folder.mkdir()
        node = NodeSettings(str(folder), free_port(), free_port())
        snapshot = _without(compile_gateway(gateway, node), without)
        engine = replace(self.engine, concurrency=concurrency)
        engine.prepare(snapshot)
        pid = self.start(engine.argv(folder), name)
        _wait(node.port)
        return Proxy(node.port, [pid]), node

    def load(
        self, proxy: Proxy, script: Path | None, *arguments: str, path: str = PATH, connections: int = CONNECTIONS
    ) -> Load:
        """One run of wrk."""
        url = f"http://127.0.0.1:{proxy.port}{path}"
        base = [_program("wrk"), "-t1", f"-c{connections}", "--latency"]
        scripted = ["-s", str(script)] if script else []
        rest = ["--", *arguments] if arguments else []
        before = {pid: _cpu_s(pid) for pid in proxy.pids}
        said = subprocess.run(
            [*base, f"-d{self.seconds}s", *scripted, url, *rest], capture_output=True, text=True, check=True
        ).stdout
        spent = sum(_cpu_s(pid) - before[pid] for pid in proxy.pids)
        if "Non-2xx" in said or "Socket errors" in said:
            sys.exit(f"calls failed at {url}:\n{said}")
        calls = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
        assert p99
        scale = {"us": 0.001, "ms": 1.0, "s": 1_000.0}[p99[2]]
        return Load(spent * 1e6 / calls, calls / self.seconds, float(p99[1]) * scale)


def _answer() -> str:
    return json.dumps({"id": "T-1", "name": "a thing", "note": "x" * 84}).ljust(125)[:125]


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/bin")
    if not found:
        sys.exit(f"{name} is not installed; this bench needs it (on Debian: apt-get install {name})")
    return found


def _wait(port: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    sys.exit(f"nothing listens on {port}")


def _cpu_s(pid: int) -> float:
    """User and system time of all threads, from the scheduler's nanoseconds where it tells them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _without(snapshot: Snapshot, names: tuple[str, ...]) -> Snapshot:
    if not names:
        return snapshot
    bootstrap = json.loads(canonical(snapshot.bootstrap))
    whole = json.loads(canonical(snapshot.whole))
    for config in (bootstrap, whole):
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["http_filters"] = [each for each in manager["http_filters"] if each["name"] not in names]
    return replace(snapshot, bootstrap=bootstrap, whole=whole)


def operation(number: int, method: str = "GET", **other: object) -> Route:
    """One operation of the bench."""
    base = Route(
        operation=f"thing{number}{method.lower()}",
        method=method,
        template=f"/v1/things{number}/{{thingId}}",
        upstream="things",
        timeout_ms=2_000,
        public=False,
        scopes=("things:read",),
        limit=None,
        idempotency_key=False,
        cost_weight=1,
        contract="bench.things.v1",
        domain="bench",
        stamp="bench.things.v1@1.0.0#0123456789ab",
    )
    return replace(base, **other)


def pushes(bench: Bench, name: str, operations: int, count: int) -> float:
    """The 99th percentile of the time from the verdict to the new routes being live, in milliseconds."""
    gateways = [
        bench.gateway(*(operation(n, timeout_ms=timeout) for n in range(operations))) for timeout in (2_000, 2_001)
    ]
    _, node = bench.full(name, gateways[0])
    snapshots = [compile_gateway(each, node) for each in gateways]
    took = []
    for turn in range(count):
        push = asyncio.run(bench.engine.push(snapshots[(turn + 1) % 2], judged=True))
        took.append(max(push.live_ms.values()) - push.judged_ms)
    return statistics.quantiles(took, n=100)[98] if count >= 100 else max(took)


def measure(bench: Bench, rounds: int, only: list[str]) -> dict[str, float]:
    rotating, one = bench.folder / "rotating.lua", bench.folder / "one.lua"
    rotating.write_text(LUA % {"tokens": bench.tokens})
    one.write_text(LUA % {"tokens": bench.one_token})
    single = bench.gateway(operation(250))
    many = bench.gateway(*(operation(n) for n in range(OPERATIONS)))
    variants: dict[str, Callable[[], Load]] = {}

    def wanted(*names: str) -> bool:
        return not only or any(each in only for each in names)

    bare = bench.bare()
    variants["bare"] = lambda: bench.load(bare, one, PATH)
    full, _ = bench.full("full", single)
    variants["full"] = lambda: bench.load(full, rotating, PATH)
    variants["full_cached"] = lambda: bench.load(full, one, PATH)
    if wanted("unloaded"):
        variants["bare_unloaded"] = lambda: bench.load(bare, one, PATH, connections=1)
        variants["full_unloaded"] = lambda: bench.load(full, one, PATH, connections=1)
    if wanted("ops500"):
        ops, _ = bench.full("ops500", many)
        variants["ops500"] = lambda: bench.load(ops, one, PATH)
    if wanted("quota"):
        # The dear case: some are out of quota, so the filters of both windows look at every call.
        end_s = int(time.time()) + 86_400
        out = tuple(Exhausted(f"other-{n}", window, end_s) for window in WINDOWS for n in range(100))
        metered, _ = bench.full("metered", replace(single, exhausted=out))
        unmetered, _ = bench.full("unmetered", single, without=("quota",))
        variants["metered"] = lambda: bench.load(metered, one, PATH)
        variants["unmetered"] = lambda: bench.load(unmetered, one, PATH)
    if wanted("two_workers"):
        bare2, (full2, _) = bench.bare(2), bench.full("full-2", single, concurrency=2)
        variants["bare_two"] = lambda: bench.load(bare2, one, PATH)
        variants["full_two"] = lambda: bench.load(full2, rotating, PATH)
    if wanted("nginx"):
        proxy = bench.nginx(
            "proxy",
            "location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ''; }",
            f"upstream up {{ server 127.0.0.1:{bench.upstream}; keepalive 64; keepalive_requests 1000000000; }}",
        )
        variants["nginx"] = lambda: bench.load(proxy, one, PATH)
    if wanted("krakend") and (krakend := _krakend(bench)):
        variants["krakend"] = lambda: bench.load(krakend, one, PATH)
    if wanted("guard"):
        variants |= _guarded(bench)

    for warm in variants.values():  # tokens are verified once, pools are filled
        warm()
    seen: dict[str, list[Load]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            seen[name].append(run())
    return _figures({name: _median(loads) for name, loads in seen.items()})


def _median(loads: list[Load]) -> Load:
    return Load(*(statistics.median(getattr(each, name) for each in loads) for name in ("cpu_us", "rps", "p99_ms")))


def _figures(seen: dict[str, Load]) -> dict[str, float]:
    bare, cached = seen["bare"], seen["full_cached"]
    found = {
        "bare_cpu_us": bare.cpu_us,
        "full_cpu_us": seen["full"].cpu_us,
        "full_cpu_ratio": seen["full"].cpu_us / bare.cpu_us,
        "full_cached_cpu_ratio": cached.cpu_us / bare.cpu_us,
        "bare_rps": bare.rps,
        "full_rps": seen["full"].rps,
    }
    if "ops500" in seen:
        found["ops500_ratio"] = seen["ops500"].cpu_us / cached.cpu_us
    if "bare_two" in seen:
        found["two_worker_rps_ratio"] = seen["full_two"].rps / seen["bare_two"].rps
    if "unmetered" in seen:
        found["quota_added_us"] = seen["metered"].cpu_us - seen["unmetered"].cpu_us
    if "guarded" in seen:
        found["guard_added_us"] = seen["guarded"].cpu_us - seen["unguarded"].cpu_us
        found["unguarded_cpu_us"] = seen["unguarded"].cpu_us
    if "bare_unloaded" in seen:
        found["unloaded_added_p99_ms"] = seen["full_unloaded"].p99_ms - seen["bare_unloaded"].p99_ms
    for peer in ("nginx", "krakend"):
        if peer in seen:
            found[f"{peer}_cpu_ratio"] = seen[peer].cpu_us / bare.cpu_us
    return found


def _krakend(bench: Bench) -> Proxy | None:
    """KrakenD passing calls on, where it can be had."""
    program = find("krakend-ce") or find("krakend")
    if not program:
        return None
    port = free_port()
    backend = {"url_pattern": "/v1/things250/{id}", "host": [f"http://127.0.0.1:{bench.upstream}"], "encoding": "no-op"}
    endpoint = {"endpoint": "/v1/things250/{id}", "output_encoding": "no-op", "backend": [backend]}
    file = bench.folder / "krakend.json"
    file.write_text(json.dumps({"version": 3, "port": port, "endpoints": [endpoint]}))
    pid = bench.start([str(program), "run", "-c", str(file)], "krakend")
    _wait(port)
    return Proxy(port, [pid])


def _guarded(bench: Bench) -> dict[str, Callable[[], Load]]:
    """A POST with a described body and a key of its own each time, through the guard hop and past it."""
    schema = {
        "type": "object",
        "required": ["name", "amount"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "maxLength": 100},
            "amount": {"type": "number", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    guard = Guard(Idempotency(), {"application/json": schema}, body_required=True, parameters=())
    post = operation(250, "POST", idempotency_key=True)
    past, _ = bench.full("unguarded", bench.gateway(post))
    gateway = bench.gateway(replace(post, guard=guard))
    through, node = bench.full("guarded", gateway)
    Path(f"{node.folder}/hop.json").write_bytes(encode(gateway))
    hop = [sys.executable, "-c", _HOP.format(folder=node.folder, hop=node.hop, onward=node.onward)]
    through.pids.append(bench.start(hop, "hop"))
    deadline = time.monotonic() + 15
    while not Path(node.hop).exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    def load(proxy: Proxy) -> Load:
        script = bench.folder / "keyed.lua"
        script.write_text(KEYED % {"tokens": bench.one_token, "body": BODY, "run": secrets.token_hex(8)})
        return bench.load(proxy, script, PATH)

    return {"unguarded": lambda: load(past), "guarded": lambda: load(through)}


@contextlib.contextmanager
def running(seconds: int) -> Iterator[Bench]:
    """A bench in a folder of its own; all that it started ends with it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        bench = Bench(Path(folder), seconds, stack)
        bench.prepare()
        yield bench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--rounds", type=int, default=3, help="how often each variant is measured; medians are given")
    parser.add_argument("--seconds", type=int, default=4, help="how long one run of wrk lasts")
    parser.add_argument("--pushes", type=int, default=200, help="how many pushes the percentile is taken of")
    parser.add_argument(
        "--only", nargs="*", default=[], help="ops500 quota two_workers nginx krakend guard unloaded push"
    )
    asked = parser.parse_args()
    with running(asked.seconds) as bench:
        found = measure(bench, asked.rounds, asked.only)
        if not asked.only or "push" in asked.only:
            found["push_p99_ms_500"] = pushes(bench, "push500", OPERATIONS, asked.pushes)
            found["push_p99_ms_1"] = pushes(bench, "push1", 1, asked.pushes)
    rounded = {name: round(value, 3) for name, value in found.items()}
    if asked.json:
        print(json.dumps(rounded))
        return
    for name, value in rounded.items():
        goal = GOALS.get(name)
        met = "" if goal is None else f"   goal {'at least' if name in AT_LEAST else 'at most'} {goal:g}"
        print(f"{name:24} {value:12.3f}{met}")


if __name__ == "__main__":
    main()
