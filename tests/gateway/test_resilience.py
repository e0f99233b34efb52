"""Each promise of resilience, kept by a real Envoy in front of an upstream that misbehaves on purpose."""

import asyncio
import socket
import threading
import time
from dataclasses import replace

import httpx
import orjson
import pytest

from treadle.contract.model import Breaker, Idempotency
from treadle.facts.fact import Outcome
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, Guard, Upstream
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}"
TORN = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"
HANG = b"hang"
CLOSE = b""
CONTRACT = "other.other.v1"


class Scripted:
    """An upstream that answers its calls, in order, with the lines of a script; the last one for all that follow.

    `HANG` answers nothing and keeps the connection, `CLOSE` hangs up after the request; `TORN` breaks off.
    """

    def __init__(self, *script, address="127.0.0.1", port=0):
        self.script, self.calls = list(script), []
        self.server = socket.create_server((address, port))
        self.server.settimeout(0.05)
        self.port = self.server.getsockname()[1]
        self.open, self.lock, self.stopping = [], threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _accept(self):
        threads = []
        while not self.stopping.is_set():
            try:
                peer, _ = self.server.accept()
            except TimeoutError:
                continue
            self.open.append(peer)
            threads.append(threading.Thread(target=self._serve, args=(peer,)))
            threads[-1].start()
        for peer in self.open:
            peer.close()
        for thread in threads:
            thread.join(5)

    def _serve(self, peer):
        peer.settimeout(0.05)
        read = b""
        while not self.stopping.is_set():
            try:
                piece = peer.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not piece:
                return
            read += piece
            while b"\r\n\r\n" in read:
                head, _, read = read.partition(b"\r\n\r\n")
                with self.lock:
                    self.calls.append(head.partition(b"\r\n")[0].decode())
                    answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if answer is HANG:
                    continue
                peer.sendall(answer)
                if answer in (CLOSE, TORN):
                    peer.close()
                    return

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
        self.server.close()


@pytest.fixture
def scripted():
    """How to start such an upstream."""
    servers = []

    def start(*script, **where):
        servers.append(Scripted(*script, **where))
        return servers[-1]

    yield start
    for each in servers:
        each.stop()


def other(world, upstream, method="GET", **fields):
    """The usual gateway and a contract of one operation on this upstream: `/v1/other`."""
    breaker = fields.pop("breaker", Breaker())
    up = Upstream("other", "127.0.0.1", getattr(upstream, "port", upstream), breaker=breaker)
    route = world.route("other", method, "/v1/other", contract=CONTRACT, upstream="other", scopes=(), **fields)
    return replace(world.base, apis=(*world.base.apis, Api(CONTRACT, (route,), (up,))))


def serve(world, upstream, method="GET", **fields):
    world.push(other(world, upstream, method, **fields))


def call(world, method="GET", **more):
    with httpx.Client(base_url=world.url, trust_env=False, timeout=10) as client:
        return client.request(method, "/v1/other", headers=world.bearer(), **more)


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["traceId"] == answer.headers["x-trace-id"] != "0" * 32


def stats(world, *names):
    """Counters of the upstream's cluster."""
    text = httpx.get(f"http://127.0.0.1:{world.node.admin_port}/stats?filter=cluster.other", trust_env=False).text
    found = dict(line.removeprefix("cluster.other.").split(": ") for line in text.splitlines())
    return [int(found[name]) for name in names]


