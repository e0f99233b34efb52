from treadle.facts.fact import Outcome
from treadle.insight.health import contract_health
from treadle.insight.state import Engine, Run, State


def health(sight, id):
    return contract_health(sight.workspace.contract(id), sight)


def test_an_api_says_what_is_wrong_with_it(see, facts):
    calls = [facts.call(ms=900, outcome=Outcome.FAILED if n % 2 else Outcome.OK) for n in range(40)]
    seen = health(see(calls), "sales.orders.v1")
    assert seen.state is State.BREACH
    assert seen.reason == "50 % of calls failed, objective 0.5 %; p95 894 ms, objective 400 ms"
    assert seen.note == "50 % failed"
    assert health(see(calls), "sales.prices.v1").reason == "no calls in the last minute"


def test_dead_letters_and_lag_are_told_apart(see, facts):
    seen = health(see([facts.event("a", 20), *(facts.refusal() for _ in range(30))]), "sales.order.v1")
    assert (seen.service, seen.letters, seen.dead) == (State.BREACH, State.BREACH, 30)
    late = health(see([facts.event("a", 20)]), "sales.order.v1")
    assert (late.service, late.letters) == (State.BREACH, State.IDLE)


def test_without_its_engine_a_contract_has_no_state(see, facts):
    engines = [Engine("envoy", Run.DOWN, facts.now_us)]
    seen = health(see([facts.call()] * 50, engines=engines), "sales.orders.v1")
    assert (seen.state, seen.text) == (State.NO_DATA, "envoy is down")


def test_a_slow_rate_is_not_rounded_to_nothing_and_a_fast_one_is_of_now(see, facts):
    assert health(see([facts.call(50), facts.call(55), facts.call(40)]), "sales.orders.v1").rate == 3 / 60
    stopped = [facts.call(30 + n / 100) for n in range(600)]
    assert health(see(stopped), "sales.orders.v1").rate == 0
    assert health(see([*stopped, *(facts.call(5) for _ in range(90))]), "sales.orders.v1").rate == 9
