from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight.attention import ROWS_MAX, RefusedVersion, attention
from treadle.insight.health import contract_health
from treadle.insight.state import Engine, Run, State


def items(sight, refused=()):
    healths = {each.id: contract_health(each, sight) for each in sight.workspace.contracts}
    return attention(sight, healths, refused, reversed(sight.rollup.amiss))


def test_all_well_needs_nobody(see, facts):
    assert items(see([facts.call() for _ in range(30)])) == ()


def test_what_is_broken_comes_first(see, facts):
    finding = Finding(Place("a.yaml", 3), "path-major", Severity.BLOCK, "a path has no major version")
    warning = Finding(Place("a.yaml", 1), "aside", Severity.WARN, "not the reason")
    engines = [*facts.engines[:1], Engine("nats", Run.DOWN, facts.now_us, "exit code 1")]
    sight = see([facts.call(outcome=Outcome.FAILED) for _ in range(30)] + [facts.refusal()], engines=engines)
    seen = items(sight, [RefusedVersion("sales.prices.v1", "1.1.0", facts.now_us, (warning, finding))])
    assert [item.what for item in seen] == [
        "nats is down",
        "sales.orders.v1",
        "sales.prices.v1 1.1.0 was refused",
        "1 dead letter on sales.order.created.v1 from erp",
    ]
    assert seen[1].owner == "sales-team"
    assert seen[2].why == "a path has no major version; 1.0.0 goes on serving"
    assert (seen[3].contract, seen[3].trace) == ("sales.order.v1", "ab" * 16)


def test_a_refused_newcomer_has_nothing_in_its_place(see):
    seen = items(see(), [RefusedVersion("sales.new.v1", "", 1, ())])
    assert (seen[0].what, seen[0].why) == ("sales.new.v1 was refused", "refused; nothing serves in its place")


def test_dead_letters_of_one_cause_are_one_line(see, facts):
    letters = [facts.refusal(code="CONTRACT_VIOLATION") for _ in range(30)]
    seen = items(see([*letters, facts.refusal(code="POISON", consumer="billing")]))
    assert [item.what for item in seen] == [
        "1 dead letter on sales.order.created.v1 from billing",
        "30 dead letters on sales.order.created.v1 from erp",
    ]
    assert {item.state for item in seen} == {State.BREACH}


def test_missing_facts_are_told(see, facts):
    known = Fact(FactKind.GAP, facts.now_us, Outcome.FAILED, node="envoy", missing=3)
    unknown = Fact(FactKind.GAP, facts.now_us, Outcome.FAILED)
    assert {item.what for item in items(see([known, unknown]))} == {
        "3 facts missing from envoy",
        "an unknown number of facts missing",
    }


def test_the_list_has_an_end(see, facts):
    assert len(items(see([facts.refusal(code=f"CODE_{n}") for n in range(40)]))) == ROWS_MAX
