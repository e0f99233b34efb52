"""Peers that are slow on purpose, on every side of a fabric: nobody waits for them but themselves."""

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from harness import ACME, Fabric, stop, wait_for
from tests.soak.traffic import LITTLE_S, ORDER, SCOPES, call, journal, order

from treadle.connect.webhook import SigningKey

pytestmark = pytest.mark.fabric
CALL_S = 1.0
"""`timeout_ms` of the calls of acme."""
BODY_S = 15.0
"""How long the gateway waits for a request to be whole."""
GROWTH_MAX = 64 << 20
"""How much memory a process may take for peers that do not read."""
STREAMS_MAX = 64


class Upstream:
    """An HTTP server whose `behave(writer)` answers each call, byte by byte if it likes."""

    def __init__(self):
        self.calls = 0
        self.behave = self.silent
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,))
        self.thread.start()
        assert started.wait(10)

    def _run(self, started):
        async def serve():
            self.loop, self.ending = asyncio.get_running_loop(), asyncio.Event()
            async with await asyncio.start_server(self._connection, "127.0.0.1", 0) as server:
                self.port = server.sockets[0].getsockname()[1]
                started.set()
                await self.ending.wait()
                server.close()

        asyncio.run(serve())

    async def _connection(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.calls += 1
                await self.behave(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def silent(self, _):
        await self.ending.wait()

    async def quick(self, writer):
        writer.write(
            b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"items": []}'[:-1]
        )
        await writer.drain()

    def dripping(self, *, head, pause_s, body=b"x" * 40):
        async def drip(writer):
            said = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
            whole, slow = (b"", said + body) if head else (said, body)
            writer.write(whole)
            for byte in slow:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(pause_s)

        return drip

    def close(self):
        self.loop.call_soon_threadsafe(self.ending.set)
        self.thread.join()


@pytest.fixture(scope="module")
def slow():
    """The upstream of the Orders API, and the ERP."""
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def key():
    return SigningKey.generate()


@pytest.fixture(scope="module")
def fabric(slow, key, tmp_path_factory):
    """The fabric of acme without its systems and services: in their place stands one that is slow, and one quick."""
    root = tmp_path_factory.mktemp("slow") / "acme"
    shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
    services = root / "domains" / "sales" / "services.yaml"
    services.write_text(re.sub(r"\n *spiffe_id: .*", "", services.read_text()))
    quick = Upstream()
    quick.behave = quick.quick
    overlay = root / "slow.json"
    overlay.write_bytes(
        orjson.dumps(
            {
                "upstreams": {
                    "orders-api": f"http://127.0.0.1:{slow.port}",
                    "customers-api": f"http://127.0.0.1:{quick.port}",
                },
                "candidates": {"customers-api": {"upstream": f"http://127.0.0.1:{quick.port}"}},
                "connectors": {
                    "erp": {"url": f"http://127.0.0.1:{slow.port}"},
                    "crm": {"public_key": key.public_text()},
                },
            }
        )
    )
    running = Fabric(root)
    running.treadle("up", "--detach", "--overlay", str(overlay))
    yield running
    stop(running)
    quick.close()


@pytest.fixture
def auth(fabric):
    return {"authorization": f"Bearer {fabric.token(scope=SCOPES)}"}


@pytest.fixture(autouse=True)
def nobody_hangs(fabric):
    """No slow peer makes a process of the fabric look as if it hung."""
    yield
    states = {row["state"] for row in journal(fabric)}
    assert states <= {"waiting", "starting", "ready"}, journal(fabric)


def orders(fabric, auth):
    return call("call", fabric.run["gateway"] + "/v1/orders?limit=1", headers=auth, ca=fabric.run["ca"])


def customers(fabric, auth):
    return call("call", fabric.run["gateway"] + "/v1/customers?limit=1", headers=auth, ca=fabric.run["ca"])


def together(count, work):
    """What many threads were told at the same time."""
    told = []
    threads = [threading.Thread(target=lambda: told.append(work())) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(told) == count
    return told


def memory(fabric, name):
    """Resident bytes of a process."""
    pages = Path(f"/proc/{fabric.process(name)['pid']}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def assert_timed_out(said):
    assert (said.status, said.code) == (504, "UPSTREAM_TIMEOUT"), said
    assert said.took_s <= CALL_S + LITTLE_S


def test_an_upstream_that_accepts_and_never_answers(fabric, slow, auth):
    slow.behave = slow.silent
    told = []
    stalled = threading.Thread(target=lambda: told.extend(together(20, lambda: orders(fabric, auth))))
    calls = slow.calls
    stalled.start()
    wait_for(lambda: slow.calls >= calls + 20, "20 calls to hang")
    assert customers(fabric, auth).status == 200, "another API waited for the slow one"
    stalled.join()
    for said in told:
        assert_timed_out(said)


def test_an_upstream_that_answers_byte_by_byte(fabric, slow, auth):
    slow.behave = slow.dripping(head=True, pause_s=0.2)
    assert_timed_out(orders(fabric, auth))

    # Its head was passed on before: the answer is cut, and no client takes it for whole.
    slow.behave = slow.dripping(head=False, pause_s=0.2)
    said = orders(fabric, auth)
    assert said.status == 0, said
    assert said.took_s <= CALL_S + LITTLE_S

    # One that is slow within its time is served whole.
    slow.behave = slow.dripping(head=True, pause_s=0.001)
    said = orders(fabric, auth)
    assert (said.status, said.body) == (200, b"x" * 40)


def test_a_webhook_source_that_stalls_within_a_body(fabric, key):
    at = urlsplit(fabric.run["gateway"])
    with ExitStack() as stack:
        context = ssl.create_default_context(cafile=fabric.run["ca"])

        def reached():
            plain = socket.create_connection((at.hostname, at.port))
            return stack.enter_context(context.wrap_socket(plain, server_hostname=at.hostname))

        stalled = [reached() for _ in range(50)]
        began = time.monotonic()
        for each in stalled:
            each.sendall(
                b"POST /v1/webhooks/crm HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                b'content-length: 1000\r\n\r\n{"type":'
            )
        body = orjson.dumps({"type": "customer.updated", "timestamp": "2026-11-22T12:00:00Z", "data": {}})
        headers = {"content-type": "application/json", **key.headers("msg_quick", int(time.time()), body)}
        url = fabric.run["gateway"] + "/v1/webhooks/crm"
        said = call("webhook", url, method="POST", headers=headers, body=body, ca=fabric.run["ca"])
        assert said.status == 202, "a whole webhook waited for those that are not"
        for each in stalled:
            each.settimeout(BODY_S + LITTLE_S)
            head, _, said = each.recv(65536).partition(b"\r\n\r\n")
            status = head.split(b" ")[1]
            assert (status, json.loads(said)["code"]) == (b"408", "REQUEST_TIMEOUT")
        assert time.monotonic() - began <= BODY_S + LITTLE_S


def test_readers_of_the_console_that_do_not_read(fabric, auth):
    at = urlsplit(fabric.run["console"])
    before = memory(fabric, "control")
    ask = b"GET /events/stream HTTP/1.1\r\nhost: %s\r\n\r\n" % at.netloc.encode()

    def opened(receive_bytes):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.settimeout(20)
        made.connect((at.hostname, at.port))
        made.sendall(ask)
        return made

    with ExitStack() as stack:
        for _ in range(STREAMS_MAX - 1):
            stack.enter_context(opened(1024))
        reader = stack.enter_context(opened(1 << 20))
        ticks = b""
        while ticks.count(b"event: delta") < 15:
            fresh = reader.recv(65536)
            assert fresh, ticks[-500:]
            ticks += fresh
            customers(fabric, auth)  # something changes, so that there is something to send
        said = call("page", fabric.run["console"] + "/overview.json")
        assert said.status == 200
        with opened(65536) as one_more:
            refused = one_more.recv(65536)
        assert b" 503 " in refused.partition(b"\r\n")[0], "so many streams are open, and another one was taken"
        assert memory(fabric, "control") - before < GROWTH_MAX
    # They went away: others find room.
    wait_for(lambda: _a_tick(opened), "a stream for somebody else")


def _a_tick(opened):
    with opened(65536) as made:
        return b"event: full" in made.recv(65536)


def test_a_producer_that_never_reads_its_acknowledgements(fabric):
    """4,000 events over one connection whose answers nobody takes; others are acknowledged meanwhile."""
    address = urlsplit(fabric.treadle("token", "--client", "demo-app", "--nats").stdout.strip())
    before = {name: memory(fabric, name) for name in ("nats", "guard")}
    hello = {"user": address.username, "pass": address.password, "verbose": False, "headers": True, "echo": False}
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.settimeout(60)
        deaf.connect((address.hostname, address.port))
        deaf.sendall(b"CONNECT " + orjson.dumps(hello) + b"\r\nSUB _INBOX.demo-app.deaf 1\r\n")
        for number in range(4000):
            event = orjson.dumps(order(f"deaf-{number}"))
            deaf.sendall(
                b"PUB %s.deaf-%d _INBOX.demo-app.deaf %d\r\n%s\r\n"
                % (
                    ORDER.encode(),
                    number,
                    len(event),
                    event,
                )
            )
        told = asyncio.run(_published(address.geturl(), 50))
        assert told == 50
        wait_for(lambda: _stored(fabric) == 4050, "every event to be kept")
    for name, bytes in before.items():
        assert memory(fabric, name) - bytes < GROWTH_MAX, name


async def _published(url, count):
    """How many of so many events were acknowledged to a client that does read."""
    import nats

    nc = await nats.connect(url, inbox_prefix=b"_INBOX.demo-app")
    try:
        js = nc.jetstream()
        for number in range(count):
            data = order(f"hears-{number}")
            await js.publish(f"{ORDER}.{data['orderId']}", orjson.dumps(data), timeout=30)
    finally:
        await nc.close()
    return count


def _stored(fabric):
    said = call("page", f"http://127.0.0.1:{fabric.run['ports']['nats-monitor']}/jsz?streams=true&accounts=true")
    streams = [
        each for account in json.loads(said.body)["account_details"] for each in account.get("stream_detail", [])
    ]
    return next(each["state"]["messages"] for each in streams if each["name"] == "SALES_ORDER_CREATED_V1")
