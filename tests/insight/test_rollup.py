from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight import rollup as rollup_module
from treadle.insight.rollup import EVERYTHING, KEPT_S, Measure, Rollup, Scope

NOW_US = 1_800_000_000_000_000

some_facts = st.lists(
    st.builds(
        Fact,
        kind=st.sampled_from([FactKind.CALL, FactKind.EVENT, FactKind.DELIVERY, FactKind.REFUSAL, FactKind.ENGINE]),
        at_us=st.integers(NOW_US - 400_000_000, NOW_US + 20_000_000),
        outcome=st.sampled_from(Outcome),
        event_id=st.sampled_from(["", "a", "b", "c"]),
        consumer=st.sampled_from(["", "app", "billing"]),
        contract=st.sampled_from(["", "sales.orders.v1@1.0.0#1", "sales.orders.v1@1.1.0#2", "sales.order.v1@1.0.0#3"]),
        operation=st.sampled_from(["", "getOrder", "sales.order.created.v1"]),
        duration_us=st.integers(0, 5_000_000),
    ),
    max_size=60,
)
KINDS = {Measure.CALL: FactKind.CALL, Measure.EVENT: FactKind.EVENT, Measure.DELIVERY: FactKind.DELIVERY}


@given(
    some_facts,
    st.sampled_from(sorted(KINDS)),
    st.builds(
        Scope,
        contract=st.sampled_from(["", "sales.orders.v1", "sales.order.v1"]),
        consumer=st.sampled_from(["", "app", "billing"]),
    ),
    st.integers(1, KEPT_S),
)
def test_counts_are_exact(facts, measure, scope, last_s):
    rollup = Rollup()
    rollup.add(facts, NOW_US)
    counted = rollup.count(measure, scope, NOW_US, last_s)

    meant = [
        fact
        for fact in facts
        if fact.kind is KINDS[measure]
        and NOW_US // 10**6 - last_s <= (fact.at_us + fact.duration_us) // 10**6 < NOW_US // 10**6
        and scope.contract in ("", fact.contract.partition("@")[0])
        and scope.consumer in ("", fact.consumer)
    ]
    assert counted.n == len(meant)
    assert counted.failed == sum(fact.outcome is Outcome.FAILED for fact in meant)
    assert counted.refused == sum(fact.outcome is Outcome.REFUSED for fact in meant)


@given(some_facts, st.randoms())
def test_neither_order_nor_batches_matter(facts, dice):
    mixed = list(facts)
    dice.shuffle(mixed)
    whole, parts = Rollup(), Rollup()
    whole.expect({"sales.order.created.v1": ["billing"]})
    parts.expect({"sales.order.created.v1": ["billing"]})
    whole.add(facts, NOW_US)
    for fact in mixed:
        parts.add([fact], NOW_US)
    for measure in (Measure.CALL, Measure.EVENT, Measure.DELIVERY, Measure.DEAD):
        assert whole.count(measure, EVERYTHING, NOW_US, KEPT_S) == parts.count(measure, EVERYTHING, NOW_US, KEPT_S)


def test_the_series_adds_up_to_the_whole(facts):
    rollup = Rollup()
    rollup.add([facts.call(ago) for ago in range(2, 290, 3)], NOW_US)
    steps = rollup.series(Measure.CALL, NOW_US, step_s=5)
    assert len(steps) == KEPT_S // 5
    assert sum(step.n for step in steps) == rollup.count(Measure.CALL, EVERYTHING, NOW_US, KEPT_S).n == 96


def test_what_is_old_is_forgotten_and_takes_no_memory(facts):
    rollup = Rollup()
    rollup.add([facts.call(ago) for ago in range(2, 290)], NOW_US)
    rollup.add([], NOW_US + 600_000_000)
    assert list(rollup.scopes(Measure.CALL)) == []
    assert rollup.count(Measure.CALL, EVERYTHING, NOW_US + 600_000_000, KEPT_S).n == 0


