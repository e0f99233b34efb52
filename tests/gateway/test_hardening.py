"""Who may be asked for, by which headers, and what neither side learns of the other. Through a real Envoy."""

import http.client
import re
import socket
from dataclasses import replace

import orjson
import pytest

from treadle.gateway.envoy.plain_path import PLAIN

pytestmark = pytest.mark.engine
HOSTS = ("127.0.0.1", "[::1]", "api.acme.example", "localhost")


@pytest.fixture(scope="module")
def named(running):
    """The usual node under names, as every gateway of a workspace is."""
    running.push(replace(running.base, hosts=HOSTS))
    yield running
    running.push(running.base)


def ask(world, path="/v1/public", *, host="localhost", method="GET", headers=(), body=b""):
    """One request, sent as it is written: status, headers in lower case, body."""
    connection = http.client.HTTPConnection("127.0.0.1", world.node.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", host), *headers]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def raw(world, data, end=b""):
    """What is answered to these bytes until the gateway closes, or `end` was seen."""
    seen = b""
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as peer:
        peer.sendall(data)
        while not (end and end in seen) and (piece := peer.recv(65536)):
            seen += piece
    return seen


def refused(status, headers, body, want, code):
    words = orjson.loads(body)
    assert (status, words["code"]) == (want, code), body
    assert set(words) == {"traceId", "code", "message", "details"}
    assert words["traceId"] == headers["x-trace-id"]
    return words["traceId"]


OURS = """
localhost LOCALHOST LocalHost localhost:80 localhost:8443 localhost. localhost.:8080 127.0.0.1 127.0.0.1:1 [::1]
[::1]:8080 api.acme.example API.acme.example:443 api.acme.example.
"""


@pytest.mark.parametrize("host", OURS.split())
def test_every_spelling_of_a_name_of_ours_is_ours(named, host):
    assert ask(named, host=host)[0] == 200


NOBODY = """
evil localhost.evil evil.localhost api.acme.example.evil xapi.acme.example a,localhost localhost,evil
user@localhost 127.1 127.0.0.2 0x7f.1 2130706433 [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] localhost:abc
localhost:80:80 localhost%00 localhost%2eevil *.acme.example *
"""


@pytest.mark.parametrize("host", NOBODY.split())
def test_any_other_name_is_nobody(named, host):
    seen = len(named.upstream.seen)
    trace_id = refused(
        *ask(named, host=host, headers=[("Authorization", named.bearer()["authorization"])]), 404, "NOT_FOUND"
    )
    assert trace_id != "0" * 32
    assert len(named.upstream.seen) == seen


def test_two_hosts_are_none(named):
    seen = len(named.upstream.seen)
    for first, second in (("localhost", "evil"), ("evil", "localhost"), ("localhost", "localhost")):
        refused(*ask(named, host=first, headers=[("Host", second)]), 404, "NOT_FOUND")
    assert len(named.upstream.seen) == seen


def test_the_host_of_an_absolute_address_counts_and_the_header_does_not(named):
    assert ask(named, "http://localhost/v1/public", host="evil")[0] == 200
    assert named.upstream.seen[-1]["headers"]["host"] == "localhost"
    refused(*ask(named, "http://evil/v1/public", host="localhost"), 404, "NOT_FOUND")


OVERRULING = {
    "x-http-method-override": "DELETE",
    "x-http-method": "DELETE",
    "x-method-override": "DELETE",
    "x-original-url": "/v1/customers",
    "x-original-uri": "/v1/customers",
    "x-rewrite-url": "/v1/customers",
    "x-forwarded-host": "evil",
    "x-forwarded-port": "1",
    "x-forwarded-prefix": "/admin",
    "x-forwarded-server": "evil",
    "x-host": "evil",
    "forwarded": "for=127.0.0.1;host=evil",
    "x-real-ip": "127.0.0.1",
    "proxy-authorization": "Basic eDp5",
    "x-forwarded-client-cert": "URI=spiffe://acme/admin",
    "x-treadle-consumer": "root",
    "x-treadle-operation": "customer.customers.v1/putCustomer",
    "x-envoy-original-path": "/v1/customers",
    "x-envoy-internal": "true",
    "x-envoy-external-address": "127.0.0.9",
    "x-envoy-decorator-operation": "evil",
    "x-envoy-peer-metadata": "evil",
    "connection": "x-private",
    "x-private": "1",
    "keep-alive": "timeout=1000",
    "proxy-connection": "keep-alive",
}


@pytest.mark.parametrize("name", OVERRULING)
def test_no_header_overrules_what_was_checked(named, name):
    headers = [*OVERRULING.items()] if name == "x-private" else [(name, OVERRULING[name])]
    assert ask(named, headers=headers)[0] == 200
    seen = named.upstream.seen[-1]["headers"]
    assert seen.get(name) != OVERRULING[name]
    assert not [each for each in seen if each.startswith("x-envoy")]


STEERING = {
    "x-envoy-retry-on": "5xx,retriable-status-codes",
    "x-envoy-retriable-status-codes": "500,404",
    "x-envoy-max-retries": "50",
    "x-envoy-retriable-header-names": "content-type",
    "x-envoy-retry-grpc-on": "internal",
    "x-envoy-hedge-on-per-try-timeout": "true",
    "x-envoy-upstream-rq-timeout-ms": "60000",
    "x-envoy-upstream-rq-per-try-timeout-ms": "1",
    "x-envoy-upstream-stream-duration-ms": "1",
    "x-envoy-expected-rq-timeout-ms": "60000",
    "x-envoy-upstream-rq-timeout-alt-response": "1",
    "x-envoy-upstream-alt-stat-name": "evil",
    "x-envoy-force-trace": "true",
    "x-envoy-ip-tags": "evil",
    "x-envoy-downstream-service-cluster": "evil",
}


def test_a_caller_has_no_say_in_retries_and_timeouts(named):
    bearer = [("Authorization", named.bearer()["authorization"])]
    before = len(named.upstream.seen)
    status, *_ = ask(named, "/v1/customers/broken", headers=[*bearer, *STEERING.items()])
    assert (status, len(named.upstream.seen) - before) == (500, 1), "sent once"
    refused(*ask(named, "/v1/customers/slow", headers=[*bearer, *STEERING.items()]), 504, "UPSTREAM_TIMEOUT")
    assert not [each for call in named.upstream.seen for each in call["headers"] if each.startswith("x-envoy")]


def test_the_address_of_a_caller_is_written_by_the_gateway(named):
    ask(named, headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "gopher")])
    seen = named.upstream.seen[-1]["headers"]
    assert seen["x-forwarded-for"].startswith("1.2.3.4,"), "the last one is the gateway's own"
    assert seen["x-forwarded-proto"] in {"http", "https"}


