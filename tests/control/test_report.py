"""What a plan or an apply says: nothing is left out, and the exit code follows the worst of it."""

import pytest

from treadle.base.ids import TraceContext
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.control.decide import Action, Decision, Desired
from treadle.control.decisions import facts_of
from treadle.control.plan import Change, Row
from treadle.control.report import exit_code, lines, report, summary
from treadle.facts.fact import Outcome

A = "sales.orders.v1"
FINDING = Finding(Place("a.yaml", 3, 5), "path-major", Severity.BLOCK, "no major", "add /v1", A)
CHANGE = Change("change", Row("envoy", "route", "GET /v1/orders", A, {}), (("timeout_ms", 1, 2),))


class Compiled:
    """The two values that decisions are told from."""

    def __init__(self, decisions, changes=()):
        self.desired = Desired(None, (), tuple(decisions))
        self.changes = tuple(changes)


def refused(severity=Severity.BLOCK):
    found = Finding(FINDING.place, FINDING.rule, severity, FINDING.message, FINDING.hint, A)
    return Decision(A, Action.REFUSE, f"{A}@1.0.0#a", f"{A}@1.1.0#b", (found,))


def text(desired, changes=()):
    return "\n".join(lines(report(desired, changes)))


def test_a_refusal_names_rule_place_hint_and_what_goes_on_serving():
    said = text(Desired(None, (), (refused(),)))
    for each in ("REFUSED", "@1.1.0#b", "@1.0.0#a goes on serving", "path-major", "a.yaml:3:5", "hint: add /v1"):
        assert each in said


def test_a_change_is_shown_under_its_contract_and_settings_apart():
    limit = Change("add", Row("envoy", "limit", "demo-app", "", {}))
    desired = Desired(None, (), (Decision(A, Action.CHANGE, "x@1", "x@2", ()),))
    said = text(desired, [CHANGE, limit])
    assert said.index(A) < said.index("~ envoy route GET /v1/orders") < said.index("timeout_ms: 1 -> 2")
    assert said.index("settings") < said.index("+ envoy limit demo-app")
    assert summary(report(desired, [CHANGE, limit])) == "1 changed; 2 changes in the engines"


@pytest.mark.parametrize(("severity", "code"), [(Severity.WARN, 0), (Severity.BLOCK, 1), (Severity.INVALID, 3)])
def test_the_exit_code_follows_the_worst_finding(severity, code):
    assert exit_code(report(Desired(None, (), (refused(severity),)), ())) == code


def test_hostile_text_forges_no_line_and_paints_no_screen():
    found = Finding(Place("a\n.yaml"), "r", Severity.BLOCK, "\x1b[2Kgone\nb.yaml: all is well", "\u202eh", A)
    said = text(Desired(None, (), (Decision(A, Action.REFUSE, "", "", (found,)),)))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert not any(line.startswith("b.yaml") for line in said.splitlines())


def test_a_finding_about_settings_counts_too():
    assert exit_code(report(Desired(None, (), (), (FINDING,)), ())) == 1


def test_decisions_become_one_tree_of_facts_with_their_reasons():
    kept = Decision("a.b.v1", Action.KEEP, "a.b.v1@1.0.0#c", "a.b.v1@1.0.0#c", ())
    trace = TraceContext("1" * 32, "2" * 16)
    whole, one = facts_of("apply", Compiled([refused(), kept]), trace=trace, parent="3" * 16, at_us=7, took_us=9)
    assert (whole.outcome, whole.code, whole.parent_span_id) == (Outcome.REFUSED, "CONTRACTS_REFUSED", "3" * 16)
    assert whole.detail == "1 refused; 0 changes in the engines"
    assert (one.parent_span_id, one.code, one.contract) == (trace.span_id, "path-major", f"{A}@1.1.0#b")
    assert one.detail == "no major (a.yaml:3:5)", "the rule is its code, and is not said twice"


def test_an_apply_that_changed_nothing_says_so():
    trace = TraceContext("1" * 32, "2" * 16)
    (whole,) = facts_of("apply", Compiled([]), trace=trace, parent="", at_us=0, took_us=0)
    assert (whole.outcome, whole.detail) == (Outcome.OK, "no contract changed; 0 changes in the engines")
