"""The one way around the contract: what it can do, and that no law can be switched off by it."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from treadle.gateway.engine import RefusedSnapshotError
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, InvalidGatewayError, Upstream, faults
from treadle.gateway.liberties import overreach

GUARD = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
AGAINST_THE_LAW = [
    {"match": {"prefix": "/"}},
    {"name": "other"},
    {"direct_response": {"status": 200}},
    {"redirect": {"host_redirect": "evil"}},
    {"filter_action": {}},
    {"non_forwarding_action": {}},
    {"typed_per_filter_config": {"envoy.filters.http.rbac": GUARD}},
    {"typed_per_filter_config": {"envoy.filters.http.jwt_authn": None}},
    {"typed_per_filter_config": None},
    {"metadata": None},
    {"metadata": {"filter_metadata": {"treadle": {"cost": 0}}}},
    {"request_headers_to_add": [{"header": {"key": "x-treadle-consumer", "value": "root"}}]},
    {"request_headers_to_remove": ["x-treadle-consumer"]},
    {"response_headers_to_add": []},
    {"response_headers_to_remove": ["x-trace-id"]},
    {"tracing": {"random_sampling": {"numerator": 0}}},
    {"stat_prefix": "x"},
    {"decorator": {"operation": "x"}},
    {"request_body_buffer_limit": 1},
    {"route_specifiers": []},
    {"route": None},
    {"route": []},
    {"route": {"cluster": "other"}},
    {"route": {"cluster": None, "cluster_header": "x-cluster"}},
    {"route": {"weighted_clusters": None}},
    {"route": {"cluster_specifier_plugin": "x"}},
    {"route": {"metadata_match": {}}},
    {"route": {"timeout": "0s"}},
    {"route": {"prefix_rewrite": "/v1/customers"}},
    {"route": {"regex_rewrite": {"pattern": {"regex": ".*"}, "substitution": "/admin"}}},
    {"route": {"path_rewrite": "/admin"}},
    {"route": {"host_rewrite_literal": "evil"}},
    {"route": {"host_rewrite_header": "x-host"}},
    {"route": {"request_mirror_policies": [{"cluster": "other"}]}},
    {"route": {"priority": "HIGH"}},
    {"route": {"rate_limits": []}},
    {"route": {"upgrade_configs": [{"upgrade_type": "websocket"}]}},
    {"route": {"internal_redirect_policy": {}}},
    {"route": {"hedge_policy": None}},
    {"route": {"early_data_policy": {"name": "x"}}},
    {"route": {"cors": {}}},
    {"route": {"retry_policy": {"retry_on": "5xx"}}},
    {"route": {"retry_policy": {"retriable_status_codes": [500]}}},
    {"route": {"retry_policy": {"num_retries": 6}}},
    {"route": {"retry_policy": {"num_retries": "50"}}},
    {"route": {"retry_policy": {"retry_host_predicate": []}}},
    "route",
    [],
    5,
]


@pytest.mark.parametrize("patch", AGAINST_THE_LAW, ids=lambda patch: str(patch)[:70])
def test_no_law_can_be_patched_away(running, patch):
    (api,) = running.base.apis
    patched = replace(api, routes=(replace(api.routes[0], patch=patch), *api.routes[1:]))
    gateway = replace(running.base, apis=(patched,))
    (fault,) = faults(gateway)
    assert fault.contract == "customer.customers.v1"
    assert "operation listCustomers: envoy_patch" in fault.message
    with pytest.raises(InvalidGatewayError):
        compile_gateway(gateway, running.node)


def test_a_refusal_says_what_may_stand_there():
    said = overreach({"route": {"cluster": "other"}})
    assert said.startswith("envoy_patch.route.cluster may not be patched; envoy_patch.route may have hash_policy, ")


@pytest.mark.engine
def test_a_patch_is_merged_into_every_way_of_its_operation(fresh):
    patch = {"route": {"max_stream_duration": {"max_stream_duration": "0.2s"}, "retry_policy": {"num_retries": 0}}}
    api = Api(
        "other.other.v1",
        (fresh.route("slow", "GET", "/v1/slow", contract="other.other.v1", upstream="other", patch=patch),),
        (Upstream("other", "127.0.0.1", fresh.upstream.port),),
    )
    fresh.push(replace(fresh.base, apis=(*fresh.base.apis, api)))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        answer = client.get("/v1/slow", headers=fresh.bearer())
        assert (answer.status_code, answer.json()["details"]["reason"]) == (504, "max_duration_timeout")
        assert client.get("/v1/slow").status_code == 401, "the law is as it was"


@pytest.mark.engine
def test_the_engine_judges_what_is_left(fresh):
    (api,) = fresh.base.apis
    wrong = replace(
        api,
        contract="other.other.v1",
        routes=tuple(
            replace(
                each, template=f"/v9{each.template}", contract="other.other.v1", patch={"route": {"idle_timeout": 5}}
            )
            for each in api.routes
        ),
    )
    gateway = replace(fresh.base, apis=(api, wrong))
    with pytest.raises(RefusedSnapshotError):
        asyncio.run(fresh.engine.push(compile_gateway(gateway, fresh.node)))
    (fault,) = fresh.engine.judge(gateway, fresh.node)
    assert (fault.contract, "idle_timeout" in fault.message) == ("other.other.v1", True)
