"""A real Envoy between a client and a small upstream, all on loopback."""

import asyncio
import json
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from treadle.contract.model import Consumer, Limit, Place, Service, Settings, Tier
from treadle.control.issuer import LocalIssuer
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, compile_gateway
from treadle.gateway.ir import Api, ConsumerLimit, Gateway, Issuer, Route, Upstream
from treadle.secrets.file import FileSecrets

AUDIENCE = "https://api.acme.example"
HERE = Place("treadle.yaml")
READER = "customers:read"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds=10.0):
    """The first true value of `condition`; a bounded poll, since there is no event to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError("the condition did not come true in time")


class EchoServer:
    """Answers every call with what it got, as JSON; the last word of the path makes it behave otherwise."""

    def __init__(self, unix=None, tls=None):
        self.seen = []
        self.loop = asyncio.new_event_loop()
        self.writers = set()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(unix, tls, started))
        self.thread.start()
        started.wait(10)

    def _run(self, unix, tls, started):
        async def serve():
            self.stopping = asyncio.Event()
            server = await (
                asyncio.start_unix_server(self._connection, unix)
                if unix
                else asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=tls)
            )
            self.port = 0 if unix else server.sockets[0].getsockname()[1]
            started.set()
            await self.stopping.wait()
            server.close()
            for writer in list(self.writers):
                writer.close()
            await server.wait_closed()
            if tls:  # a handshake that ends now has its connection closed in a later turn
                await asyncio.sleep(0.05)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(serve())

    async def _connection(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace").split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = head[0].split(" ")
                seen = {"method": method, "path": path, "headers": headers, "body": body.decode(errors="replace")}
                self.seen.append(seen)
                word = path.partition("?")[0].rpartition("/")[2]
                if word == "slow":
                    await asyncio.sleep(30)
                if word == "lazy":
                    await asyncio.sleep(0.1)
                if word == "hangup":
                    return
                statuses = {"gone": b"404 Not Found", "broken": b"500 Oops", "refused": b"422 Unprocessable Content"}
                answer = json.dumps(seen).encode()
                lines = [
                    b"HTTP/1.1 " + statuses.get(word, b"200 OK"),
                    b"content-type: application/json",
                    b"content-length: %d" % len(answer),
                    *([b"x-treadle-code: CONTRACT_VIOLATION"] if word == "refused" else []),
                    *([b"access-control-allow-origin: *"] if word == "open" else []),
                    *([b"x-treadle-observed: CONTRACT_VIOLATION"] if word == "watched" else []),
                ]
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(10)


@dataclass
class World:
    """One gateway node that runs, what is behind it, and who may call."""

    folder: Path
    engine: EnvoyEngine
    node: NodeSettings
    issuer: LocalIssuer
    upstream: EchoServer
    base: Gateway
    carrier: object
    run: object = asyncio.run
    processes: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.node.port}"

    def token(self, client="demo-app", scope=None, **claims):
        return self.issuer.mint(client, scope, **claims)

    def bearer(self, client="demo-app", scope=None, **claims):
        return {"authorization": f"Bearer {self.token(client, scope, **claims)}"}

    def start(self):
        with (self.folder / "envoy.log").open("ab") as log:
            process = subprocess.Popen(self.engine.argv(self.folder), stdout=log, stderr=log)
        self.processes.append(process)
        until(lambda: asyncio.run(self.engine.ready(self.node)))
        return process

    def gateway(self, *more, **other):
        """The usual gateway with more routes of the usual contract, or with other fields."""
        return replace(self.base, apis=(customers(self.upstream.port, *more),), **other)

    def push(self, gateway):
        return self.push_snapshot(compile_gateway(gateway, self.node))

    def push_snapshot(self, snapshot):
        return self.run(self.carrier.push(snapshot))

    def lines(self):
        path = Path(self.node.access_log)
        return path.read_bytes().splitlines() if path.exists() else []

    def line_of(self, trace_id):
        """The one access-log line of a trace, as soon as it is there."""
        return until(lambda: next((line for line in self.lines() if trace_id.encode() in line), None))

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait(10)


def route(operation, method, template, *, contract="customer.customers.v1", upstream="customers-api", **other):
    defaults = {
        "timeout_ms": 2_000,
        "public": False,
        "scopes": (READER,),
        "limit": None,
        "idempotency_key": False,
        "cost_weight": 1,
        "domain": contract.partition(".")[0],
        "stamp": f"{contract}@1.0.0#0123456789ab",
    }
    return Route(
        operation=operation, method=method, template=template, upstream=upstream, contract=contract, **defaults | other
    )


def customers(port, *more):
    """The contract most tests use."""
    routes = (
        route("listCustomers", "GET", "/v1/customers", cost_weight=3),
        route("getCustomer", "GET", "/v1/customers/{customerId}", timeout_ms=400),
        route("putCustomer", "PUT", "/v1/customers/{customerId}", scopes=("customers:read", "customers:write")),
        route("createCustomer", "POST", "/v1/customers", scopes=("customers:write",)),
        route("searchCustomers", "GET", "/v1/customers/search", limit=Limit(2, 3600)),
        route("health", "GET", "/v1/public", public=True, scopes=()),
    )
    return Api("customer.customers.v1", routes + more, (Upstream("customers-api", "127.0.0.1", port),))


CONSUMERS = {
    "demo-app": Consumer("demo-app", "platform", "gold", HERE, (READER, "customers:write")),
    "partner": Consumer("partner", "platform", "bronze", HERE, (READER,)),
    "stranger": Consumer("stranger", "nobody", "none", HERE, (READER,)),
    "nobody": Consumer("nobody", "nobody", "gold", HERE, ()),
}


World.route = staticmethod(route)
World.free_port = staticmethod(free_port)
World.until = staticmethod(until)


@contextmanager
def delta_ads(engine, socket):
    """A delta ADS server in a thread of its own, and how to run something beside it."""
    from treadle.gateway.ads.carrier import AdsCarrier
    from treadle.gateway.ads.server import AdsServer
    from treadle.gateway.schema import Schema

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    run = lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(60)  # noqa: E731

    async def begin():
        schema = Schema.of(engine.binary)
        carrier = AdsCarrier(engine, None, schema)
        carrier.server = AdsServer(schema, carrier.heard)
        await carrier.server.start(unix=socket)
        return carrier

    carrier = run(begin())
    try:
        yield carrier, run
    finally:
        run(carrier.server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def world(folder, carrier="files"):
    """A node with the usual contract; `stranger` has tokens and is in no list of the gateway."""
    upstream = EchoServer()
    node = NodeSettings(folder=str(folder), port=free_port(), admin_port=free_port(), carrier=carrier)
    issuer = LocalIssuer("http://127.0.0.1:9/issuer", AUDIENCE, CONSUMERS, FileSecrets(folder / "secrets"))
    gateway = Gateway(
        apis=(customers(upstream.port),),
        consumers=(
            ConsumerLimit("demo-app", "gold", Limit(100_000)),
            ConsumerLimit("nobody", "gold", Limit(100_000)),
            ConsumerLimit("partner", "bronze", Limit(3, 3600)),
        ),
        default_limit=Limit(2, 3600),
        issuers=(issuer.trust(),),
        edge_limit=Limit(100_000),
    )
    engine = EnvoyEngine.find({})
    snapshot = compile_gateway(gateway, node)
    with ExitStack() as stack:
        stack.callback(upstream.stop)
        it = World(folder, engine, node, issuer, upstream, gateway, carrier=engine)
        if carrier == "ads":
            it.carrier, it.run = stack.enter_context(delta_ads(engine, Path(node.ads)))
            it.run(it.carrier.prepare(snapshot))
        else:
            engine.prepare(snapshot)
        stack.callback(it.stop)
        it.start()
        yield it


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A node that the tests of a module share."""
    with world(tmp_path_factory.mktemp("gateway")) as it:
        yield it