@pytest.mark.parametrize("failure", [BROKEN, CLOSE, b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"])
@pytest.mark.parametrize(("method", "retry"), [("GET", ""), ("PUT", ""), ("POST", "idempotent"), ("PATCH", "safe")])
def test_what_may_be_repeated_is_sent_again(running, scripted, failure, method, retry):
    up = scripted(failure, GOOD)
    serve(running, up, method, retry=retry)
    assert call(running, method).status_code == 200
    assert len(up.calls) == 2


@pytest.mark.parametrize(("method", "retry"), [("POST", ""), ("PATCH", ""), ("GET", "never"), ("POST", "never")])
def test_what_may_have_had_an_effect_is_sent_once(running, scripted, method, retry):
    up = scripted(CLOSE, GOOD)
    serve(running, up, method, retry=retry)
    refused(call(running, method), 503, "UPSTREAM_UNAVAILABLE")
    assert len(up.calls) == 1


@pytest.mark.parametrize("failure", [CLOSE, BROKEN])
def test_a_keyed_call_is_sent_once_whatever_the_contract_says(running, scripted, failure):
    """On its way from the guard hop; the hop itself is played here by a client."""
    up = scripted(failure, GOOD)
    guard = Guard(Idempotency(), {}, body_required=False, parameters=())
    serve(running, up, "PUT", retry="idempotent", guard=guard)

    async def onward():
        transport = httpx.AsyncHTTPTransport(uds=running.node.onward)
        async with httpx.AsyncClient(transport=transport, base_url="http://hop") as client:
            named = {"x-treadle-operation": f"{CONTRACT}/other", "x-treadle-trace-id": "a" * 32}
            return await client.put("/v1/other", headers=named)

    assert asyncio.run(onward()).status_code == 503
    assert len(up.calls) == 1


def test_retries_end(running, scripted):
    up = scripted(BROKEN)
    serve(running, up)
    answer = call(running)
    assert (answer.status_code, answer.content) == (503, b"{}"), "the upstream's own words at last"
    assert len(up.calls) == 3


def test_a_lost_answer_to_a_safe_call_costs_half_of_its_time(running, scripted):
    up = scripted(HANG, GOOD)
    serve(running, up, timeout_ms=2_000)
    assert call(running).status_code == 200
    assert len(up.calls) == 2


def test_an_answer_that_takes_most_of_its_time_is_not_cut_off(running, scripted):
    """The second try hangs: the first one's answer is the one that counts."""
    up = scripted(HANG, HANG)
    serve(running, up, timeout_ms=3_000)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(call(running)))
    caller.start()
    running.until(lambda: len(up.calls) == 2)
    up.open[0].sendall(GOOD)
    caller.join(10)
    assert [answer.status_code for answer in answers] == [200]


def test_a_call_that_may_not_be_repeated_has_all_of_its_time_for_one_try(running, scripted):
    up = scripted(HANG)
    serve(running, up, "POST", timeout_ms=300)
    refused(call(running, "POST"), 504, "UPSTREAM_TIMEOUT")
    assert len(up.calls) == 1


def test_a_slow_upstream_is_given_up_when_the_time_of_the_contract_is_over(running, scripted):
    up = scripted(HANG)
    serve(running, up, timeout_ms=300)
    answer = call(running)
    refused(answer, 504, "UPSTREAM_TIMEOUT")
    assert "retry-after" not in answer.headers
    fact = fact_of(running.line_of(answer.headers["x-trace-id"]))
    assert (fact.outcome, fact.code, fact.operation) == (Outcome.FAILED, "UPSTREAM_TIMEOUT", "other")


def test_an_upstream_that_is_not_there(running):
    serve(running, running.free_port())
    answer = call(running)
    refused(answer, 503, "UPSTREAM_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


def test_what_was_never_sent_is_sent_again_whatever_it_is(fresh, scripted):
    """The upstream comes up between two tries."""
    serve(fresh, fresh.free_port(), "POST", retry="never")
    refused(call(fresh, "POST"), 503, "UPSTREAM_UNAVAILABLE")
    assert stats(fresh, "upstream_rq_retry") == [2]


def test_an_upstream_that_dies_while_it_answers(fresh, scripted):
    """The status is out already: the caller sees an answer that is shorter than it says."""
    up = scripted(TORN, GOOD)
    serve(fresh, up)
    with pytest.raises(httpx.RemoteProtocolError):
        call(fresh)
    assert len(up.calls) == 1, "what has begun to be answered is not asked again"
    assert call(fresh).status_code == 200
    fact = fact_of(fresh.until(lambda: next((line for line in fresh.lines() if b"after_response" in line), None)))
    assert (fact.outcome, fact.code, fact.status) == (Outcome.FAILED, "UPSTREAM_BROKE_OFF", 200)


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
def test_an_answer_that_is_no_http(running, scripted, answer):
    serve(running, scripted(answer), "POST")
    refused(call(running, "POST"), 502, "UPSTREAM_ERROR")


def test_an_upstream_holds_no_more_calls_than_its_breaker_allows(fresh, scripted):
    up = scripted(HANG)
    serve(fresh, up, "POST", breaker=Breaker(connections=2, pending=1, requests=3), timeout_ms=1_500)
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(call(fresh, "POST"))) for _ in range(8)]
    for caller in callers:
        caller.start()
    fresh.until(lambda: len(answers) == 5)
    assert len(up.calls) == 2, "two connections; the third call waits for one"
    for answer in answers:
        refused(answer, 503, "UPSTREAM_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
    for caller in callers:
        caller.join(20)
    assert [answer.status_code for answer in answers[5:]] == [504] * 3, "those that it held"
    assert httpx.get(f"{fresh.url}/v1/public", trust_env=False).status_code == 200, "other upstreams are not touched"


def test_retries_take_a_fifth_of_an_upstreams_calls_at_most(fresh, scripted):
    """Thirty at once that all fail: without a budget each would be sent three times."""
    up = scripted(BROKEN)
    serve(fresh, up, breaker=Breaker(connections=50))
    callers = [threading.Thread(target=lambda: call(fresh)) for _ in range(30)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
    retried, refused_retries = stats(fresh, "upstream_rq_retry", "upstream_rq_retry_overflow")
    assert len(up.calls) == 30 + retried < 90
    assert refused_retries > 0


def test_the_one_endpoint_of_an_upstream_is_kept_however_it_fails(fresh, scripted):
    up = scripted(*[BROKEN] * 20, GOOD)
    serve(fresh, up, "POST")
    assert [call(fresh, "POST").status_code for _ in range(21)] == [503] * 20 + [200]


def test_a_breaker_that_the_workspace_asks_for_opens_and_closes(fresh, scripted):
    up = scripted(*[BROKEN] * 3, GOOD)
    serve(fresh, up, "POST", breaker=Breaker(consecutive_5xx=3))
    assert [call(fresh, "POST").content for _ in range(3)] == [b"{}"] * 3, "the upstream's own answers"
    answer = call(fresh, "POST")
    refused(answer, 503, "UPSTREAM_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert len(up.calls) == 3, "an upstream that fails is left alone"
    assert fresh.until(lambda: time.sleep(0.2) or call(fresh, "POST").status_code == 200, seconds=20)


def test_an_endpoint_that_fails_is_left_out_and_the_other_one_serves(fresh, scripted):
    """As with a name that has two addresses, which no machine has for certain: they are written into the cluster."""
    good, bad = scripted(GOOD), scripted(BROKEN)
    serve(fresh, good, "POST")
    both = [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": each.port}}}}
        for each in (good, bad)
    ]
    snapshot = compile_gateway(other(fresh, good, "POST"), fresh.node)
    assignment = {"cluster_name": "other", "endpoints": [{"lb_endpoints": both}]}
    pair = snapshot.clusters["other"] | {"load_assignment": assignment}
    asyncio.run(fresh.engine.push(replace(snapshot, clusters={**snapshot.clusters, "other": pair})))
    statuses = [call(fresh, "POST").status_code for _ in range(20)]
    assert statuses.count(503) == len(bad.calls) == 5
    assert statuses[10:] == [200] * 10
    assert stats(fresh, "outlier_detection.ejections_active") == [1]


def test_the_words_of_a_refusal_of_the_gateway_are_whole(running):
    serve(running, running.free_port())
    body = orjson.loads(call(running).content)
    assert set(body) == {"traceId", "code", "message", "details"}