def test_a_wrong_clock_is_not_counted_and_moves_nothing(facts):
    rollup = Rollup()
    ahead = replace(facts.call(), at_us=NOW_US + 10**15)
    rollup.add([facts.call(), ahead, replace(ahead, at_us=-(10**15))], NOW_US)
    assert rollup.count(Measure.CALL, EVERYTHING, NOW_US, KEPT_S).n == 1
    assert rollup.dropped == 2


def test_names_without_end_take_memory_with_an_end(facts, monkeypatch):
    monkeypatch.setattr(rollup_module, "SERIES_MAX", 20)
    rollup = Rollup()
    rollup.add([facts.call(consumer=f"c{n}") for n in range(100)], NOW_US)
    assert rollup.count(Measure.CALL, EVERYTHING, NOW_US, KEPT_S).n == 100
    assert len(list(rollup.scopes(Measure.CALL))) == 20
    assert rollup.dropped > 0


def test_lag_runs_from_accepted_to_done(facts):
    rollup = Rollup()
    rollup.add([facts.event("e", 8), facts.delivery("e", 6)], NOW_US)
    lag = rollup.count(Measure.LAG, EVERYTHING, NOW_US, 60)
    assert lag.n == 1
    assert abs(lag.quantile_us(0.95) - 2_000_000) <= 40_000


def test_lag_is_the_same_whichever_fact_comes_first(facts):
    both = [facts.event("e", 8), facts.delivery("e", 6)]
    seen = []
    for order in (both, both[::-1]):
        rollup = Rollup()
        rollup.expect({"sales.order.created.v1": ["billing"]})
        for fact in order:
            rollup.add([fact], NOW_US)
        seen.append(rollup.count(Measure.LAG, EVERYTHING, NOW_US, 60))
        assert rollup.oldest_us("sales.order.created.v1", "billing") is None
    assert seen[0] == seen[1]


def test_an_event_waits_until_every_group_is_done(facts):
    rollup = Rollup()
    rollup.expect({"sales.order.created.v1": ["billing", "orders-api"]})
    rollup.add([facts.event("one", 9), facts.event("two", 4)], NOW_US)
    rollup.add([facts.delivery("one", 8, outcome=Outcome.FAILED), facts.delivery("two", 3)], NOW_US)
    assert rollup.oldest_us("sales.order.created.v1", "billing") == NOW_US - 9_000_000
    assert rollup.waiting("sales.order.created.v1", "orders-api") == 2
    rollup.add([facts.refusal("one", 2, consumer="billing", code="MAX_DELIVERIES")], NOW_US)
    assert rollup.oldest_us("sales.order.created.v1", "billing") is None
    assert rollup.waiting("sales.order.created.v1", "orders-api") == 2


def test_a_group_that_is_gone_is_waited_for_no_more(facts):
    rollup = Rollup()
    rollup.expect({"sales.order.created.v1": ["billing"]})
    rollup.add([facts.event("one", 9)], NOW_US)
    rollup.expect({})
    assert rollup.oldest_us("sales.order.created.v1", "billing") is None


def test_a_lost_last_fact_does_not_look_like_a_stuck_group(facts):
    rollup = Rollup()
    rollup.expect({"sales.order.created.v1": ["billing"]})
    rollup.add([facts.event("lost", 0)], NOW_US)
    later_us = NOW_US + 400_000_000
    assert rollup.oldest_us("sales.order.created.v1", "billing") == NOW_US
    moved = [
        replace(each, at_us=each.at_us + 400_000_000) for each in (facts.event("new", 3), facts.delivery("new", 2))
    ]
    rollup.add(moved, later_us)
    assert rollup.oldest_us("sales.order.created.v1", "billing") is None
    assert rollup.unfinished == 1


def test_only_what_went_wrong_is_kept_whole(facts):
    rollup = Rollup()
    gap = Fact(FactKind.GAP, NOW_US, Outcome.OK, missing=3)
    wrong = [facts.call(outcome=Outcome.REFUSED), facts.refusal("x"), gap]
    rollup.add([facts.call(), *wrong, facts.event("e")], NOW_US)
    assert list(rollup.amiss) == wrong