@pytest.fixture
def fresh(tmp_path):
    """A node of a test's own, for tests that change it."""
    with world(tmp_path) as it:
        yield it


@pytest.fixture(params=["files", "ads"])
def carried(request, tmp_path):
    """As `fresh`, over each of the carriers."""
    with world(tmp_path, request.param) as it:
        yield it


@pytest.fixture(scope="module")
def client(running):
    with httpx.Client(base_url=running.url, trust_env=False, timeout=10) as it:
        yield it


@pytest.fixture(scope="session")
def echo():
    """How to start an upstream on a Unix socket."""
    return EchoServer


@pytest.fixture
def issuer():
    """An issuer that nobody has keys of."""
    return Issuer("http://127.0.0.1/issuer", AUDIENCE, '{"keys": [{"kty": "EC"}]}')


@pytest.fixture
def settings():
    """A workspace with two tiers, two consumers and one service."""
    return Settings(
        name="acme",
        environment="local",
        audience=AUDIENCE,
        tiers={"gold": Tier("gold", Limit(100)), "bronze": Tier("bronze", Limit(5, 10))},
        consumers={
            "demo-app": Consumer("demo-app", "platform", "gold", HERE),
            "partner": Consumer("partner", "platform", "bronze", HERE),
        },
        domains={},
        services=(Service("customers-api", "customer.customers.v1", "http://127.0.0.1:7101", HERE),),
        subscriptions=(),
        connectors=(),
        ports={},
        engines={},
    )
