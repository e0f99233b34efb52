"""Limits at a real gateway: who is refused, what they are told, and what no push changes."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from treadle.contract.model import Consumer, Enforcement, Enforcements, Limit, Place
from treadle.control.issuer import LocalIssuer
from treadle.facts.fact import Outcome
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, compile_gateway
from treadle.gateway.ir import Exhausted, Throttle
from treadle.gateway.logs import fact_of
from treadle.secrets.file import FileSecrets

pytestmark = pytest.mark.engine
AUDIENCE = "https://api.acme.example"
LIMITS_WATCH = Enforcements(limits=Enforcement.OBSERVE)
FAR_S = int(time.time()) + 86_400


@pytest.fixture
def call(fresh):
    """Call the gateway as a consumer: `call(who, path, method)`."""
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:

        def send(who="demo-app", path="/v1/customers", method="GET", **headers):
            return client.request(method, path, headers=fresh.bearer(who) | headers)

        yield send


def told(answer):
    """Status, and the code in the envelope of a refusal."""
    return answer.status_code, answer.json().get("code", "")


def watching(world, how=Enforcement.OBSERVE, **other):
    """The usual gateway where nothing of limits is enforced."""
    (api,) = world.base.apis
    routes = tuple(each if each.public else replace(each, enforcement=Enforcements(limits=how)) for each in api.routes)
    return replace(world.base, apis=(replace(api, routes=routes),), **other)


# -- tiers and operations ----------------------------------------------------------------------------------------------


def test_a_burst_is_the_most_that_comes_at_once(fresh, call):
    consumers = tuple(
        replace(one, limit=Limit(1_000, 3_600_000, burst=2)) if one.consumer == "partner" else one
        for one in fresh.base.consumers
    )
    fresh.push(replace(fresh.base, consumers=consumers))
    answers = [call("partner") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {"2"}
    assert int(answers[-1].headers["retry-after"]) > 1_000, "until the next token, which is far"


def test_where_two_buckets_apply_one_set_of_values_is_told_and_it_is_the_tighter_one(fresh, call):
    answers = [call("demo-app", "/v1/customers/search") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers.get_list("x-ratelimit-limit") for each in answers] == [["2"]] * 3
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
    assert call("partner", "/v1/customers/search").headers["x-ratelimit-limit"] == "2"
    assert call("partner").headers["x-ratelimit-remaining"] == "1", "the tier counted both"


def test_a_bucket_that_fills_in_no_time_says_to_wait_a_second_at_least(fresh, call):
    fresh.push(replace(fresh.base, throttles=(Throttle("demo-app", Limit(50, 1, burst=1)),)))
    refused = next(each for each in (call() for _ in range(1_000)) if each.status_code == 429)
    assert refused.headers["retry-after"] == "1"


def test_clients_of_one_name_that_nobody_listed_are_two_where_their_issuers_differ(fresh, tmp_path):
    elsewhere = {"stranger": Consumer("stranger", "nobody", "none", Place("treadle.yaml"), ("customers:read",))}
    second = LocalIssuer("http://127.0.0.1:9/second", AUDIENCE, elsewhere, FileSecrets(tmp_path / "second"))
    fresh.push(replace(fresh.base, issuers=(fresh.issuer.trust(), replace(second.trust(), name="second"))))
    tokens = [fresh.token("stranger"), second.mint("stranger", None)]
    with httpx.Client(base_url=fresh.url, trust_env=False) as client:
        answers = [
            client.get("/v1/customers", headers={"authorization": f"Bearer {token}"}).status_code
            for token in (*tokens, *tokens, *tokens)
        ]
    assert answers == [200, 200, 200, 200, 429, 429]


def test_where_tokens_are_only_watched_a_call_of_nobody_has_no_bucket(fresh):
    (api,) = fresh.base.apis
    open_ = fresh.route("open", "GET", "/v1/open", enforcement=Enforcements(auth=Enforcement.OBSERVE))
    fresh.push(replace(fresh.base, apis=(replace(api, routes=(*api.routes, open_)),)))
    with httpx.Client(base_url=fresh.url, trust_env=False) as client:
        answers = [client.get("/v1/open", headers={"x-treadle-consumer": "partner"}) for _ in range(5)]
        assert [each.status_code for each in answers] == [200] * 5
        assert not [name for each in answers for name in each.headers if name.startswith("x-ratelimit")]
        known = client.get("/v1/open", headers=fresh.bearer("partner"))
    assert known.headers["x-ratelimit-remaining"] == "2", "whoever shows a token is counted"


# -- the address -------------------------------------------------------------------------------------------------------


def test_the_edge_counts_the_connection_and_not_what_a_client_says_of_it(fresh):
    assert set(fresh.push(replace(fresh.base, edge_limit=Limit(3, 3_600))).live_ms) == {"ecds/edge"}
    with httpx.Client(base_url=fresh.url, trust_env=False) as client:
        answers = [client.get("/v1/public", headers={"x-forwarded-for": f"203.0.113.{number}"}) for number in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert told(answers[-1]) == (429, "RATE_LIMIT")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert not [name for name in answers[-1].headers if name.startswith("x-ratelimit")]


def test_the_edge_comes_before_tokens(fresh):
    fresh.push(replace(fresh.base, edge_limit=Limit(2, 3_600)))
    with httpx.Client(base_url=fresh.url, trust_env=False) as client:
        guesses = [client.get("/v1/customers", headers={"authorization": f"Bearer {n}"}).status_code for n in range(4)]
    assert guesses == [401, 401, 429, 429]


def test_an_ipv6_client_is_counted_too(fresh):
    """By its /64 (the golden case): loopback has no second address to show that with."""
    node = replace(fresh.node, address="::1", port=fresh.free_port(), admin_port=fresh.free_port())
    node = replace(node, folder=str(fresh.folder / "six"))
    fresh.engine.prepare(compile_gateway(replace(fresh.base, edge_limit=Limit(3, 3_600)), node))
    fresh.node, fresh.folder = node, Path(node.folder)
    fresh.start()
    with httpx.Client(base_url=f"http://[::1]:{node.port}", trust_env=False) as client:
        assert [client.get("/v1/public").status_code for _ in range(4)] == [200, 200, 200, 429]


# -- quotas ------------------------------------------------------------------------------------------------------------


def test_who_is_out_of_quota_gets_nothing_until_the_window_ends(fresh, call):
    fresh.push(replace(fresh.base, exhausted=(Exhausted("partner", "day", FAR_S),)))
    refused = call("partner")
    assert told(refused) == (429, "QUOTA_EXCEEDED")
    left_s = FAR_S - time.time()
    assert left_s - 5 < int(refused.headers["retry-after"]) < left_s + 5
    assert call("demo-app").status_code == 200
    line = fact_of(fresh.line_of(refused.headers["x-trace-id"]))
    assert (line.outcome, line.code, line.consumer) == (Outcome.REFUSED, "QUOTA_EXCEEDED", "partner")
    assert "x-treadle-limited" not in fresh.upstream.seen[-1]["headers"]


def test_a_push_lets_nobody_through_who_is_out_of_quota(fresh, call):
    """Each push fills every bucket of the filter; a call takes more than any holds."""
    for number in range(5):
        others = tuple(Exhausted(f"other-{each}", "day", FAR_S) for each in range(number))
        fresh.push(replace(fresh.base, exhausted=(Exhausted("partner", "day", FAR_S), *others)))
        assert told(call("partner")) == (429, "QUOTA_EXCEEDED")
    assert "partner" not in {each["headers"]["x-treadle-consumer"] for each in fresh.upstream.seen}


def test_a_quota_is_lifted_at_the_end_of_its_window_with_nobody_there_to_push(fresh, call):
    end_s = int(time.time()) + 3
    fresh.push(replace(fresh.base, exhausted=(Exhausted("demo-app", "day", end_s),)))
    answers = []
    fresh.until(lambda: answers.append(call()) or answers[-1].status_code == 200)
    assert time.time() >= end_s
    assert {told(each) for each in answers[:-1]} == {(429, "QUOTA_EXCEEDED")}
    assert {each.headers["retry-after"] for each in answers[:-1]} <= {"1", "2", "3"}
    assert [call().status_code for _ in range(20)] == [200] * 20


def test_each_window_has_its_own_end(fresh, call):
    out = (Exhausted("demo-app", "month", FAR_S + 1_000_000), Exhausted("partner", "day", FAR_S))
    fresh.push(replace(fresh.base, exhausted=out))
    waits = {who: int(call(who).headers["retry-after"]) for who in ("demo-app", "partner")}
    assert waits["demo-app"] > 1_000_000 > waits["partner"]


def test_a_raised_quota_is_lifted(fresh, call):
    fresh.push(replace(fresh.base, exhausted=(Exhausted("partner", "day", FAR_S),)))
    assert told(call("partner")) == (429, "QUOTA_EXCEEDED")
    assert set(fresh.push(fresh.base).live_ms) == {"ecds/quota"}
    assert call("partner").headers["x-ratelimit-remaining"] == "2", "and refills no tier"


# -- throttles ---------------------------------------------------------------------------------------------------------


def test_a_throttled_consumer_is_slowed_down_and_told_why(fresh, call):
    fresh.push(replace(fresh.base, throttles=(Throttle("demo-app", Limit(2, 3_600)),)))
    answers = [call() for _ in range(3)]
    assert [told(each)[0] for each in answers] == [200, 200, 429]
    assert told(answers[-1]) == (429, "THROTTLED")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(answers[0].headers.get_list("x-ratelimit-limit")) == 1
    assert fact_of(fresh.line_of(answers[-1].headers["x-trace-id"])).code == "THROTTLED"
    fresh.push(fresh.base)
    assert call().status_code == 200


def test_a_new_throttle_refills_no_tier(fresh, call):
    assert call("partner").headers["x-ratelimit-remaining"] == "2"
    fresh.push(replace(fresh.base, throttles=(Throttle("demo-app", Limit(2, 3_600)),)))
    assert call("partner").headers["x-ratelimit-remaining"] == "1"


# -- contracts that only watch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [Enforcement.OBSERVE, Enforcement.WARN])
def test_where_limits_only_watch_a_call_beyond_one_passes_and_is_noted(fresh, call, how):
    fresh.push(watching(fresh, how))
    answers = [call("partner") for _ in range(5)]
    assert [each.status_code for each in answers] == [200] * 5
    assert not [name for name in answers[-1].headers if name.startswith(("x-ratelimit", "retry", "x-treadle"))]
    noted = [each.json()["headers"].get("x-treadle-limited") for each in answers]
    assert noted == [None, None, None, "RATE_LIMIT", "RATE_LIMIT"]


def test_where_limits_only_watch_the_first_that_is_met_is_noted(fresh, call):
    for given, code in (
        ({"exhausted": (Exhausted("partner", "month", FAR_S),)}, "QUOTA_EXCEEDED"),
        ({"throttles": (Throttle("partner", Limit(1, 3_600)),)}, "THROTTLED"),
    ):
        fresh.push(watching(fresh, **given))
        answers = [call("partner") for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200]
        assert answers[-1].json()["headers"]["x-treadle-limited"] == code


def test_what_is_watched_takes_nothing_from_what_is_enforced(fresh, call):
    (api,) = fresh.base.apis
    watched = fresh.route("watched", "GET", "/v1/watched", enforcement=LIMITS_WATCH)
    fresh.push(replace(fresh.base, apis=(replace(api, routes=(*api.routes, watched)),)))
    assert [call("partner", "/v1/watched").status_code for _ in range(5)] == [200] * 5
    assert call("partner").headers["x-ratelimit-remaining"] == "2"


def test_nobody_says_himself_that_he_was_limited(fresh, call):
    seen = call(**{"x-treadle-limited": "RATE_LIMIT"}).json()["headers"]
    assert "x-treadle-limited" not in seen


# -- what no push changes ----------------------------------------------------------------------------------------------


def test_no_push_of_anything_else_refills_a_bucket(fresh, call):
    """Routes, upstreams, weights, keys, quotas and throttles of others: the bucket goes on where it was."""
    fresh.push(replace(fresh.base, throttles=(Throttle("partner", Limit(9, 3_600)),)))
    (api,) = fresh.base.apis
    kept = replace(fresh.base, throttles=(Throttle("partner", Limit(9, 3_600)),))
    assert call("partner").headers["x-ratelimit-remaining"] == "2"
    more = replace(api, routes=(*api.routes, fresh.route("more", "GET", "/v1/more")))
    fresh.push(replace(kept, apis=(more,)))
    assert call("partner").headers["x-ratelimit-remaining"] == "1"
    moved = replace(api, upstreams=tuple(replace(each, host="localhost") for each in api.upstreams))
    fresh.push(replace(kept, apis=(moved,), exhausted=(Exhausted("demo-app", "day", FAR_S),)))
    assert call("partner").headers["x-ratelimit-remaining"] == "0"
    assert fresh.push(replace(kept, apis=(moved,), exhausted=(Exhausted("demo-app", "day", FAR_S),))).live_ms == {}
    assert told(call("partner")) == (429, "RATE_LIMIT")


# -- several gateways --------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(fresh, tmp_path):
    """Two gateways that share each limit, and how to push to both; clients of both."""
    other = NodeSettings(str(tmp_path / "second"), port=fresh.free_port(), admin_port=fresh.free_port())
    first = fresh.node
    shared = replace(fresh.base, replicas=2)
    fresh.engine.prepare(compile_gateway(shared, other))
    fresh.node, fresh.folder = other, tmp_path / "second"
    fresh.start()

    def push(gateway):
        for node in (first, other):
            asyncio.run(EnvoyEngine.find({}).push(compile_gateway(gateway, node)))

    push(shared)
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{first.port}", trust_env=False) as one,
        httpx.Client(base_url=f"http://127.0.0.1:{other.port}", trust_env=False) as two,
    ):
        yield shared, push, (one, two)


def limited_to(gateway, limit):
    consumers = tuple(replace(each, limit=limit) if each.consumer == "partner" else each for each in gateway.consumers)
    return replace(gateway, consumers=consumers)


def test_two_gateways_keep_one_limit_together(fresh, pair):
    shared, push, clients = pair
    push(limited_to(shared, Limit(10, 3_600)))
    token = fresh.bearer("partner")
    taken = [clients[number % 2].get("/v1/customers", headers=token).status_code for number in range(40)]
    assert taken.count(200) == 10
    assert set(taken[-20:]) == {429}


def test_who_reaches_one_gateway_only_gets_its_share(fresh, pair):
    shared, push, clients = pair
    push(limited_to(shared, Limit(10, 3_600)))
    token = fresh.bearer("partner")
    assert [clients[0].get("/v1/customers", headers=token).status_code for _ in range(40)].count(200) == 5


def test_a_gateway_more_or_less_counts_at_once_and_refills_nothing(fresh, pair):
    shared, push, clients = pair
    push(limited_to(shared, Limit(12, 3_600)))
    token = fresh.bearer("partner")
    left = [clients[0].get("/v1/customers", headers=token).headers["x-ratelimit-remaining"]]
    push(limited_to(replace(shared, replicas=1), Limit(12, 3_600)))
    left.append(clients[0].get("/v1/customers", headers=token).headers["x-ratelimit-remaining"])
    assert left == ["10", "9"]


def test_a_limit_smaller_than_the_fleet_still_lets_calls_through(fresh, pair):
    shared, push, clients = pair
    push(limited_to(shared, Limit(1, 3_600)))
    token = fresh.bearer("partner")
    assert [clients[0].get("/v1/customers", headers=token).status_code for _ in range(3)] == [200, 429, 429]
