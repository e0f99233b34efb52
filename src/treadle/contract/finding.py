"""A finding: one rule's complaint about one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.base.printable import printable
from treadle.contract.place import Place


class Severity(StrEnum):
    """`invalid`: not a valid contract (exit 3). `block`: a policy is violated (exit 1). `warn`: said, not stopped.

    `info`: worth knowing.
    """

    INVALID = "invalid"
    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is wrong, where, how badly, and how to mend it. `contract` is the id of the contract, or empty."""

    place: Place
    rule: str
    severity: Severity
    message: str
    hint: str = ""
    contract: str = ""

    def __str__(self) -> str:
        """One line, whatever the names in it hold."""
        return printable(f"{self.place}: {self.severity} {self.rule}: {self.message}")
