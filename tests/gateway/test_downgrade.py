"""HTTP/2 towards callers, HTTP/1.1 towards upstreams: nothing that one allows becomes a second request in the other.

Frames are written by hand (RFC 9113, RFC 7541 without compression), since every library refuses to.
"""

import itertools
import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

pytestmark = pytest.mark.engine
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
END_STREAM, END_HEADERS = 1, 4
USUAL = ((":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/v1/public"))
POST = ((":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/v1/public"))
SECOND = "GET /v1/customers HTTP/1.1\r\nhost: localhost\r\nx-smuggled: 1\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def with_a_body(running):
    """Whoever smuggles needs a body that gets through: a public POST."""
    running.push(running.gateway(running.route("submit", "POST", "/v1/public", public=True, scopes=())))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def text(value):
    """A string as it is (RFC 7541 section 5.2); all of ours are shorter than 2**14."""
    data = value.encode("latin-1") if isinstance(value, str) else value
    if len(data) < 127:
        return bytes((len(data),)) + data
    rest, head = len(data) - 127, bytearray((127,))
    while rest >= 128:
        head.append(rest % 128 + 128)
        rest //= 128
    return bytes((*head, rest)) + data


def block(fields):
    """Header fields that are never indexed (RFC 7541 section 6.2.3)."""
    return b"".join(b"\x10" + text(name) + text(value) for name, value in fields)


def request(stream, fields, body=None):
    head = frame(HEADERS, END_HEADERS | (0 if body is not None else END_STREAM), stream, block(fields))
    return head if body is None else head + frame(DATA, END_STREAM, stream, body)


def talk(world, sent):
    """What came back, until stream 101, a good call that goes last, was answered or the connection closed.

    For each stream its status, or `reset`; the body of the last answer.
    """
    good = request(101, [*USUAL[:3], (":path", "/v1/public?after")])
    seen, body = {}, b""
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=5) as peer:
        peer.sendall(PREFACE + frame(SETTINGS, 0, 0) + sent + good)
        read = b""
        try:
            while 0 not in seen and (101 not in seen or not body):
                piece = peer.recv(65536)
                if not piece:
                    break
                read += piece
                while len(read) >= 9 and len(read) >= 9 + (size := int.from_bytes(read[:3], "big")):
                    kind, stream, payload = read[3], int.from_bytes(read[5:9], "big"), read[9 : 9 + size]
                    read = read[9 + size :]
                    if kind == HEADERS:
                        seen[stream] = status(payload)
                    elif kind == RST:
                        seen.setdefault(stream, "reset")
                    elif kind == GOAWAY:
                        seen[0] = "goaway"
                    elif kind == DATA and stream == 101:
                        body += payload
        except (TimeoutError, ConnectionError):
            pass
    return seen, body


def status(payload):
    """`:status` is the first field: indexed where the static table has it, else its digits."""
    known = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
    return known.get(payload[0]) or "other"


SMUGGLED_FIELDS = {
    "a line end in a value": [*USUAL, ("x", "y\r\nx-smuggled: 1")],
    "a request in a value": [*USUAL, ("x", f"y\r\n\r\n{SECOND}")],
    "a line feed in a value": [*USUAL, ("x", "y\nx-smuggled: 1")],
    "a carriage return in a value": [*USUAL, ("x", "y\rx-smuggled: 1")],
    "a zero byte in a value": [*USUAL, ("x", "y\0z")],
    "a line end in a name": [*USUAL, ("x: y\r\nx-smuggled", "1")],
    "a colon in a name": [*USUAL, ("x-smuggled: 1\r\nx", "1")],
    "a space in a name": [*USUAL, ("x smuggled", "1")],
    "an empty name": [*USUAL, ("", "1")],
    "capitals in a name": [*USUAL, ("X-Smuggled", "1")],
    "an underscore in a name": [*USUAL, ("x_smuggled", "1")],
    "a line end in the path": [*USUAL[:3], (":path", f"/v1/public HTTP/1.1\r\nhost: localhost\r\n\r\n{SECOND}")],
    "a space in the path": [*USUAL[:3], (":path", "/v1/public HTTP/1.1")],
    "a tab in the path": [*USUAL[:3], (":path", "/v1/public\tx")],
    "no slash in the path": [*USUAL[:3], (":path", "v1/public")],
    "an address in the path": [*USUAL[:3], (":path", "http://evil/v1/customers")],
    "an empty path": [*USUAL[:3], (":path", "")],
    "no path": list(USUAL[:3]),
    "two paths": [*USUAL, (":path", "/v1/customers")],
    "a line end in the method": [(":method", "GET /v1/customers HTTP/1.1\r\nx-smuggled: 1\r\nx: "), *USUAL[1:]],
    "a space in the method": [(":method", "GET /v1/customers"), *USUAL[1:]],
    "no method": list(USUAL[1:]),
    "two methods": [*USUAL, (":method", "POST")],
    "a line end in the host": [*USUAL[:2], (":authority", "localhost\r\nx-smuggled: 1"), USUAL[3]],
    "a user in the host": [*USUAL[:2], (":authority", "x@localhost"), USUAL[3]],
    "a path in the host": [*USUAL[:2], (":authority", "localhost/v1/customers?"), USUAL[3]],
    "a host besides": [*USUAL, ("host", "evil")],
    "two hosts": [*USUAL, (":authority", "evil")],
    "a line end in the scheme": [
        USUAL[0],
        (":scheme", "http://localhost/v1/customers HTTP/1.1\r\nx-smuggled: 1\r\nx:"),
        *USUAL[2:],
    ],
    "no scheme": [USUAL[0], *USUAL[2:]],
    "a field of a request that nobody knows": [*USUAL, (":x", "y")],
    "a field of an answer": [*USUAL, (":status", "200")],
    "a pseudo field after the others": [USUAL[0], ("x", "y"), *USUAL[1:]],
    "an encoding": [*POST, ("transfer-encoding", "chunked")],
    "an encoding with a line end": [*POST, ("x", "y\r\ntransfer-encoding: chunked")],
    "a connection": [*USUAL, ("connection", "keep-alive, x-smuggled")],
    "an upgrade": [*USUAL, ("connection", "upgrade"), ("upgrade", "websocket")],
    "a keep-alive": [*USUAL, ("keep-alive", "timeout=100")],
    "a proxy's connection": [*USUAL, ("proxy-connection", "keep-alive")],
    "a te that is no trailers": [*USUAL, ("te", "gzip")],
    "a connect": [(":method", "CONNECT"), (":authority", "localhost:80")],
    "an extended connect": [(":method", "CONNECT"), (":protocol", "websocket"), *USUAL[1:]],
    "identity": [*USUAL, ("x-treadle-consumer", "root"), ("x-treadle-operation", "customer.customers.v1/putCustomer")],
}
LENGTHS = ["0", "5", "6", "05", "+5", "-5", "5,5", "5, 6", "", "x", "0x5", "99999999999999999999999"]


