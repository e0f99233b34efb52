"""A lint rule is a value: an id, its documentation, and a function from a contract to complaints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Place

Complaint = tuple[Place, str, str]
"""Where, what is wrong, and how to mend it."""

Judge = Callable[[Contract], Iterator[Complaint]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `doc` is what `treadle explain ID` prints: why, a bad example, a good one, how to mend it."""

    id: str
    doc: str
    judge: Judge
    severity: Severity = Severity.BLOCK

    def __call__(self, contract: Contract) -> Iterator[Finding]:
        """The findings of this rule in one contract."""
        for place, message, hint in self.judge(contract):
            yield Finding(place, self.id, self.severity, message, hint, contract.id)


def rule(id: str, *, severity: Severity = Severity.BLOCK) -> Callable[[Judge], Rule]:
    """Make a rule of a function; its docstring is the rule's documentation. Registers nothing: see `lint.RULES`."""

    def make(judge: Judge) -> Rule:
        return Rule(id, inspect.getdoc(judge) or "", judge, severity)

    return make
