"""The supervisor's journal as facts: what started, hung, died and came back. Pure."""

from __future__ import annotations

import orjson

from treadle.facts.fact import Fact, FactKind, Outcome

_CODES = {
    "backoff": "PROCESS_DIED",
    "stopped": "PROCESS_DIED",
    "hanging": "PROCESS_HANGS",
    "unready": "PROCESS_UNREADY",
}


def fact_of_change(line: bytes) -> Fact:
    """One line of the journal. Raises ValueError for anything else."""
    row = orjson.loads(line)
    try:
        code = _CODES.get(row["state"], "")
        return Fact(
            kind=FactKind.ENGINE,
            at_us=row["at_us"],
            outcome=Outcome.FAILED if code else Outcome.OK,
            operation=row["state"],
            code=code,
            detail=row["detail"],
            node=row["name"],
        )
    except (KeyError, TypeError) as why:
        raise ValueError(f"not a line of the journal: {why}") from None
