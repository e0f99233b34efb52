"""The IR validates itself, and says which contract is at fault."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contract.model import Limit
from treadle.gateway.ir import (
    Api,
    ConsumerLimit,
    Gateway,
    InvalidGatewayError,
    Issuer,
    Route,
    Upstream,
    faults,
    literal,
    pattern,
    shape,
    validate,
)

JWKS = '{"keys": [{"kty": "EC"}]}'
UP = Upstream("up", "127.0.0.1", 7101)
LIST = Route(
    "list",
    "GET",
    "/v1/things",
    "up",
    2_000,
    False,
    ("things:read",),
    None,
    False,
    1,
    "a.things.v1",
    "a",
    "a.things.v1@1",
)


def gateway(*routes, upstreams=(UP,), **other):
    api = Api("a.things.v1", routes or (LIST,), upstreams)
    defaults = {
        "consumers": (),
        "default_limit": Limit(10),
        "issuers": (Issuer("http://127.0.0.1/issuer", "https://api.example", JWKS),),
    }
    return Gateway(apis=(api,), **defaults | other)


def test_a_sound_gateway_is_returned_as_it_is():
    assert validate(gateway()) == gateway()
    assert faults(gateway()) == ()


def test_a_path_may_go_on_behind_a_parameter():
    nested = replace(LIST, template="/v1/things/{thingId}/parts/{partId}")
    assert faults(replace(gateway(), apis=(replace(gateway().apis[0], routes=(nested,)),))) == ()


BROKEN = {
    "unknown method": (replace(LIST, method="TRACE"), "method TRACE is not served"),
    "relative path": (replace(LIST, template="v1/things"), "is not a plain path template"),
    "query in path": (replace(LIST, template="/v1/things?all"), "is not a plain path template"),
    "unclosed parameter": (replace(LIST, template="/v1/{id"), "is not a plain path template"),
    "double slash": (replace(LIST, template="/v1//things"), "is not a plain path template"),
    "dot segment": (replace(LIST, template="/v1/../things"), "dot segment"),
    "unknown upstream": (replace(LIST, upstream="elsewhere"), "upstream elsewhere is not known"),
    "no time": (replace(LIST, timeout_ms=0), "timeout is not positive"),
    "empty limit": (replace(LIST, limit=Limit(0)), "lets nobody through"),
    "public with scopes": (replace(LIST, public=True), "public and asks for scopes"),
    "public with a limit": (replace(LIST, public=True, scopes=(), limit=Limit(1)), "limited by its address"),
    "two words in a scope": (replace(LIST, scopes=("a b",)), "not a scope token"),
}


@pytest.mark.parametrize(("route", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_route_is_a_fault_of_its_contract(route, words):
    (fault,) = faults(gateway(route))
    assert fault.contract == "a.things.v1"
    assert words in fault.message


@pytest.mark.parametrize(
    "upstream",
    [Upstream("up"), Upstream("up", "host"), Upstream("up", "host", 70_000), Upstream("up", socket="/" + "x" * 120)],
)
def test_an_upstream_nobody_can_reach_is_a_fault(upstream):
    (fault,) = faults(gateway(upstreams=(upstream,)))
    assert fault.contract == "a.things.v1"


@pytest.mark.parametrize(
    "other",
    [
        {"default_limit": Limit(0)},
        {"consumers": (ConsumerLimit("c", "t", Limit(1, 0)),)},
        {"issuers": (Issuer("http://x", "", JWKS),)},
        {"issuers": (Issuer("http://x", "aud", "/etc/jwks.json"),)},
        {"issuers": (Issuer("http://x", "aud", '{"keys": []}'),)},
    ],
)
def test_what_is_wrong_for_all_blames_no_contract(other):
    (fault,) = faults(gateway(**other))
    assert fault.contract == ""


def test_two_claims_to_one_route_name_both_contracts():
    mine = replace(LIST, template="/v1/things/{id}")
    theirs = replace(mine, operation="get", template="/v1/things/{thingId}", contract="b.things.v1")
    both = gateway(mine)
    both = replace(both, apis=(*both.apis, Api("b.things.v1", (theirs,), (UP,))))
    with pytest.raises(InvalidGatewayError) as refusal:
        validate(both)
    assert {fault.contract for fault in refusal.value.faults} == {"a.things.v1", "b.things.v1"}
    assert "a.things.v1 (list), b.things.v1 (get)" in refusal.value.message


def test_two_addresses_under_one_name_are_a_fault_of_both():
    both = gateway()
    other = Api("b.other.v1", (), (replace(UP, port=7102),))
    found = faults(replace(both, apis=(*both.apis, other)))
    assert {fault.contract for fault in found} == {"a.things.v1", "b.other.v1"}


def test_the_words_of_a_template():
    assert literal("/v1/things/{id}/parts") == "/v1/things/"
    assert shape("/v1/{a}/x/{b}.json") == "/v1/{}/x/{}.json"
    assert pattern("/v1/a.b/{id}") == r"/v1/a\.b/[^/]+"


@given(st.lists(st.text("ab.-_~$", min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_pattern_matches_its_own_literal_template_and_no_longer_path(parts):
    path = "/" + "/".join(parts)
    assert re.fullmatch(pattern(path), path)
    assert not re.fullmatch(pattern(path), path + "/x")
