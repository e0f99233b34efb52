"""What the control plane decided, as facts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.base.ids import TraceContext
from treadle.control.compile import Compiled
from treadle.control.decide import Action, Decision
from treadle.control.report import why
from treadle.facts.fact import Fact, FactKind, Outcome


def facts_of(
    verb: str, compiled: Compiled, *, trace: TraceContext, parent: str, at_us: int, took_us: int
) -> list[Fact]:
    """One fact for the whole, and under it one for each contract that changed or was refused.

    `verb` is what was asked for (`apply`, `up`); `parent` is the span that asked, or empty.
    """
    decisions = [each for each in compiled.desired.decisions if each.action is not Action.KEEP]
    refused = [each for each in decisions if each.action is Action.REFUSE]
    whole = Fact(
        kind=FactKind.DECISION,
        at_us=at_us,
        outcome=Outcome.REFUSED if refused else Outcome.OK,
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_span_id=parent,
        operation=verb,
        duration_us=took_us,
        code="CONTRACTS_REFUSED" if refused else "",
        detail=_said(decisions, len(compiled.changes)),
        node="control",
    )
    return [whole, *(_fact(each, trace, at_us, took_us) for each in decisions)]


def renewal_of(name: str, trace: TraceContext, at_us: int) -> Fact:
    """The certificate of a SPIFFE id was renewed."""
    return Fact(
        kind=FactKind.DECISION,
        at_us=at_us,
        outcome=Outcome.OK,
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        operation="renew-certificate",
        detail=f"the certificate of {name} was renewed",
        node="control",
    )


def _fact(decision: Decision, trace: TraceContext, at_us: int, took_us: int) -> Fact:
    refused = decision.action is Action.REFUSE
    return Fact(
        kind=FactKind.DECISION,
        at_us=at_us,
        outcome=Outcome.REFUSED if refused else Outcome.OK,
        trace_id=trace.trace_id,
        span_id=trace.child().span_id,
        parent_span_id=trace.span_id,
        domain=decision.contract.partition(".")[0],
        contract=decision.wanted or decision.live or decision.contract,
        operation=decision.action.value,
        duration_us=took_us,
        code=decision.blocking[0].rule if refused and decision.blocking else "",
        detail=why(decision) if refused else "",
        node="control",
    )


def _said(decisions: Sequence[Decision], changes: int) -> str:
    counts = {action: sum(each.action is action for each in decisions) for action in Action}
    said = ", ".join(f"{count} {action.past}" for action, count in counts.items() if count)
    return f"{said or 'no contract changed'}; {changes} changes in the engines"
