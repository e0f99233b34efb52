"""Two versions of a service behind one contract: shares that move alone, pins, and copies. Through a real Envoy."""

import asyncio
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from treadle.contract.model import Idempotency
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Guard, Shift, Upstream

pytestmark = pytest.mark.engine
CALLS = 400


@pytest.fixture
def pair(fresh, echo):
    """A gateway whose service has a candidate, and how to shift between the two."""
    other = echo()
    try:
        yield Pair(fresh, other)
    finally:
        other.stop()


class Pair:
    def __init__(self, world, candidate):
        self.world, self.candidate = world, candidate

    def gateway(self, shift, **fields):
        (api,) = self.world.base.apis
        common = {"candidate": "customers-api--candidate", "pin_header": "x-version", **fields}
        upstreams = (*api.upstreams, Upstream("customers-api--candidate", "127.0.0.1", self.candidate.port))
        routes = tuple(replace(each, **common) for each in api.routes)
        shifted = replace(api, routes=routes, upstreams=upstreams, shift=shift)
        return replace(self.world.base, apis=(shifted,))

    def push(self, shift, **fields):
        return self.world.push(self.gateway(shift, **fields))

    def ask(self, count=CALLS, method="GET", **headers):
        """How many calls each version saw; every one was answered well."""
        before = len(self.world.upstream.seen), len(self.candidate.seen)
        with httpx.Client(base_url=self.world.url, trust_env=False, timeout=10) as client:
            given = self.world.bearer() | headers
            assert Counter(
                client.request(method, "/v1/customers", headers=given).status_code for _ in range(count)
            ) == {200: count}
        return len(self.world.upstream.seen) - before[0], len(self.candidate.seen) - before[1]


def test_a_shift_moves_nothing_but_the_runtime_and_holds_at_once(pair):
    pair.push(Shift(0))
    assert pair.ask(50) == (50, 0)
    assert list(pair.push(Shift(100)).live_ms) == ["rtds/treadle"]
    assert pair.ask(50) == (0, 50), "green"
    assert list(pair.push(Shift(0)).live_ms) == ["rtds/treadle"]
    assert pair.ask(50) == (50, 0), "and back"


def test_a_share_of_calls_goes_to_the_candidate(pair):
    pair.push(Shift(25))
    stable, candidate = pair.ask()
    assert stable + candidate == CALLS
    assert 50 <= candidate <= 150, "25 % of 400, at more than five standard deviations"


def test_a_caller_chooses_by_the_header_that_the_workspace_names(pair):
    pair.push(Shift(0))
    assert pair.ask(5, **{"x-version": "candidate"}) == (0, 5)
    pair.push(Shift(100))
    assert pair.ask(5, **{"x-version": "stable"}) == (5, 0)
    assert pair.ask(5, **{"x-version": "else"}) == (0, 5)


def test_no_header_chooses_where_none_is_named(pair):
    pair.push(Shift(0), pin_header="")
    assert pair.ask(5, **{"x-version": "candidate"}) == (5, 0)


def test_a_pinned_call_is_checked_like_any_other(pair):
    pair.push(Shift(0))
    for word in ("candidate", "stable"):
        with httpx.Client(base_url=pair.world.url, trust_env=False) as client:
            assert client.get("/v1/customers", headers={"x-version": word}).status_code == 401
            bearer = pair.world.bearer("nobody") | {"x-version": word}
            assert client.get("/v1/customers", headers=bearer).status_code == 403
    assert (pair.world.upstream.seen, pair.candidate.seen) == ([], [])


def test_copies_of_what_changes_nothing_go_to_the_candidate_and_say_so(pair):
    pair.push(Shift(0, 100), mirrored=True)
    assert pair.ask(20)[0] == 20
    pair.world.until(lambda: len(pair.candidate.seen) == 20)
    copy, call = pair.candidate.seen[0]["headers"], pair.world.upstream.seen[0]["headers"]
    assert copy["x-treadle-copy"] == "true"
    assert "x-treadle-copy" not in call
    assert copy["host"] == call["host"]
    assert copy["x-treadle-consumer"] == "demo-app"
    assert list(pair.push(Shift(0, 0.5), mirrored=True).live_ms) == ["rtds/treadle"]


def test_what_is_pinned_to_the_candidate_is_not_copied_to_it(pair):
    pair.push(Shift(0, 100), mirrored=True)
    assert pair.ask(5, **{"x-version": "candidate"}) == (0, 5)
    assert pair.ask(1, **{"x-version": "stable"})[0] == 1
    pair.world.until(lambda: len(pair.candidate.seen) == 6)
    assert [call["headers"].get("x-treadle-copy") for call in pair.candidate.seen] == [None] * 5 + ["true"]


def test_what_changes_something_is_never_copied_unless_the_contract_calls_it_safe(pair):
    pair.push(Shift(0, 100), mirrored=True)
    assert pair.ask(5, "POST") == (5, 0)
    pair.push(Shift(0, 100), mirrored=True, retry="safe")
    pair.ask(5, "POST")
    pair.world.until(lambda: len(pair.candidate.seen) == 5)


def test_without_its_runtime_all_calls_go_to_the_version_that_serves(pair):
    """The shares that routes carry are the safe ones, whatever the shift: Envoy starts before it has its runtime."""
    pair.push(Shift(100))
    shifted = compile_gateway(pair.gateway(Shift(100)), pair.world.node)
    lost = replace(shifted, runtime=compile_gateway(pair.world.base, pair.world.node).runtime)
    assert list(asyncio.run(pair.world.engine.push(lost)).live_ms) == ["rtds/treadle"]
    assert pair.ask(20) == (20, 0)


def test_a_guarded_call_is_shifted_on_its_way_onward(pair):
    """What comes back from the hop is sent by the same shares and pins. The hop itself is played here by a client."""
    pair.push(Shift(100), guard=Guard(Idempotency(required=False), {}, body_required=False, parameters=()))

    async def onward(operation, **headers):
        transport = httpx.AsyncHTTPTransport(uds=pair.world.node.onward)
        async with httpx.AsyncClient(transport=transport, base_url="http://hop") as client:
            named = {"x-treadle-operation": f"customer.customers.v1/{operation}", **headers}
            return await client.post("/v1/customers", headers=named)

    assert asyncio.run(onward("createCustomer")).status_code == 200
    assert asyncio.run(onward("createCustomer", **{"x-version": "stable"})).status_code == 200
    assert (len(pair.world.upstream.seen), len(pair.candidate.seen)) == (1, 1)
