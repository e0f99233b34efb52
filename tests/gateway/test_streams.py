"""What stays open, seen at a real Envoy: streams of events, bodies in chunks, connections that become WebSockets."""

import base64
import hashlib
import http.client
import queue
import socket
import socketserver
import threading
from dataclasses import replace

import pytest

from treadle.contract.model import Streaming
from treadle.gateway.ir import Api, Upstream

pytestmark = pytest.mark.engine
CONTRACT = "sales.live.v1"
ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
KEY = base64.b64encode(b"sixteen bytes!!!").decode()


class Live(socketserver.ThreadingTCPServer):
    """An upstream that says something only when a test tells it to."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.open: queue.Queue[Talk] = queue.Queue()
        self.heard: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Talk)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Talk(socketserver.StreamRequestHandler):
    """One connection. `say` is what its answer consists of, part by part; None ends it."""

    def handle(self):
        self.say: queue.Queue[bytes | None] = queue.Queue()
        line = self.rfile.readline().decode()
        headers = {}
        while (field := self.rfile.readline().decode().strip()) != "":
            name, _, value = field.partition(": ")
            headers[name.lower()] = value
        self.server.heard.append(line.encode())
        method, path, _ = line.split(" ")
        if headers.get("upgrade") == "websocket":
            self.echo(headers)
        elif method == "POST":
            self.collect(headers)
        else:
            self.stream("text/event-stream" if path.endswith("feed") else "application/octet-stream")

    def stream(self, media):
        self.send(f"HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        self.server.open.put(self)
        while (data := self.say.get()) is not None:
            self.send(b"%x\r\n%s\r\n" % (len(data), data))
        self.send(b"0\r\n\r\n")

    def echo(self, headers):
        answer = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + ACCEPT).encode()).digest()).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        self.send(f"{head}sec-websocket-accept: {answer}\r\n\r\n".encode())
        while data := self.connection.recv(65536):
            self.send(data)

    def collect(self, headers):
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(headers["content-length"]))
        self.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def send(self, data):
        self.wfile.write(data)
        self.wfile.flush()


@pytest.fixture(scope="module")
def live(running):
    """The usual gateway with an API of streams before it."""
    server = Live()
    where = {"contract": CONTRACT, "upstream": "live-api"}
    routes = (
        running.route("follow", "GET", "/v1/live/feed", streaming=Streaming.RESPONSE, **where),
        running.route("talk", "GET", "/v1/live/socket", streaming=Streaming.UPGRADE, **where),
        running.route("quick", "GET", "/v1/live/quick", timeout_ms=300, **where),
        running.route("load", "GET", "/v1/live/load", **where),
        running.route("send", "POST", "/v1/live/items", **where),
    )
    api = Api(CONTRACT, routes, (Upstream("live-api", "127.0.0.1", server.server_address[1]),))
    running.push(replace(running.base, apis=(*running.base.apis, api)))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def listen(running, live):
    """How to call an operation that streams: what its upstream says, and the answer."""
    open = []

    def start(path):
        connection = http.client.HTTPConnection("127.0.0.1", running.node.port, timeout=20)
        connection.request("GET", path, headers=running.bearer())
        talk = live.open.get(timeout=10)
        open.append((connection, talk))
        return talk.say, connection.getresponse()

    yield start
    for connection, talk in open:
        connection.close()
        talk.say.put(None)


def test_events_arrive_one_by_one(listen):
    say, reply = listen("/v1/live/feed")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream"
    # Each is said only after the one before has arrived: whoever held one back would hold up all.
    for number in range(5):
        say.put(b"data: %d\n\n" % number)
        assert reply.readline() == b"data: %d\n" % number
        assert reply.readline() == b"\n"


def test_a_stream_outlives_what_may_take_only_its_time(listen):
    """Answers of the operation beside it, from the same upstream, are cut off one after the other meanwhile."""
    say, reply = listen("/v1/live/feed")
    say.put(b"data: first\n\n")
    assert reply.readline() == b"data: first\n"
    for _ in range(3):
        _, other = listen("/v1/live/quick")
        with pytest.raises(http.client.IncompleteRead):
            other.read()
    say.put(b"data: second\n\n")
    reply.readline()
    assert reply.readline() == b"data: second\n"


def test_an_answer_in_chunks_arrives_as_it_is_said(listen):
    say, reply = listen("/v1/live/load")
    for each in (b"one", b"two", b"three"):
        say.put(each)
        assert reply.read1(100) == each
    say.put(None)
    assert reply.read() == b""


@pytest.mark.usefixtures("live")
def test_a_request_in_chunks_arrives_whole(running):
    parts = [b"a" * 10_000, b"b" * 5, b"c" * 60_000]
    connection = http.client.HTTPConnection("127.0.0.1", running.node.port, timeout=20)
    connection.request("POST", "/v1/live/items", iter(parts), running.bearer(), encode_chunked=True)
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.read() == b"".join(parts)
    connection.close()


def shake(running, path, headers=None, upgrade="websocket"):
    """A WebSocket's opening handshake: the connection, the status, and what came with it."""
    found = socket.create_connection(("127.0.0.1", running.node.port), timeout=20)
    sent = {
        "host": "localhost",
        "upgrade": upgrade,
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": KEY,
        **(headers or {}),
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    found.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer and (chunk := found.recv(65536)):
        answer += chunk
    return found, int(answer.split()[1]), answer


@pytest.mark.usefixtures("live")
def test_a_websocket_is_opened_and_passes_both_ways(running):
    found, status, head = shake(running, "/v1/live/socket", running.bearer())
    with found:
        assert status == 101
        want = base64.b64encode(hashlib.sha1((KEY + ACCEPT).encode()).digest())
        assert b"sec-websocket-accept: " + want + b"\r\n" in head
        for frame in (b"\x81\x85abcdhello", bytes(range(256)) * 40):
            found.sendall(frame)
            back = b""
            while len(back) < len(frame):
                back += found.recv(65536)
            assert back == frame


def test_a_websocket_needs_its_token_like_any_call(running, live):
    before = len(live.heard)
    for headers, status in ((None, 401), (running.bearer("nobody", ""), 403)):
        found, told, _ = shake(running, "/v1/live/socket", headers)
        found.close()
        assert told == status
    assert len(live.heard) == before


def test_no_other_operation_changes_its_protocol(running, live):
    before = len(live.heard)
    for path, upgrade in (
        ("/v1/live/load", "websocket"),
        ("/v1/live/feed", "websocket"),
        ("/v1/live/socket", "tls/1.2"),
    ):
        found, status, answer = shake(running, path, running.bearer(), upgrade)
        found.close()
        assert status == 400, (path, upgrade, answer)
        assert b'"code":"BAD_REQUEST"' in answer
    assert len(live.heard) == before
