"""The laws of features: one list, one meaning a place, and nothing open by accident."""

import pkgutil
import re
from dataclasses import replace

import pytest

from treadle.contract.model import Limit
from treadle.gateway.envoy import FEATURES, NodeSettings, compile_gateway, features
from treadle.gateway.envoy.compiler import compile_api
from treadle.gateway.envoy.feature import merge
from treadle.gateway.ir import Api, Gateway, InvalidGatewayError, Issuer, Route, Upstream

NODE = NodeSettings("/run/gateway", port=8080, admin_port=9901)
UP = Upstream("up", "127.0.0.1", 7101)
LIST = Route("list", "GET", "/v1/things", "up", 2_000, False, (), None, False, 1, "a.things.v1", "a", "a.things.v1@1")
GATEWAY = Gateway(
    apis=(Api("a.things.v1", (LIST,), (UP,)),),
    consumers=(),
    default_limit=Limit(10),
    issuers=(Issuer("http://127.0.0.1/issuer", "https://api.example", '{"keys": [{"kty": "EC"}]}'),),
)


def test_every_module_is_in_the_order_and_the_other_way_round():
    modules = {module.name for module in pkgutil.iter_modules(features.__path__)}
    assert {feature.name.replace("-", "_") for feature in FEATURES} == modules
    assert len(FEATURES) == len(modules)


def test_merge_joins_objects_and_lists_in_order():
    assert merge([{"a": {"b": 1}, "l": [1]}, {"a": {"c": 2}, "l": [2]}]) == {"a": {"b": 1, "c": 2}, "l": [1, 2]}


def test_merge_leaves_its_parts_alone():
    first, second = {"a": {"l": [1]}}, {"a": {"l": [2]}}
    merge([first, second])
    assert (first, second) == ({"a": {"l": [1]}}, {"a": {"l": [2]}})


def test_features_that_contradict_each_other_are_a_bug():
    with pytest.raises(ValueError, match="/route/timeout"):
        merge([{"route": {"timeout": "1s"}}, {"route": {"timeout": "2s"}}])


def tree(snapshot):
    return snapshot.routes["treadle"]["virtual_hosts"][0]["matcher"]["on_no_match"]["matcher"]


def routes(snapshot):
    groups = tree(snapshot)["matcher_tree"]["prefix_match_map"]["map"]
    return [route for group in groups.values() for route in group["action"]["typed_config"]["routes"]]


def test_whatever_reaches_an_upstream_needs_a_token_unless_it_is_public():
    public = replace(LIST, operation="health", template="/v1/health", public=True)
    api = Api("a.things.v1", (LIST, replace(LIST, operation="get", template="/v1/things/{id}"), public), (UP,))
    found = routes(compile_gateway(replace(GATEWAY, apis=(api,)), NODE))
    for route in found:
        filters = route["typed_per_filter_config"]
        guarded = {"envoy.filters.http.jwt_authn", "envoy.filters.http.rbac"} <= filters.keys()
        assert guarded == ("route" in route and route["name"] != "health"), route["name"]
        assert not (guarded and "direct_response" in route)


def test_equal_gateways_have_equal_digests_and_a_changed_scope_another():
    again = replace(GATEWAY, apis=tuple(replace(api) for api in GATEWAY.apis))
    first = compile_gateway(GATEWAY, NODE)
    assert compile_gateway(again, NODE).digest == first.digest
    tighter = replace(GATEWAY, apis=(Api("a.things.v1", (replace(LIST, scopes=("a:b",)),), (UP,)),))
    assert compile_gateway(tighter, NODE).digest != first.digest
    assert compile_gateway(tighter, NODE).filters == first.filters


def test_only_a_changed_contract_is_compiled_again():
    compile_api.cache_clear()
    other = Api("b.other.v1", (replace(LIST, template="/v1/other", contract="b.other.v1"),), (UP,))
    both = replace(GATEWAY, apis=(*GATEWAY.apis, other))
    compile_gateway(both, NODE)
    changed = replace(other, routes=(replace(other.routes[0], stamp="b.other.v1@2"),))
    compile_gateway(replace(GATEWAY, apis=(*GATEWAY.apis, changed)), NODE)
    assert compile_api.cache_info().misses == 3


def test_a_gateway_that_contradicts_itself_is_not_compiled():
    with pytest.raises(InvalidGatewayError):
        compile_gateway(replace(GATEWAY, default_limit=Limit(0)), NODE)


def test_a_gateway_without_contracts_answers_not_found_to_everything():
    matcher = tree(compile_gateway(replace(GATEWAY, apis=()), NODE))
    assert matcher["on_no_match"]["action"]["typed_config"]["direct_response"] == {"status": 404}
    assert "matcher_tree" not in matcher


def test_what_a_client_has_a_say_in_is_logged_with_a_bound():
    """Envoy cuts text only, and only where it is told to."""
    listener = compile_gateway(GATEWAY, NODE).bootstrap["static_resources"]["listeners"][0]
    (log,) = listener["filter_chains"][0]["filters"][0]["typed_config"]["access_log"]
    said = re.compile(r"%(REQ|RESP|TRAILER|FILTER_STATE|DYNAMIC_METADATA|QUERY_PARAM|PATH)\b")
    theirs = {name: each for name, each in log["typed_config"]["log_format"]["json_format"].items() if said.match(each)}
    assert {"consumer", "subject", "caller", "request", "method"} <= theirs.keys()
    ours = {"rules", "doors"}  # whole notes of our own filters: no client and no upstream writes there
    assert {name for name, each in theirs.items() if not re.search(r":\d+%$", each)} == ours


def test_scopes_are_matched_as_words_not_as_expressions():
    dotted = replace(LIST, scopes=("a.b+c",))
    (route, *_) = routes(compile_gateway(replace(GATEWAY, apis=(Api("a.things.v1", (dotted,), (UP,)),)), NODE))
    rules = route["typed_per_filter_config"]["envoy.filters.http.rbac"]["rbac"]["rules"]["policies"]["4-scope"]
    value = rules["principals"][0]["not_id"]["sourced_metadata"]["metadata_matcher"]["value"]
    assert value["string_match"]["safe_regex"]["regex"] == r"([ -~]* )?a\.b\+c( [ -~]*)?"
