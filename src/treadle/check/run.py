"""Runs the lint rules over one contract."""

from __future__ import annotations

from collections.abc import Iterable

from treadle.check.conventions import RULES
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract

_EXIT_CODES = {Severity.INVALID: 3, Severity.BLOCK: 1, Severity.WARN: 0, Severity.INFO: 0}


def check_contract(contract: Contract) -> tuple[Finding, ...]:
    """What the rules say about one contract, in the order of its file."""
    return tuple(sorted(finding for rule in RULES for finding in rule(contract)))


def exit_code(findings: Iterable[Finding]) -> int:
    """3 where something is no valid contract, else 1 where a policy is violated, else 0."""
    return max((_EXIT_CODES[each.severity] for each in findings), default=0)
