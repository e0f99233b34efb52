"""The quick way from JSON to the wire, beside protobuf's own: the same message, or none at all."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.gateway.encoder import Encoder, Unusual
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.schema import Schema, UnknownToEngineError, type_name

T = "type.googleapis.com/envoy."
SCHEMA = Schema.of(EnvoyEngine.find({}).binary)
QUICK = Encoder(SCHEMA.pool)


def slowly(resource):
    kind = SCHEMA.message(type_name(resource["@type"]))
    body = {key: value for key, value in resource.items() if key != "@type"}
    return kind, SCHEMA.encode_slowly(kind, body, "it")


def quickly(resource):
    kind = SCHEMA.message(type_name(resource["@type"]))
    return QUICK.encode(kind.DESCRIPTOR, {key: value for key, value in resource.items() if key != "@type"})


def same(resource):
    """Read back they are one message; what lies in an Any is compared as what it says."""
    kind, slow = slowly(resource)
    told = [SCHEMA.decode(resource["@type"], data) for data in (quickly(resource), slow)]
    assert json.dumps(told[0], sort_keys=True) == json.dumps(told[1], sort_keys=True)
    return kind.FromString(slow)


def test_everything_that_the_compiler_writes_goes_the_quick_way(running):
    snapshot = compile_gateway(running.base, running.node)
    for _, resources in snapshot.moving():
        for resource in resources.values():
            same(resource)
    same({"@type": f"{T}config.bootstrap.v3.Bootstrap", **snapshot.bootstrap})


def route(**fields):
    return {"@type": f"{T}config.route.v3.Route", "match": {"prefix": "/"}, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"route": {"cluster": "up", "timeout": "0s", "idle_timeout": "1.5s", "max_stream_duration": {}}},
        {"route": {"cluster": "up", "retryPolicy": {"numRetries": 0, "retriable_status_codes": [0, 503, 70000]}}},
        {"direct_response": {"status": 404, "body": {"inline_string": "grüß\u0000"}}},
        {"metadata": {"filter_metadata": {"z": {"a": 1, "b": [True, 2.5, "x", {"c": {}}]}, "a": {}}}},
        {"typed_per_filter_config": {"b": {"@type": f"{T}config.route.v3.FilterConfig", "config": {}}}},
        {"typed_per_filter_config": {"b": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"q": 1}}}},
        {"typed_per_filter_config": {"b": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}}},
        {"typed_per_filter_config": {"b": {"@type": "type.googleapis.com/google.protobuf.Empty"}}},
        {"tracing": {"client_sampling": {"numerator": 0, "denominator": "HUNDRED"}}},
        {"tracing": {"client_sampling": {"numerator": 7, "denominator": "MILLION"}}},
        {"response_headers_to_remove": ["a", "", "b"]},
        {"route": {"request_mirror_policies": [{"runtime_fraction": {"default_value": {"numerator": 5}}}]}},
    ],
)
def test_each_shape_of_value_is_written_as_protobuf_writes_it(fields):
    same(route(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"nope": 1},
        {"name": 3},
        {"name": None},
        {"name": "\ud800"},
        {"match": {"prefix": "/", "path": "/two"}},
        {"direct_response": {"status": -1}},
        {"direct_response": {"status": 2**32}},
        {"direct_response": {"status": "404"}},
        {"direct_response": {"status": True}},
        {"route": {"timeout": "-1s"}},
        {"route": {"timeout": 3}},
        {"route": {"hash_policy": {}}},
        {"route": {"retryPolicy": {}, "retry_policy": {}}},
        {"route": {"priority": "URGENT"}},
        {"metadata": {"filter_metadata": {"a": {"b": None}}}},
        {"typed_per_filter_config": {"b": {"@type": "type.googleapis.com/none"}}},
        {"typed_per_filter_config": {"b": {"@type": "type.googleapis.com/google.protobuf.Struct", "q": 1}}},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_protobuf(fields):
    with pytest.raises(Unusual):
        quickly(route(**fields))


def test_protobuf_has_the_last_word():
    assert SCHEMA.encode(route(direct_response={"status": "404"})) == slowly(route(direct_response={"status": 404}))[1]
    with pytest.raises(UnknownToEngineError):
        SCHEMA.encode(route(nope=1))


def test_a_route_that_is_the_same_object_is_encoded_once():
    shared = route(name="shared")
    hosts = [{"name": "a", "domains": ["*"], "routes": [{key: shared[key] for key in ("name", "match")}]}]
    table = {"@type": f"{T}config.route.v3.RouteConfiguration", "name": "t", "virtual_hosts": hosts}
    first = quickly(table)
    assert quickly({**table, "name": "t"}) == first == slowly(table)[1]
    again = {**table, "virtual_hosts": [{**hosts[0], "routes": [{"name": "other", "match": {"prefix": "/"}}]}]}
    assert quickly(again) == slowly(again)[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
keys = "name match route prefix headers status direct_response timeout weighted_clusters clusters weight metadata"
keys += " filter_metadata typed_per_filter_config @type denominator tracing"
names = st.sampled_from(keys.split())
messages = st.recursive(
    json_values, lambda inner: st.dictionaries(names, inner, max_size=4) | st.lists(inner, max_size=2), max_leaves=12
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(names, messages, max_size=4))
def test_whatever_it_is_given_it_agrees_with_protobuf_or_says_nothing(body):
    """What the quick way takes protobuf takes too, and reads as the same."""
    resource = {**body, "@type": f"{T}config.route.v3.Route"}
    try:
        quick = quickly(resource)
    except Unusual:
        return
    kind, slow = slowly(resource)
    assert kind.FromString(quick) == kind.FromString(slow)
