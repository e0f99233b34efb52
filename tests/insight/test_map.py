import pytest

from treadle.facts.fact import Outcome
from treadle.insight.map import ROWS_MAX, Column, Link, fold, gather, system_map, traffic
from treadle.insight.state import Engine, Run, State


def test_the_map_comes_from_the_workspace(workspace):
    shown = system_map(workspace)
    assert {(node.column, node.name) for node in shown.nodes} == {
        (Column.SYSTEM, "erp"),
        (Column.CHANNEL, "sales.order.created.v1"),
        (Column.API, "sales.orders.v1"),
        (Column.API, "sales.prices.v1"),
        (Column.CONSUMER, "app"),
        (Column.CONSUMER, "billing"),
    }
    assert {(edge.source, edge.link, edge.target) for edge in shown.edges} == {
        ("system:erp", Link.EMITS, "channel:sales.order.created.v1"),
        ("channel:sales.order.created.v1", Link.DELIVERS, "api:sales.orders.v1"),
        ("channel:sales.order.created.v1", Link.DELIVERS, "user:billing"),
        ("api:sales.orders.v1", Link.SERVES, "user:app"),
        ("api:sales.prices.v1", Link.SERVES, "user:app"),
        ("user:app", Link.PUBLISHES, "channel:sales.order.created.v1"),
    }
    assert next(node for node in shown.nodes if node.name == "sales.orders.v1").detail == "orders-api"


def test_traffic_lies_on_the_edges_it_takes(see, facts):
    given = [facts.call() for _ in range(80)]
    for n in range(30):
        given += [facts.event(f"{n}"), facts.delivery(f"{n}", 4), facts.delivery(f"{n}", 4, group="orders-api")]
    sight = see(given)
    flow = traffic(system_map(sight.workspace), sight)
    rates = {pair: live.rate for pair, live in flow.edges.items()}
    assert rates == {
        ("system:erp", "channel:sales.order.created.v1"): 0.5,
        ("channel:sales.order.created.v1", "api:sales.orders.v1"): 0.5,
        ("channel:sales.order.created.v1", "user:billing"): 0.5,
        ("api:sales.orders.v1", "user:app"): 8.0,
        ("api:sales.prices.v1", "user:app"): 0.0,
        ("user:app", "channel:sales.order.created.v1"): 0.0,
    }
    assert flow.nodes["api:sales.prices.v1"].state is State.IDLE
    assert flow.nodes["user:app"].state is State.OK
    assert (
        flow.edges["api:sales.orders.v1", "user:app"].weight > flow.edges["api:sales.prices.v1", "user:app"].weight == 0
    )


def test_a_failing_delivery_is_watched_and_a_stuck_group_breaches(see, facts):
    sight = see([facts.event("a", 3), facts.delivery("a", 2, outcome=Outcome.FAILED)])
    edge = traffic(system_map(sight.workspace), sight).edges["channel:sales.order.created.v1", "user:billing"]
    assert (edge.state, edge.note) == (State.WATCH, "1 failed")
    sight = see([facts.event("a", 60)])
    edge = traffic(system_map(sight.workspace), sight).edges["channel:sales.order.created.v1", "user:billing"]
    assert (edge.state, edge.note) == (State.BREACH, "1 event waiting")


def test_without_its_engine_nothing_is_known(see, facts):
    sight = see([facts.call()], engines=[Engine("envoy", Run.DOWN, facts.now_us)])
    flow = traffic(system_map(sight.workspace), sight)
    assert flow.edges["api:sales.orders.v1", "user:app"].state is State.NO_DATA
    assert flow.nodes["user:app"].text == "envoy is down"


def test_one_domain_shows_itself_and_what_touches_it(workspace, many_contracts):
    shown = system_map(many_contracts(workspace), domain="retail")
    assert {node.group for node in shown.nodes if node.contract} == {"retail"}
    assert {node.name for node in shown.nodes if node.column is Column.CONSUMER} == {"app"}


def test_a_large_map_folds_and_loses_no_traffic(see, facts, workspace, many_contracts):
    large = many_contracts(workspace)
    calls = [facts.call(contract=f"retail.api{n}.v1") for n in range(20)]
    sight = see(calls, of=large)
    whole = system_map(large)
    shown = fold(whole)
    for column in Column:
        assert len([node for node in shown.nodes if node.column is column]) <= ROWS_MAX
    held = [member for node in shown.nodes for member in shown.folded.get(node.id, (node.id,))]
    assert sorted(held) == sorted(node.id for node in whole.nodes)
    flow = gather(shown, traffic(whole, sight))
    assert set(flow.nodes) == {node.id for node in shown.nodes}
    assert set(flow.edges) == {(edge.source, edge.target) for edge in shown.edges}
    assert flow.edges["group:2:retail", "user:app"].rate == pytest.approx(20 / 60)
    assert flow.edges["group:2:supply", "user:app"].rate == 0.0


def test_a_small_map_stays_as_it_is(workspace):
    assert fold(system_map(workspace)).folded == {}
