import pytest

from treadle.facts.fact import Outcome
from treadle.insight.golden import tiles
from treadle.insight.state import Engine, Run, State


def by_key(sight):
    return {tile.key: tile for tile in tiles(sight)}


def test_no_traffic_is_said_and_is_neither_well_nor_down(see):
    made = by_key(see())
    assert {tile.state for tile in made.values()} == {State.IDLE}
    assert made["calls"].note == "no calls in the last minute"
    assert made["lag"].note == "no deliveries in the last minute"
    assert made["dead"].note == "no events in the last 5 minutes"
    assert made["p95"].value is None


def test_well_within_objectives(see, facts):
    events = [fact for n in range(40) for fact in (facts.event(f"{n}", 9), facts.delivery(f"{n}", 8))]
    events += [facts.delivery(f"{n}", 8, group="orders-api") for n in range(40)]
    made = by_key(see([facts.call(ago_s=2 + n % 50) for n in range(100)] + events))
    assert {tile.state for tile in made.values()} == {State.OK}
    assert (made["p95"].text, made["p95"].unit, made["p95"].of) == ("49.1", "ms", "all APIs")
    assert made["p95"].objective == "at most 400 ms"
    assert made["errors"].value == 0
    assert made["lag"].objective == "at most 5 s"
    assert made["dead"].note == "none of 40 events in 5 min"


@pytest.mark.parametrize(("failed", "state"), [(0, State.OK), (4, State.WATCH), (5, State.WATCH), (6, State.BREACH)])
def test_failed_calls_are_held_to_half_a_percent(see, facts, failed, state):
    calls = [facts.call(outcome=Outcome.FAILED if n < failed else Outcome.OK) for n in range(1000)]
    assert by_key(see(calls))["errors"].state is state


def test_a_refused_call_is_no_failure(see, facts):
    made = by_key(see([facts.call(outcome=Outcome.REFUSED) for _ in range(30)] + [facts.call() for _ in range(30)]))
    assert made["errors"].state is State.OK
    assert made["calls"].note == "60 calls in the last minute, 30 refused by policy"


def test_few_calls_are_watched_and_do_not_breach(see, facts):
    made = by_key(see([facts.call(outcome=Outcome.FAILED), facts.call(), facts.call()]))
    assert made["errors"].state is State.WATCH
    assert "too few" in made["errors"].note


@pytest.mark.parametrize(("ms", "state"), [(300, State.OK), (400, State.WATCH), (401, State.BREACH)])
def test_latency_is_decided_at_400_ms(see, facts, ms, state):
    assert by_key(see([facts.call(ms=ms) for _ in range(30)]))["p95"].state is state


def test_a_contract_is_held_to_its_own_objective_and_named(see, facts, workspace, with_slo):
    calls = [facts.call(ms=150, contract=id) for id in ("sales.orders.v1", "sales.prices.v1") for _ in range(30)]
    strict = with_slo(workspace, "sales.prices.v1", p95_ms=100)
    tile = by_key(see(calls, of=strict))["p95"]
    assert (tile.state, tile.of, tile.objective) == (State.BREACH, "sales.prices.v1", "at most 100 ms")
    assert tile.value > tile.limit


def test_number_objective_and_state_never_contradict_each_other(see, facts, workspace, with_slo):
    """All are well, but the fabric as a whole is slower than its strictest API allows: one API is shown."""
    strict = with_slo(workspace, "sales.prices.v1", p95_ms=100)
    calls = [facts.call(ms=300) for _ in range(90)] + [facts.call(ms=20, contract="sales.prices.v1") for _ in range(30)]
    tile = by_key(see(calls, of=strict))["p95"]
    assert tile.state is State.OK
    assert tile.value <= tile.limit


def test_an_event_that_nobody_takes_is_late_though_nothing_was_delivered(see, facts):
    tile = by_key(see([facts.event("stuck", 30)]))["lag"]
    assert (tile.state, tile.text, tile.unit, tile.of) == (State.BREACH, "30", "s", "sales.order.created.v1")
    assert tile.note == "2 deliveries waiting"


def test_an_event_on_its_way_is_not_late_yet(see, facts):
    assert by_key(see([facts.event("fresh", 3)]))["lag"].state is State.IDLE


def test_dead_letters_are_held_to_one_in_a_thousand(see, facts):
    events = [facts.event(f"{n}", 9) for n in range(999)]
    assert by_key(see([*events, facts.refusal()]))["dead"].state is State.WATCH
    made = by_key(see([*events, facts.refusal(), facts.refusal()]))["dead"]
    assert (made.state, made.text) == (State.BREACH, "2")


@pytest.mark.parametrize("run", [Run.DOWN, Run.STARTING])
def test_an_engine_that_is_away_leaves_no_number(see, facts, run):
    since_us = facts.now_us - 62_000_000
    engines = [Engine("envoy", run, since_us), *facts.engines[1:]]
    made = by_key(see([facts.call(ago_s=70 + n) for n in range(100)] + [facts.event("e")], engines=engines))
    for key in ("calls", "errors", "p95"):
        assert (made[key].state, made[key].since_us, made[key].value) == (State.NO_DATA, since_us, None)
        assert made[key].note == f"envoy is {run}"
        assert set(made[key].series[-13:]) == {None}, "no point is drawn for the time without data"
    assert any(made["calls"].series[:-13]), "what was known before stays"
    assert made["events"].state is State.OK


def test_the_bus_is_down_where_either_of_its_parts_is(see, facts):
    for name in ("nats", "guard"):
        engines = [Engine(name, Run.DOWN, facts.now_us), *(e for e in facts.engines if e.name != name)]
        made = by_key(see([facts.event("e")], engines=engines))
        assert {made[key].state for key in ("events", "lag", "dead")} == {State.NO_DATA}
        assert made["calls"].state is State.IDLE
