"""A guard hop between a raw client and a recording upstream, on Unix sockets."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from treadle.contract.model import Enforcement, Enforcements, Idempotency, Limit
from treadle.gateway.hop.hop import Limits
from treadle.gateway.hop.process import run_hop
from treadle.gateway.hop.stores.memory import MemoryStore
from treadle.gateway.hop.table import encode
from treadle.gateway.ir import Api, Gateway, Guard, Issuer, ParameterRule, Route, Upstream

CONTRACT = "sales.orders.v1"
ORDER = {
    "type": "object",
    "required": ["sku", "quantity"],
    "properties": {"sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}, "quantity": {"type": "integer"}},
    "additionalProperties": False,
}
TREE = {
    "$defs": {"node": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/node"}}]}},
    "$ref": "#/$defs/node",
}


def route(operation, method, template, guard=None, *, how=Enforcement.ENFORCE, timeout_ms=2_000, checks=()):
    return Route(
        operation=operation,
        method=method,
        template=template,
        upstream="orders",
        timeout_ms=timeout_ms,
        public=False,
        scopes=("orders:write",),
        limit=None,
        idempotency_key=False,
        cost_weight=1,
        contract=CONTRACT,
        domain="sales",
        stamp=f"{CONTRACT}@1",
        enforcement=Enforcements.all(how),
        guard=guard,
        checks=checks,
    )


def guard(key=None, body=None, *parameters, body_required=True):
    return Guard(key, body if body is not None else {"application/json": ORDER}, body_required, parameters)


PAGE = (
    ParameterRule("limit", "query", False, {"type": "integer", "minimum": 1, "maximum": 100}),
    ParameterRule("tags", "query", False, {"type": "array", "items": {"type": "string", "maxLength": 5}}),
    ParameterRule("orderId", "path", True, {"type": "string", "pattern": "^O-[0-9]+$"}),
    ParameterRule("X-Region", "header", True, {"enum": ["eu", "us"]}),
    ParameterRule("seen", "cookie", False, {"type": "boolean"}),
)
ROUTES = (
    route("createOrder", "POST", "/v1/orders", guard(Idempotency(True, 3_600))),
    route("maybeOrder", "POST", "/v1/maybe", guard(Idempotency(False, 3_600))),
    route("lookedUp", "POST", "/v1/looked", guard(Idempotency(True, 3_600, "findOrder")), timeout_ms=300),
    route("quickOrder", "POST", "/v1/quick", guard(Idempotency(True, 3_600)), timeout_ms=300),
    route("watched", "POST", "/v1/watched", guard(Idempotency(True, 3_600)), how=Enforcement.OBSERVE),
    route("warned", "POST", "/v1/warned", guard(), how=Enforcement.WARN),
    route("plain", "POST", "/v1/plain", guard()),
    route("tree", "POST", "/v1/tree", guard(None, {"application/json": TREE})),
    route("files", "POST", "/v1/files", guard(None, {"text/plain": {"type": "string"}, "image/*": {}})),
    route("patchOrder", "PATCH", "/v1/orders/{orderId}", guard(None, {"application/merge-patch+json": {}}, *PAGE)),
    route("readOrder", "GET", "/v1/orders/{orderId}", guard(None, {}, *PAGE, body_required=False)),
    route(
        "findOrder",
        "GET",
        "/v1/orders/by-key/{idempotencyKey}",
        checks=(ParameterRule("Idempotency-Key", "query", False, {"type": "string"}),),
    ),
)


def gateway(*routes):
    api = Api(CONTRACT, routes or ROUTES, (Upstream("orders", "127.0.0.1", 9),))
    return Gateway((api,), (), Limit(10), (Issuer("https://idp", "a", '{"keys":[{}]}'),))


@dataclass
class Recorder:
    """An upstream that writes down what it sees before it does anything else; `play` says what it does then."""

    path: object
    seen: list = field(default_factory=list)
    play: object = None
    served: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self):
        self.server = await asyncio.start_unix_server(self._connection, str(self.path))

    async def stop(self):
        self.server.close()
        for writer in list(self.writers):
            writer.close()

    writers: dict = field(default_factory=dict)

    async def _connection(self, reader, writer):
        self.writers[writer] = reader
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = [tuple(line.split(": ", 1)) for line in lines if line]
                named = dict(headers)
                body = await reader.readexactly(int(named.get("content-length", 0)))
                method, target, _ = first.split(" ")
                call = {"method": method, "target": target, "headers": named, "list": headers, "body": body}
                self.seen.append(call)
                self.served += 1
                if await (self.play or echo)(self, call, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.pop(writer, None)
            writer.close()

    def keys(self):
        return [call["headers"].get("idempotency-key") for call in self.seen if call["method"] != "GET"]


def answer(writer, status, body, *headers):
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    writer.write("\r\n".join(lines).encode() + body)


async def echo(recorder, call, writer):
    body = json.dumps({"n": recorder.served, "target": call["target"], "body": call["body"].decode("latin-1")}).encode()
    answer(writer, 201, body, "content-type: application/json", "x-upstream: yes", "Set-Cookie: a=1", "Set-Cookie: b=2")
    await writer.drain()


@dataclass
class Said:
    status: int
    headers: list
    body: bytes

    def __getitem__(self, name):
        found = [value for key, value in self.headers if key == name]
        return found[0] if found else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]


async def read_answer(reader, method="POST"):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = [(line.split(": ", 1)[0].lower(), line.split(": ", 1)[1]) for line in lines if line]
    named = dict(headers)
    if named.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = b"" if method == "HEAD" else await reader.readexactly(int(named.get("content-length", 0)))
    return Said(int(first.split(" ")[1]), headers, body)


def call_bytes(operation, target, body=b'{"sku":"AB-1","quantity":2}', method="POST", **headers):
    lines = [f"{method} {target} HTTP/1.1", "host: gateway", f"x-treadle-operation: {CONTRACT}/{operation}"]
    given = {"x_treadle_consumer": "app", "x_treadle_subject": "ann", "content_type": "application/json"} | headers
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value is not None]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class World:
    """A hop and its surroundings."""

    def __init__(self, folder):
        self.folder = folder
        self.upstream = Recorder(folder / "onward.sock")
        self.table = folder / "hop.json"
        self.socket = folder / "hop.sock"
        self.store = MemoryStore()
        self.limits = Limits(body=64 * 1024, held=256 * 1024, reply=4_096)

    async def up(self, store=None):
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(
            run_hop(
                socket=self.socket,
                onward=self.upstream.path,
                table=self.table,
                store=store or self.store,
                stop=self.stop,
                limits=self.limits,
            )
        )
        await self.until(self.socket.exists)

    async def down(self):
        self.stop.set()
        await self.task

    async def until(self, condition, seconds=10):
        async with asyncio.timeout(seconds):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.005)

    async def open(self):
        return await asyncio.open_unix_connection(str(self.socket))

    async def call(self, operation, target, *args, method="POST", **headers):
        reader, writer = await self.open()
        try:
            writer.write(call_bytes(operation, target, *args, method=method, **headers))
            async with asyncio.timeout(20):
                return await read_answer(reader, method)
        finally:
            writer.close()

    async def order(self, key, *args, operation="createOrder", target="/v1/orders", **headers):
        return await self.call(operation, target, *args, idempotency_key=key, **headers)


@asynccontextmanager
async def running(folder, store=None):
    world = World(folder)
    world.table.write_bytes(encode(gateway()))
    await world.upstream.start()
    await world.up(store)
    try:
        yield world
    finally:
        await world.down()
        await world.upstream.stop()


@pytest.fixture
async def hop(tmp_path):
    async with running(tmp_path) as world:
        yield world


@pytest.fixture
def anyio_backend():
    return "asyncio", {"use_uvloop": True}  # as the process does


World.answer = staticmethod(answer)
World.echo = staticmethod(echo)
World.bytes = staticmethod(call_bytes)
World.read = staticmethod(read_answer)
World.gateway = staticmethod(gateway)
World.route = staticmethod(route)
World.guard = staticmethod(guard)