def test_an_answer_says_nothing_of_what_stands_behind(named, scripted_once):
    """An upstream that tells of itself, and tries to steer Envoy."""
    port = scripted_once(
        b"HTTP/1.1 200 OK\r\nserver: nginx/1.2\r\nx-envoy-upstream-service-time: 7\r\n"
        b"x-envoy-decorator-operation: x\r\n"
        b"x-envoy-immediate-health-check-fail: 1\r\nx-envoy-overloaded: 1\r\nx-envoy-ratelimited: 1\r\n"
        b"content-length: 2\r\n\r\n{}"
    )
    (api,) = named.base.apis
    moved = replace(api, upstreams=(replace(api.upstreams[0], port=port),))
    named.push(replace(named.base, hosts=HOSTS, apis=(moved,)))
    try:
        status, headers, _ = ask(named)
    finally:
        named.push(replace(named.base, hosts=HOSTS))
    assert (status, headers["server"]) == (200, "treadle")
    assert not [name for name in headers if name.startswith("x-envoy")]


@pytest.fixture
def scripted_once():
    """An upstream that gives one answer."""
    listening = []

    def start(answer):
        import threading

        server = socket.create_server(("127.0.0.1", 0))

        def serve():
            peer, _ = server.accept()
            peer.recv(65536)
            peer.sendall(answer)
            peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        listening.append((server, thread))
        return server.getsockname()[1]

    yield start
    for server, thread in listening:
        thread.join(10)
        server.close()


