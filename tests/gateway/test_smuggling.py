"""Requests that two parsers may split differently, and paths that two readers may resolve differently.

An upstream records what reaches it, byte by byte. Without a token only the public operation may be reached, as itself;
what follows on the same connection, where it stays open, is answered as if nothing had happened before it.
"""

import itertools
import re
import socket

import pytest

from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
HEAD = b"POST /v1/public HTTP/1.1\r\nHost: localhost\r\n"
READ = b"GET /v1/public HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = b"GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: 1\r\n\r\n"
AFTER = b"GET /v1/public?after HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSING = b"connection: close"
_CHUNKED = b"Transfer-Encoding: chunked"

ENCODINGS = [
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \x0cchunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: CHUNKED",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunk",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: chunked\r",
    b"Transfer-Encoding\n: chunked",
    b"Transfer-Encoding:\n chunked",
    b"Transfer-Encoding:\r\n chunked",
    b" Transfer-Encoding: chunked",
    b"\tTransfer-Encoding: chunked",
    b"X: x\nTransfer-Encoding: chunked",
    b"X: x\rTransfer-Encoding: chunked",
    b"X: x\r\n Transfer-Encoding: chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-\xc3\x8ancoding: chunked",
    b"TE: chunked",
    b"Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding",
]
LENGTHS = [
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 6\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5, 5",
    b"Content-Length: 5,6",
    b"Content-Length: +5",
    b"Content-Length: -5",
    b"Content-Length: 05",
    b"Content-Length: 5.0",
    b"Content-Length: 0x5",
    b"Content-Length: 5e0",
    b"Content-Length: 5 5",
    b"Content-Length: 5;x",
    b"Content-Length:",
    b"Content-Length: \x0b5",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length: 18446744073709551621",
    b"Content-Length : 5",
    b"Content-Length\t: 5",
    b" Content-Length: 5",
    b"Content_Length: 5",
    b"X: x\nContent-Length: 5",
    b"X: x\rContent-Length: 5",
    b"Content-Length: \xd9\xa5",
    b"Content-Length: 5\r\nConnection: Content-Length",
]
CHUNKS = [
    b"0\r\n\r\n",
    b"00\r\n\r\n",
    b"0;a=b\r\n\r\n",
    b"0\n\n",
    b"0\r\r",
    b"-1\r\n\r\n",
    b"+0\r\n\r\n",
    b"0x0\r\n\r\n",
    b" 0\r\n\r\n",
    b"0 \r\n\r\n",
    b"1\r\nx0\r\n\r\n",
    b"1\r\nxx\r\n0\r\n\r\n",
    b"1;\nx\r\n0\r\n\r\n",
    b"1;a\rb\r\nx\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
    b"10000000000000001\r\nx\r\n0\r\n\r\n",
    b"1\r\nx\r\n0\r\nX-Treadle-Consumer: root\r\n\r\n",
    b"1\r\nx\r\n0\r\nContent-Length: 50\r\n\r\n",
    b"1\r\nx\r\n0\r\nHost: evil\r\n\r\n",
    b"zz\r\nx\r\n0\r\n\r\n",
]
SHAPES = {
    "two hosts": READ + b"Host: evil\r\n\r\n",
    "no host": b"GET /v1/public HTTP/1.1\r\n\r\n",
    "a host in a folded line": b"GET /v1/public HTTP/1.1\r\nHost:\r\n evil\r\n\r\n",
    "bare line feeds": READ.replace(b"\r\n", b"\n") + b"\n",
    "bare carriage returns": READ.replace(b"\r\n", b"\r") + b"\r",
    "an empty line first": b"\r\n\r\n" + READ + b"\r\n",
    "a space first": b" " + READ + b"\r\n",
    "two spaces in the first line": b"GET  /v1/public  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tab in the first line": b"GET\t/v1/public\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a request without a host before another": b"GET /v1/public HTTP/1.1\r\nX: y\r\n\r\n" + SMUGGLED,
    "a second version": b"GET /v1/public HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a version of its own": b"GET /v1/public HTTP/1.1x\r\nHost: localhost\r\n\r\n",
    "HTTP/1.0 that keeps alive": b"GET /v1/public HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/0.9": b"GET /v1/customers\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade to h2c": READ
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "an upgrade to websocket": READ
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an expectation": HEAD + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    "a strange expectation": HEAD + b"Expect: 100-continue, x\r\nContent-Length: 0\r\n\r\n",
    "a name with a newline": READ + b"X\r\nY: z\r\n\r\n",
    "no name": READ + b": x\r\n\r\n",
    "no colon": READ + b"x\r\n\r\n",
    "a pseudo header": READ + b":path: /v1/customers\r\n\r\n",
    "another pseudo header": READ + b":method: PUT\r\n:authority: evil\r\n\r\n",
    "a zero byte in a name": READ + b"X\0: y\r\n\r\n",
    "a method with a zero byte": b"GET\0 /v1/public HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body that a GET has": READ + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "a chunked body that a GET has": READ + _CHUNKED + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
}
BATTERY = [
    *(
        (f"length and {each!r}", HEAD + b"Content-Length: 5\r\n" + each + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)
        for each in ENCODINGS
    ),
    *(
        (f"{each!r} and length", HEAD + each + b"\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED)
        for each in ENCODINGS
    ),
    *((f"{each!r} alone", HEAD + each + b"\r\n\r\n0\r\n\r\n" + SMUGGLED) for each in ENCODINGS),
    *((f"{each!r}", HEAD + each + b"\r\n\r\nAAAAA" + SMUGGLED) for each in LENGTHS),
    *((f"chunks {each!r}", HEAD + _CHUNKED + b"\r\n\r\n" + each + SMUGGLED) for each in CHUNKS),
    *SHAPES.items(),
]


@pytest.fixture(scope="module", autouse=True)
def with_a_body(running):
    """Whoever smuggles needs a body that gets through: a public POST."""
    running.push(running.gateway(running.route("submit", "POST", "/v1/public", public=True, scopes=())))


def talk(world, data):
    """What comes back for one request and, if the connection lives on, for a good one after it: the statuses."""
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as peer:
        peer.sendall(data)
        seen = b""
        try:
            peer.settimeout(0.05)  # some of these never end; the good request after them tells
            while CLOSING not in seen and (piece := peer.recv(65536)):
                seen += piece
            return statuses(seen), None
        except TimeoutError:
            pass
        except ConnectionError:
            return statuses(seen), None
        before = seen
        try:
            peer.sendall(AFTER)
            peer.settimeout(0.2)
            while b"?after" not in seen and CLOSING not in seen and (piece := peer.recv(65536)):
                seen += piece
        except (TimeoutError, ConnectionError):
            pass
        return statuses(before), seen[len(before) :]


def statuses(answers):
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


@pytest.mark.parametrize(("name", "data"), BATTERY, ids=[name[:60] for name, _ in BATTERY])
def test_nothing_is_smuggled(running, name, data):
    before = len(running.upstream.seen)
    first, after = talk(running, data)
    reached = running.upstream.seen[before:]
    for call in reached:
        assert call["path"].partition("?")[0] == "/v1/public", f"{name}: {call}"
        assert call["method"] in {"GET", "POST"}
        assert "x-smuggled" not in call["headers"], f"{name}: a request became another one's headers"
        assert call["headers"].get("x-treadle-consumer") is None
        assert not {"transfer-encoding", "te"} <= call["headers"].keys()
        assert not {"transfer-encoding", "content-length"} <= call["headers"].keys(), "one length, whatever was sent"
    assert 200 not in first or reached, "nobody but the upstream says 200"
    if after is not None and b"?after" in after:
        answer = after.partition(b"\r\n\r\n")[2]
        assert b'"path": "/v1/public?after"' in answer, "the answer to the good request is its own"
        assert running.upstream.seen[-1]["path"] == "/v1/public?after"


def test_the_battery_is_as_large_as_it_says():
    assert len({data for _, data in BATTERY}) >= 150


def test_after_all_of_it_nobody_gets_anothers_answer(running, client):
    for number in range(50):
        answer = client.get(f"/v1/public?{number}")
        assert answer.json()["path"] == f"/v1/public?{number}"


def test_a_request_that_follows_in_one_packet_is_judged_for_itself(running):
    """Pipelined: the second needs a token, whatever the first was."""
    before = len(running.upstream.seen)
    first, after = talk(running, READ + b"\r\n" + SMUGGLED)
    assert (first + statuses(after))[:2] == [200, 401]
    assert [call["path"] for call in running.upstream.seen[before:]] == ["/v1/public", "/v1/public?after"]


DOTS = [
    "..",
    "%2e%2e",
    ".%2e",
    "%2e.",
    "%2E%2E",
    "%252e%252e",
    "..;",
    "..;x=1",
    "%2e%2e;",
    "..%00",
    "..%20",
    "..%09",
    "...",
    "..%0d",
    "%c0%ae%c0%ae",
    "%c0%2e%c0%2e",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae%f0%80%80%ae",
    "%ef%bc%8e%ef%bc%8e",
    "%u002e%u002e",
    "..%ff",
]
SLASHES = [
    "/",
    "//",
    "\\",
    "%2f",
    "%2F",
    "%5c",
    "%252f",
    "%255c",
    "%c0%af",
    "%c1%9c",
    "%e0%80%af",
    "%ef%bc%8f",
    "/./",
    "/%2e/",
    "/;/",
    "%u2215",
    "%2f%2f",
    "\\/",
]
STARTS = ["/v1/public", "/v1/public/x", "/v1/customers/7"]
TRAVERSALS = [
    f"{start}{slash}{dots}{slash}customers" for start, dots, slash in itertools.product(STARTS, DOTS, SLASHES)
]


def test_there_are_traversals_enough():
    assert len(set(TRAVERSALS)) >= 1_000


def test_no_traversal_opens_a_protected_operation(running):
    """Without a token."""
    before = len(running.upstream.seen)
    answered = {200: 0, 400: 0, 401: 0, 404: 0}
    for status in asked(running, TRAVERSALS):
        answered[status] += 1
    reached = {call["path"].partition("?")[0] for call in running.upstream.seen[before:]}
    assert reached <= {"/v1/public"}, reached
    assert answered[400] > 500, "most are refused for what they are"
    assert answered[200] == len(running.upstream.seen) - before


def test_no_traversal_reaches_another_operation_than_was_checked(running):
    """With a token: what the upstream gets fits the operation that was checked, also to those who decode twice."""
    templates = {
        "listCustomers": r"/v1/customers",
        "getCustomer": r"/v1/customers/(?!\.{1,2}(?:;|$))[^/\\]+",
        "searchCustomers": r"/v1/customers/search",
        "health": r"/v1/public",
    }
    before = len(running.upstream.seen)
    list(asked(running, TRAVERSALS, b"Authorization: " + running.bearer()["authorization"].encode() + b"\r\n"))
    calls = running.upstream.seen[before:]
    assert len(calls) > 50
    for call in calls:
        path = call["path"].partition("?")[0]
        operation = fact_of(running.line_of(call["headers"]["traceparent"].split("-")[1])).operation
        for read in (path, decoded(path), decoded(decoded(path))):
            assert re.fullmatch(templates[operation], read), f"{path} of {operation} may be read as {read}"


def decoded(path):
    """As a careless reader decodes: what is no escape stays."""
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), path)


def asked(world, paths, more=b""):
    """The status of each of these paths, sent as they are written, on as few connections as the gateway allows."""
    peer = None
    for path in paths:
        data = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n"
        seen = b""
        for _ in range(2):  # the gateway may have closed the last connection meanwhile
            peer = peer or socket.create_connection(("127.0.0.1", world.node.port), timeout=10)
            try:
                peer.sendall(data)
                seen = answer(peer)
            except ConnectionError:
                seen = b""
            if seen:
                break
            peer.close()
            peer = None
        yield int(seen[9:12])
        if b"connection: close" in seen:
            peer.close()
            peer = None
    if peer:
        peer.close()


def answer(peer):
    seen = b""
    while b"\r\n\r\n" not in seen:
        piece = peer.recv(65536)
        if not piece:
            return seen
        seen += piece
    head, _, body = seen.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    while len(body) < length:
        body += peer.recv(65536)
    return head
