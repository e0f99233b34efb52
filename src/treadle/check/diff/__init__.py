"""Two versions in; what changed, whom it breaks, and which version it asks for, out. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treadle.contract.finding import Finding
    from treadle.contract.model import Contract


def compare(old: Contract, new: Contract, today: dt.date) -> tuple[Finding, ...]:
    """What releasing one version of a contract in the place of another does: `contracts.compare`, loaded on use."""
    from treadle.check.diff import contracts

    return contracts.compare(old, new, today)
