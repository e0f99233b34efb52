"""A guarded call on its whole way: Envoy, the hop, Envoy's way onward, an upstream that writes down what it sees."""

import asyncio
import json
import socket
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from treadle.contract.model import Enforcement, Enforcements, Idempotency
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.hop.process import run_hop
from treadle.gateway.hop.stores.sqlite import sqlite_store
from treadle.gateway.hop.table import encode
from treadle.gateway.ir import Api, Guard, ParameterRule, Upstream
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
CONTRACT = "sales.things.v1"
THING = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
KEYED = Guard(Idempotency(False, 3_600), {"application/json": THING}, True, ())
LOOKED_UP = Guard(Idempotency(True, 3_600, "findThing"), {"application/json": THING}, True, ())
BODY = {"name": "a thing"}


class Hop:
    """The hop in a thread of its own."""

    def __init__(self, node, folder):
        self.arguments = {"socket": Path(node.hop), "onward": Path(node.onward), "table": folder / "hop.json"}
        self.file = folder / "keys.sqlite"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        async def serve():
            self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
            await run_hop(**self.arguments, store=sqlite_store(self.file), stop=self.stopping)

        asyncio.run(serve())

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(30)


@pytest.fixture(scope="module")
def guarded(running):
    def of(operation, template, guard, upstream="things", **other):
        return running.route(
            operation, "POST", template, contract=CONTRACT, upstream=upstream, guard=guard, timeout_ms=500, **other
        )

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        routes = (
            of("makeThing", "/v1/things/{word}", KEYED),
            of("lookedUp", "/v1/looked/{word}", LOOKED_UP),
            of("nobody", "/v1/nobody", KEYED, upstream="nobody"),
            of("watched", "/v1/watched", KEYED, enforcement=Enforcements.all(Enforcement.OBSERVE)),
            running.route(
                "findThing",
                "GET",
                "/v1/found/{idempotencyKey}",
                contract=CONTRACT,
                upstream="things",
                checks=(ParameterRule("idempotencyKey", "path", True, {"type": "string"}),),
            ),
        )
        upstreams = (
            Upstream("things", "127.0.0.1", running.upstream.port),
            Upstream("nobody", "127.0.0.1", nobody.getsockname()[1]),
        )
        gateway = replace(running.base, apis=(*running.base.apis, Api(CONTRACT, routes, upstreams)))
        early = Api(CONTRACT, (*routes, of("early", "/v1/early", KEYED)), upstreams)
        (running.folder / "hop.json").write_bytes(encode(replace(gateway, apis=(early,))))
        hop = Hop(running.node, running.folder)
        running.until(Path(running.node.hop).exists)
        running.push_snapshot(compile_gateway(gateway, running.node))
        with httpx.Client(base_url=running.url, trust_env=False, timeout=20) as client:
            running.until(
                lambda: client.post("/v1/things/warm", json=BODY, headers=running.bearer()).status_code == 200
            )
            running.upstream.seen.clear()
            yield lambda path, key=None, **more: client.post(
                path, **{"json": BODY, "headers": running.bearer() | ({"idempotency-key": key} if key else {})} | more
            )
        hop.stop()


def seen(running, key):
    return [each for each in running.upstream.seen if each["headers"].get("idempotency-key") == key]