def clean(world, before):
    """What reached the upstream since: the public operation, as itself."""
    for call in world.upstream.seen[before:]:
        assert call["path"].partition("?")[0] == "/v1/public", call
        assert "x-smuggled" not in call["headers"], call
        assert call["headers"].get("x-treadle-consumer") is None
        assert not {"transfer-encoding", "content-length"} <= call["headers"].keys(), call
        assert call["headers"]["host"] == "localhost"
        assert not [value for value in call["headers"].values() if re.search(r"[\r\n\0]", value)]


def at_once(work, cases):
    """Each case on a connection of its own, eight at a time: Envoy takes a second to close one that is refused."""
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(cases, pool.map(work, cases), strict=True))


def test_no_field_of_http_2_becomes_a_line_of_http_1(running):
    before = len(running.upstream.seen)
    answers = at_once(lambda name: talk(running, request(1, SMUGGLED_FIELDS[name])), SMUGGLED_FIELDS)
    clean(running, before)
    for name, (seen, body) in answers.items():
        assert body or seen.get(0) == "goaway" or not seen, f"{name}: the good call was answered, or nobody was"
        assert not body or orjson.loads(body)["path"] == "/v1/public?after", f"{name}: with its own answer"
    assert [name for name, (_, body) in answers.items() if body], "some are refused alone, and the rest goes on"


def test_the_length_of_a_body_is_that_of_its_frames(running):
    before = len(running.upstream.seen)
    cases = dict(enumerate(itertools.product(LENGTHS, (b"", b"AAAAA", SECOND.encode()))))

    def work(number):
        length, body = cases[number]
        return talk(
            running, request(1, [*POST[:3], (":path", f"/v1/public?{number}"), ("content-length", length)], body)
        )

    answers = at_once(work, cases)
    clean(running, before)
    for call in running.upstream.seen[before:]:
        if call["method"] == "POST":
            length, body = cases[int(call["path"].partition("?")[2])]
            assert (call["body"], int(length)) == (body.decode(), len(body))
    assert all(orjson.loads(body)["path"] == "/v1/public?after" for _, body in answers.values() if body)
    right = [length for length, body in (cases[number] for number in answers if answers[number][0].get(1) == 200)]
    assert sorted(right) == ["0", "05", "5"], "any digits are a number (RFC 9110 section 8.6), and nothing else is"


def test_trailers_are_no_headers(running):
    before = len(running.upstream.seen)
    head = frame(HEADERS, END_HEADERS, 1, block(POST)) + frame(DATA, 0, 1, b"AAAAA")
    talk(
        running,
        head + frame(HEADERS, END_HEADERS | END_STREAM, 1, block([("x-smuggled", "1"), ("content-length", "0")])),
    )
    clean(running, before)


def test_a_field_in_many_pieces_is_one_field(running):
    before = len(running.upstream.seen)
    whole = block([*USUAL, ("x", "y"), ("x-treadle-consumer", "root")])
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    rest = [frame(CONTINUATION, END_HEADERS if at == len(pieces) - 1 else 0, 1, each) for at, each in enumerate(pieces)]
    seen, _ = talk(running, frame(HEADERS, END_STREAM, 1, pieces[0]) + b"".join(rest[1:]))
    assert seen[1] == 200
    clean(running, before)


def test_each_stream_is_judged_for_itself(running):
    """A token on one stream opens nothing on another."""
    before = len(running.upstream.seen)
    mine = [*USUAL[:3], (":path", "/v1/customers"), ("authorization", running.bearer()["authorization"])]
    seen, _ = talk(running, request(1, mine) + request(3, [*USUAL[:3], (":path", "/v1/customers")]))
    assert seen[1] == 200
    assert seen[3] not in {200, 204}
    assert [call["path"] for call in running.upstream.seen[before:]].count("/v1/customers") == 1
