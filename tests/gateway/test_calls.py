"""What a client sees, over real HTTP through a real Envoy."""

import asyncio
import re
import socket
from dataclasses import replace

import httpx
import orjson
import pytest

from treadle.facts.fact import Outcome
from treadle.gateway.ir import Api, Upstream
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
TRACE = re.compile(r"[0-9a-f]{32}")
HEX = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{HEX}-00f067aa0ba902b7-01"


def refused(answer, status, code):
    """The envelope of a refusal, checked as every client may rely on it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"traceId", "code", "message", "details"}
    assert body["code"] == code
    assert body["traceId"] == answer.headers["x-trace-id"]
    assert TRACE.fullmatch(body["traceId"])
    assert answer.headers["content-type"] == "application/json"
    return body


def test_a_good_call_reaches_the_upstream_and_says_its_trace(running, client):
    answer = client.get("/v1/customers?limit=2", headers=running.bearer())
    assert answer.status_code == 200
    assert answer.json()["path"] == "/v1/customers?limit=2"
    assert TRACE.fullmatch(answer.headers["x-trace-id"])


def test_an_upstream_is_told_who_calls_and_never_gets_the_token(running, client):
    headers = client.get("/v1/customers", headers=running.bearer(scope="customers:read", subject="jane")).json()[
        "headers"
    ]
    assert headers["x-treadle-consumer"] == "demo-app"
    assert headers["x-treadle-subject"] == "jane"
    assert headers["x-treadle-scope"] == "customers:read"
    assert "authorization" not in headers


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/public"])
def test_forged_identity_is_stripped(running, client, path):
    forged = {"x-treadle-consumer": "root", "X-Treadle-Scope": "admin", "x-treadle-anything": "x"}
    headers = client.get(path, headers=running.bearer() | forged).json()["headers"]
    assert headers.get("x-treadle-consumer") != "root"
    assert headers.get("x-treadle-scope") != "admin"
    assert "x-treadle-anything" not in headers


def test_a_public_operation_needs_no_token_and_names_nobody(client):
    answer = client.get("/v1/public", headers={"x-treadle-consumer": "root"})
    assert answer.status_code == 200
    assert "x-treadle-consumer" not in answer.json()["headers"]
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_without_a_token(client):
    answer = client.get("/v1/customers")
    refused(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_the_scope(running, client):
    refused(client.get("/v1/customers", headers=running.bearer("nobody")), 403, "FORBIDDEN")


def test_every_scope_is_needed(running, client):
    refused(client.put("/v1/customers/7", headers=running.bearer(scope="customers:read")), 403, "FORBIDDEN")
    assert client.put("/v1/customers/7", headers=running.bearer()).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/nope", "/v1/customers/", "/v1/customers/7/orders", "/v1/customersX"])
def test_an_unknown_path(client, path):
    answer = client.get(path)
    refused(answer, 404, "NOT_FOUND")
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_is_not_declared(client, method):
    answer = client.request(method, "/v1/customers/7?x=1")
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, PUT"
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_head_is_not_get(client):
    answer = client.head("/v1/customers")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_slow_upstream(running, client):
    refused(client.get("/v1/customers/slow", headers=running.bearer()), 504, "UPSTREAM_TIMEOUT")


def test_an_upstream_that_hangs_up(running, client):
    refused(client.get("/v1/customers/hangup", headers=running.bearer()), 503, "UPSTREAM_UNAVAILABLE")


def test_a_body_that_is_too_large(running, client):
    big = b"x" * (running.node.body_bytes_max + 1)
    refused(client.post("/v1/customers", headers=running.bearer(), content=big), 413, "PAYLOAD_TOO_LARGE")


def test_an_answer_of_the_upstream_passes_as_it_is(running, client):
    answer = client.get("/v1/customers/gone", headers=running.bearer())
    assert (answer.status_code, answer.json()["path"]) == (404, "/v1/customers/gone")


def test_limits_are_counted_for_each_consumer(running, client):
    answers = [client.get("/v1/customers", headers=running.bearer("partner")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"3"}
    refused(answers[-1], 429, "RATE_LIMIT")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert int(answers[-1].headers["x-ratelimit-reset"]) > 0
    assert client.get("/v1/customers", headers=running.bearer()).status_code == 200


def test_a_consumer_in_no_list_has_the_default_limit(running, client):
    answers = [client.get("/v1/customers", headers=running.bearer("stranger")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_an_operation_may_have_a_limit_of_its_own(running, client):
    answers = [client.get("/v1/customers/search", headers=running.bearer()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit"] == "2"


def test_a_refused_call_takes_nothing_from_a_limit(running, client):
    before = client.get("/v1/customers", headers=running.bearer()).headers["x-ratelimit-remaining"]
    client.put("/v1/customers/7", headers=running.bearer(scope="customers:read"))
    after = client.get("/v1/customers", headers=running.bearer()).headers["x-ratelimit-remaining"]
    assert int(after) >= int(before) - 1


def test_a_trace_is_continued_and_the_fact_knows_its_parent(running, client):
    answer = client.get(
        "/v1/customers?email=a@b.example", headers=running.bearer(subject="jane") | {"traceparent": CALLER}
    )
    assert answer.headers["x-trace-id"] == HEX
    version, trace_id, span_id, flags = answer.json()["headers"]["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", HEX, "01")
    line = running.line_of(HEX)
    fact = fact_of(line)
    assert (fact.trace_id, fact.span_id, fact.parent_span_id) == (HEX, span_id, "00f067aa0ba902b7")
    assert (fact.outcome, fact.status, fact.operation) == (Outcome.OK, 200, "listCustomers")
    assert fact.contract == "customer.customers.v1@1.0.0#0123456789ab"
    assert (fact.consumer, fact.subject, fact.domain, fact.cost_units) == ("demo-app", "jane", "customer", 3)
    assert fact.duration_us > 0
    assert fact.bytes_out == len(answer.content)


def test_a_trace_is_begun_where_there_is_none(running, client):
    answer = client.get("/v1/customers", headers=running.bearer())
    fact = fact_of(running.line_of(answer.headers["x-trace-id"]))
    assert fact.parent_span_id == ""
    assert answer.json()["headers"]["traceparent"].startswith(f"00-{fact.trace_id}-{fact.span_id}-0")


def test_a_client_cannot_forge_the_parent_of_a_fact(running, client):
    forged = {"x-treadle-parent": CALLER, "x-treadle-trace-id": HEX}
    answer = client.get("/v1/customers", headers=running.bearer() | forged)
    assert answer.headers["x-trace-id"] != HEX
    assert fact_of(running.line_of(answer.headers["x-trace-id"])).parent_span_id == ""
    assert "x-treadle-trace-id" not in answer.json()["headers"], "only the hop is told"


def test_a_refusal_is_a_fact_too(running, client):
    answer = client.get("/v1/customers/7", headers={"traceparent": CALLER.replace(HEX, "a" * 32)})
    fact = fact_of(running.line_of(answer.headers["x-trace-id"]))
    assert (fact.outcome, fact.code, fact.operation) == (Outcome.REFUSED, "UNAUTHENTICATED", "getCustomer")
    assert fact.parent_span_id == "00f067aa0ba902b7"


def test_the_log_holds_no_path_query_or_address(running, client):
    answer = client.get("/v1/customers/4711?email=jane@example.org", headers=running.bearer())
    line = running.line_of(answer.headers["x-trace-id"])
    said = orjson.loads(line)
    assert (said["what"].split()[1], said.pop("issuer")) == ("getCustomer", running.base.issuers[0].url)
    for private in ("4711", "jane@example.org", "127.0.0.1", "/v1/"):
        assert private not in str(said)


def test_every_call_is_counted_and_logged(running, client):
    client.get("/v1/customers", headers=running.bearer())
    running.until(lambda: len(running.lines()) == asyncio.run(running.engine.stats(running.node)).completed)
    stats = asyncio.run(running.engine.stats(running.node))
    assert (stats.log_lines, stats.log_lines_lost, stats.active) == (stats.completed, 0, 0)


def test_what_is_not_http_is_refused_without_a_trace(running):
    with socket.create_connection(("127.0.0.1", running.node.port), timeout=5) as raw:
        raw.sendall(b"GET /v1/a%2fb HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-trace-id: " + b"0" * 32 in head
    assert orjson.loads(body)["code"] == "BAD_REQUEST"


def test_a_dead_upstream_one_by_name_and_a_missing_key(fresh):
    """One push adds three contracts that behave differently."""
    dead = Api(
        "dead.dead.v1",
        (fresh.route("dead", "GET", "/v1/dead", contract="dead.dead.v1", upstream="dead"),),
        (Upstream("dead", "127.0.0.1", fresh.free_port()),),
    )
    named = Api(
        "named.named.v1",
        (fresh.route("named", "GET", "/v1/named", contract="named.named.v1", upstream="named"),),
        (Upstream("named", "localhost", fresh.upstream.port),),
    )
    pay = fresh.route("pay", "POST", "/v1/payments", idempotency_key=True)
    gateway = fresh.gateway(pay)
    fresh.push(replace(gateway, apis=(*gateway.apis, dead, named)))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        refused(client.get("/v1/dead", headers=fresh.bearer()), 503, "UPSTREAM_UNAVAILABLE")
        assert client.get("/v1/named", headers=fresh.bearer()).status_code == 200
        keyless = refused(client.post("/v1/payments", headers=fresh.bearer()), 400, "BAD_REQUEST")
        assert "Idempotency-Key" in keyless["message"]
        refused(client.post("/v1/payments", headers=fresh.bearer("nobody")), 403, "FORBIDDEN")
        refused(client.post("/v1/payments"), 401, "UNAUTHENTICATED")
        keyed = fresh.bearer() | {"idempotency-key": "1"}
        assert client.post("/v1/payments", headers=keyed).status_code == 200