def test_a_call_goes_through_and_is_answered_again(running, guarded):
    first = guarded("/v1/things/one?a=b", "k-1")
    again = guarded("/v1/things/one?a=b", "k-1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert first.headers["x-trace-id"] != again.headers["x-trace-id"]
    (call,) = seen(running, "k-1")
    assert (call["path"], json.loads(call["body"])) == ("/v1/things/one?a=b", BODY)
    assert call["headers"]["x-treadle-consumer"] == "demo-app"
    assert "x-treadle-operation" not in call["headers"]


def test_the_facts_say_which_version_answered_and_what_was_replayed(running, guarded):
    first, again = (guarded("/v1/things/one", "k-facts") for _ in range(2))
    facts = [fact_of(running.line_of(each.headers["x-trace-id"])) for each in (first, again)]
    # Nothing answered the second time: the hop had the answer itself.
    assert [(fact.upstream, fact.replayed) for fact in facts] == [("things", 0), ("treadle-guard-hop", 1)]
    assert "x-treadle-upstream" not in first.headers


def test_no_service_says_that_its_answer_is_one_given_again():
    line = {"start_us": "1", "status": 200, "details": "via_upstream", "replayed": "true", "upstream": "things"}
    assert fact_of(json.dumps(line).encode()).replayed == 0
    assert fact_of(json.dumps(line | {"upstream": "treadle-guard-hop"}).encode()).replayed == 1


def test_a_refusal_has_the_envelope_and_its_fact(running, guarded):
    said = guarded("/v1/things/one", json={"name": 5})
    assert said.status_code == 400
    assert said.json()["code"] == "CONTRACT_VIOLATION"
    assert said.json()["traceId"] == said.headers["x-trace-id"]
    assert said.json()["details"]["faults"][0]["pointer"] == "/name"
    assert "x-treadle-code" not in said.headers
    assert b'"CONTRACT_VIOLATION"' in running.line_of(said.json()["traceId"])


def test_what_is_only_watched_passes_and_is_noted(running, guarded):
    said = guarded("/v1/watched", json={"name": 5})
    assert said.status_code == 200
    assert "x-treadle-observed" not in said.headers
    assert b'"CONTRACT_VIOLATION"' in running.line_of(said.headers["x-trace-id"])


def test_an_upstream_learns_of_the_callers_certificate(running, guarded):
    """The front says which it was, and nobody else can: the hop alone is behind it."""
    transport = httpx.HTTPTransport(uds=running.node.hop)
    shown = "By=spiffe://acme.treadle/gateway/gateway;Hash=ab;URI=spiffe://acme.treadle/consumer/app"
    headers = {"x-treadle-operation": f"{CONTRACT}/makeThing", "x-forwarded-client-cert": shown}
    with httpx.Client(transport=transport, base_url="http://hop") as hop:
        assert hop.post("/v1/things/shown", json=BODY, headers=headers).status_code == 200
    assert running.upstream.seen[-1]["headers"].get("x-forwarded-client-cert") == shown
    guarded("/v1/things/forged", headers=running.bearer() | {"x-forwarded-client-cert": shown})
    assert "x-forwarded-client-cert" not in running.upstream.seen[-1]["headers"]


def test_nobody_can_name_another_operation(running, guarded):
    headers = running.bearer() | {"x-treadle-operation": f"{CONTRACT}/watched", "x-treadle-subject": "root"}
    said = guarded("/v1/things/forged", json={"name": 5}, headers=headers)
    assert said.json()["code"] == "CONTRACT_VIOLATION"


@pytest.mark.parametrize(("word", "status"), [("hangup", {502, 503}), ("slow", {504})])
def test_a_lost_answer_leaves_a_doubt(running, guarded, word, status):
    key = f"lost-{word}"
    assert guarded(f"/v1/things/{word}", key).status_code in status
    again = guarded(f"/v1/things/{word}", key)
    assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_IN_DOUBT")
    assert len(seen(running, key)) == 1


def test_a_doubt_is_looked_up_at_the_service(running, guarded):
    assert guarded("/v1/looked/hangup", "k:2").status_code in {502, 503}
    said = guarded("/v1/looked/hangup", "k:2")
    assert (said.status_code, said.headers["idempotency-replayed"]) == (200, "lookup")
    assert [(each["method"], each["path"]) for each in seen(running, "k:2")] == [
        ("POST", "/v1/looked/hangup"),
        ("GET", "/v1/found/k%3A2"),
    ]


def test_a_service_that_is_not_there_leaves_no_doubt(running, guarded):
    for _ in range(2):
        said = guarded("/v1/nobody", "k-3")
        assert (said.status_code, said.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
        assert said.headers["retry-after"] == "1"


def test_an_error_of_the_service_is_given_again(running, guarded):
    first, again = guarded("/v1/things/broken", "k-4"), guarded("/v1/things/broken", "k-4")
    assert (first.status_code, again.status_code, again.content == first.content) == (500, 500, True)
    assert len(seen(running, "k-4")) == 1


def test_an_operation_that_the_way_onward_does_not_know_leaves_no_doubt(running, guarded):
    """The gateway's tables change one after the other: what one knows the other may not yet."""
    transport = httpx.HTTPTransport(uds=running.node.hop)
    with httpx.Client(transport=transport, base_url="http://hop") as hop:
        headers = {"x-treadle-operation": f"{CONTRACT}/early", "idempotency-key": "k-5"}
        for _ in range(2):
            said = hop.post("/v1/early", json=BODY, headers=headers)
            assert (said.status_code, said.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
            assert said.json()["details"]["reason"] == "direct_response"
