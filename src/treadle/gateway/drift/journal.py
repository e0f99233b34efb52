"""The journal of drift: a line for each difference that was found, and the fact of a line. Pure."""

from __future__ import annotations

import re

import orjson

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.drift.table import Answers
from treadle.gateway.drift.tally import Line

RESPONSE_DRIFT = "RESPONSE_DRIFT"
DRIFT_UNSEEN = "DRIFT_UNSEEN"
"""Samples that were dropped, because more came than are looked at."""
NODE = "drift"
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_DETAIL_MAX = 500


def encode(line: Line, answers: Answers) -> bytes:
    """One line, with its newline."""
    row = {
        "at_us": line.at_us,
        "stamp": answers.stamp,
        "domain": answers.domain,
        "operation": answers.operation,
        "status": line.status,
        "trace": line.trace_id,
        "pointer": line.fault.pointer,
        "reason": line.fault.reason,
        "count": line.count,
    }
    return orjson.dumps(row) + b"\n"


def encode_unseen(count: int, at_us: int) -> bytes:
    """A line that says how many samples were dropped."""
    return orjson.dumps({"at_us": at_us, "unseen": count}) + b"\n"


def fact_of_drift(line: bytes) -> Fact:
    """The fact of one line. Raises ValueError for anything else."""
    row = orjson.loads(line)
    try:
        if "unseen" in row:
            detail = f"{int(row['unseen'])} sampled answers were not looked at; more came than can be"
            return Fact(FactKind.ENGINE, int(row["at_us"]), Outcome.OK, code=DRIFT_UNSEEN, detail=detail, node=NODE)
        count = int(row["count"])
        where = f"{row['pointer']}: " if row["pointer"] else ""
        times = f" ({count} times)" if count > 1 else ""
        return Fact(
            FactKind.ENGINE,
            int(row["at_us"]),
            Outcome.FAILED,
            trace_id=row["trace"] if _TRACE_ID.fullmatch(row["trace"]) else "",
            domain=row["domain"],
            contract=row["stamp"],
            operation=row["operation"],
            status=int(row["status"]),
            code=RESPONSE_DRIFT,
            detail=f"{where}{row['reason']}"[:_DETAIL_MAX] + times,
            node=NODE,
        )
    except (KeyError, TypeError, AttributeError) as why:
        raise ValueError(f"not a line of the journal: {why}") from None
