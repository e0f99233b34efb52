"""What a report says of the tool that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from treadle.contract.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Tool:
    """`verb` is what ran (`check`, `lint`, `diff`); `rules` holds the long text of a rule by its id."""

    verb: str
    version: str
    rules: Mapping[str, str] = field(default_factory=dict)
    colour: bool = False


WORDS = {
    Severity.INVALID: ("invalid", "invalid"),
    Severity.BLOCK: ("blocking", "blocking"),
    Severity.WARN: ("warning", "warnings"),
    Severity.INFO: ("info", "info"),
}
"""One and several findings of a severity, as people count them."""


def counted(findings: tuple[Finding, ...]) -> str:
    """`2 blocking, 1 warning`, or that there is nothing."""
    counts = [(sum(each.severity is severity for each in findings), words) for severity, words in WORDS.items()]
    return ", ".join(f"{count} {words[count != 1]}" for count, words in counts if count) or "nothing to complain about"
