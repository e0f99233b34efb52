"""A plan is the difference of two sets of rows, and survives being written down."""

from dataclasses import replace

import orjson

from treadle.bus.ir import Bus, Group, Producer, Topic
from treadle.contract.model import Enforcement, Limit
from treadle.control.plan import decode, differences, encode, rows_of
from treadle.gateway.ir import Api, ConsumerLimit, Gateway, Issuer, ParameterRule, Route, Upstream


def route(operation="getOrder", timeout_ms=2000):
    return Route(
        operation=operation,
        method="GET",
        template=f"/v1/orders/{operation}",
        upstream="orders-api",
        timeout_ms=timeout_ms,
        public=False,
        scopes=("orders:read",),
        limit=None,
        idempotency_key=False,
        cost_weight=1,
        contract="sales.orders.v1",
        domain="sales",
        stamp="sales.orders.v1@1.0.0#abc",
    )


def gateway(*routes):
    api = Api("sales.orders.v1", routes, (Upstream("orders-api", "127.0.0.1", 7102),))
    consumers = (ConsumerLimit("demo-app", "gold", Limit(100)),)
    return Gateway((api,), consumers, Limit(1), (Issuer("http://i", "aud", "jwks.json"),))


def bus(partitions=8, schema=True):
    topic = Topic(
        channel="sales.order.created.v1",
        domain="sales",
        contract="sales.order.v1",
        stamp="s",
        version="1.0.0",
        partitions=partitions,
        partition_key="/orderId",
        retention_days=7,
        compaction=False,
        enforcement=Enforcement.ENFORCE,
        subject_pointer=None,
        schema=schema,
    )
    return Bus((topic,), (Group("billing", topic.channel, 5),), (Producer("erp", ("sales",)),))


def changes(old, new):
    return [(each.action, each.row.kind, each.fields) for each in differences(old, new)]


def test_equal_rows_have_no_difference():
    assert differences(rows_of(gateway(route()), bus()), rows_of(gateway(route()), bus())) == ()


def test_from_nothing_everything_is_added():
    kinds = {kind for _, kind, _ in changes((), rows_of(gateway(route()), bus()))}
    assert kinds == {"route", "upstream", "limit", "stream", "validator", "group", "producer"}


def test_a_changed_timeout_is_named_with_both_values():
    old, new = rows_of(gateway(route()), bus()), rows_of(gateway(route(timeout_ms=3000)), bus())
    assert changes(old, new) == [("change", "route", (("timeout_ms", 2000, 3000),))]
    assert "timeout_ms: 2000 -> 3000" in str(differences(old, new)[0])


def test_a_changed_payload_changes_the_validator_and_not_the_stream():
    assert [kind for _, kind, _ in changes(rows_of(gateway(), bus()), rows_of(gateway(), bus(schema=False)))] == [
        "validator"
    ]


def test_a_removed_route_is_removed():
    old, new = rows_of(gateway(route(), route("listOrders")), bus()), rows_of(gateway(route()), bus())
    assert [(action, kind) for action, kind, _ in changes(old, new)] == [("remove", "route")]


def test_rows_survive_the_disk():
    rows = rows_of(gateway(route()), bus())
    assert differences(decode(orjson.loads(encode(rows))), rows) == ()


def test_what_the_gateway_leaves_to_the_upstream_is_in_the_plan():
    rule = ParameterRule("tag", "query", required=False, schema={"type": "array"})
    old, new = rows_of(gateway(route()), bus()), rows_of(gateway(replace(route(), checks=(rule,))), bus())
    (change,) = differences(old, new)
    assert ("unchecked", None, ["query tag: array"]) in change.fields