GET = b"GET /v1/public HTTP/1.1\r\nHost: localhost\r\n"
REFUSED_BEFORE_A_ROUTE = {
    "an underscore in a name": (GET + b"x_y: 1\r\n\r\n", 400, "BAD_REQUEST"),
    "identity with an underscore": (GET + b"x_treadle_consumer: root\r\n\r\n", 400, "BAD_REQUEST"),
    "too many headers": (
        GET + b"".join(b"h%d: 1\r\n" % each for each in range(100)) + b"\r\n",
        431,
        "HEADERS_TOO_LARGE",
    ),
    "a header that is too long": (GET + b"h: " + b"x" * 40_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    "a path that is too long": (
        b"GET /v1/public?" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        431,
        "HEADERS_TOO_LARGE",
    ),
    "HTTP/1.0": (b"GET /v1/public HTTP/1.0\r\nHost: localhost\r\n\r\n", 426, "UPGRADE_REQUIRED"),
    "HTTP/0.9": (b"GET /v1/public\r\n\r\n", 426, "UPGRADE_REQUIRED"),
    "no host": (b"GET /v1/public HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
    "a host with a path": (b"GET /v1/public HTTP/1.1\r\nHost: localhost/x\r\n\r\n", 400, "BAD_REQUEST"),
    "another scheme": (b"GET ftp://localhost/v1/public HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "a method nobody knows": (b"FOO /v1/public HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "an upgrade nobody promised": (
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
        400,
        "BAD_REQUEST",
    ),
    "an escaped slash": (b"GET /v1/a%2fb HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "an escaped backslash": (b"GET /v1/a%5Cb HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "an escaped zero byte": (b"GET /v1/a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "no HTTP": (b"garbage\r\n\r\n", 400, "BAD_REQUEST"),
    "a space before the colon": (GET + b"x : 1\r\n\r\n", 400, "BAD_REQUEST"),
    "a zero byte": (GET + b"x: a\0b\r\n\r\n", 400, "BAD_REQUEST"),
}


@pytest.mark.parametrize("name", REFUSED_BEFORE_A_ROUTE)
def test_what_is_refused_before_a_route_has_the_envelope_and_no_trace(named, name):
    """There is no trace before there is a request: its id is all zeros, or that of the request where it has one."""
    data, status, code = REFUSED_BEFORE_A_ROUTE[name]
    head, _, body = raw(named, data, end=b'"traceId"').partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"connection: close" in head
    assert b"server: treadle" in head
    words = orjson.loads(body)
    assert words["code"] == code
    assert words["traceId"] in {"0" * 32, words["details"]["requestId"]}


STRANGE = """
/v1/customers/a%25 /v1/customers/%252e%252e /v1/customers/%0d%0aSet-Cookie:x /v1/customers/%01
/v1/customers/%c0%af /v1/customers/%C1%9C /v1/customers/%e0%80%af /v1/customers/%f0%80%80%af /v1/customers/%ff
/v1/customers/%zz /v1/customers/% /v1/customers/a%2 /v1/customers/%2e%2e;/public /v1/customers/%2e;x
/v1/customers/%7f /nowhere/%25
"""


@pytest.mark.parametrize("path", STRANGE.split())
def test_a_path_that_two_readers_may_read_differently_is_refused(named, path):
    seen = len(named.upstream.seen)
    bearer = [("Authorization", named.bearer()["authorization"])]
    assert refused(*ask(named, path, headers=bearer), 400, "BAD_REQUEST") != "0" * 32
    assert len(named.upstream.seen) == seen


PLAIN_NAMES = """
/v1/customers/a%20b /v1/customers/caf%C3%A9 /v1/customers/%E0%A4%B9 /v1/customers/%F0%9F%98%80
/v1/customers/a;b=1 /v1/customers/.hidden /v1/customers/..a /v1/customers/... /v1/customers/a:b@c,d
/v1/customers/[a] /v1/customers/a?x=%25&y=..; /v1/customers/a?%00 /v1/customers/(1) /v1/customers/%7B1%7D
"""


@pytest.mark.parametrize("path", PLAIN_NAMES.split())
def test_a_strange_but_plain_name_is_a_name(named, path):
    status, _, body = ask(named, path, headers=[("Authorization", named.bearer()["authorization"])])
    assert (status, orjson.loads(body)["path"]) == (200, path)


def test_the_expression_for_plain_paths_is_linear_in_its_reading():
    """It is a regular expression of RE2's kind: no reference, no look-around."""
    assert not re.search(r"\(\?[=!<]|\\[1-9]", PLAIN)


def test_nobody_waits_for_the_body_of_a_call_that_goes_nowhere(named):
    """A caller may promise a body and send none of it: the answer is there all the same."""
    for line in (b"POST /nowhere", b"POST /v1/public", b"CONNECT localhost:443"):
        data = line + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        head = raw(
            named, data.replace(b"Content-Length: 1000\r\n", b"") if line.startswith(b"CONNECT") else data, b"\r\n\r\n"
        )
        assert head[:12] in {b"HTTP/1.1 404", b"HTTP/1.1 405", b"HTTP/1.1 400"}, head
