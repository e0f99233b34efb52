"""One line of the gateway's access log -> the fact of that call. Pure.

How a call ended:

| status                     | outcome | code                                            |
| -------------------------- | ------- | ----------------------------------------------- |
| below 400                  | ok      | none                                            |
| 4xx by the gateway         | refused | as in the envelope: UNAUTHENTICATED, RATE_LIMIT |
| 4xx by the upstream        | refused | UPSTREAM_4XX                                    |
| 5xx by the gateway         | failed  | as in the envelope: UPSTREAM_TIMEOUT, …         |
| 5xx by the upstream        | failed  | UPSTREAM_5XX                                    |
| none: the caller went away | failed  | CALLER_GONE                                     |

An upstream's 4xx is a refusal, not a failure: the call did what the contract says, and the answer was no.
"""

from __future__ import annotations

from typing import Any

import orjson

from treadle.base.ids import read_traceparent
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.refusals import refusal

LINE_BYTES_MAX = 65_536
"""A longer line is none of ours."""


def fact_of(line: bytes) -> Fact:
    """The fact of one line, with or without its newline. Raises ValueError where the line is torn or not ours.

    `subject` is the plain id of the token. `parent_span_id` is the caller's span, empty where the trace began here.
    """
    if len(line) > LINE_BYTES_MAX:
        raise _not_ours(f"a line of {len(line)} bytes")
    row = orjson.loads(line)
    if not isinstance(row, dict):
        raise _not_ours(f"not an object: {line[:80]!r}")
    status, details = _number(row, "status"), _text(row, "details")
    outcome, code = _ending(status, by_upstream=details == "via_upstream")
    caller = read_traceparent(_text(row, "caller"))
    trace_id = _text(row, "trace")
    return Fact(
        kind=FactKind.CALL,
        at_us=_number(row, "start_us", required=True),
        outcome=outcome,
        trace_id=trace_id,
        span_id=_text(row, "span"),
        parent_span_id=caller.span_id if caller and caller.trace_id == trace_id else "",
        subject=_text(row, "subject"),
        consumer=_text(row, "consumer"),
        domain=_text(row, "domain"),
        contract=_text(row, "stamp"),
        operation=_text(row, "operation"),
        status=status,
        duration_us=_number(row, "duration_us"),
        bytes_in=_number(row, "bytes_in"),
        bytes_out=_number(row, "bytes_out"),
        cost_units=_number(row, "cost"),
        code=code,
        detail=_detail(row, outcome, details),
        node="gateway",
    )


def _ending(status: int, *, by_upstream: bool) -> tuple[Outcome, str]:
    if status == 0:
        return Outcome.FAILED, "CALLER_GONE"
    if status < 400:
        return Outcome.OK, ""
    outcome = Outcome.REFUSED if status < 500 else Outcome.FAILED
    return outcome, f"UPSTREAM_{status // 100}XX" if by_upstream else refusal(status).code


def _detail(row: dict[str, Any], outcome: Outcome, details: str) -> str:
    """What Envoy says of a call that did not end well: `GET: route_timeout (UT)`."""
    if outcome is Outcome.OK:
        return ""
    flags = _text(row, "flags")
    said = f"{details} ({flags})" if flags not in {"", "-"} else details
    return f"{_text(row, 'method') or '?'}: {said}"


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _not_ours(f"{name} is not text: {value!r}")
    return value


def _number(row: dict[str, Any], name: str, *, required: bool = False) -> int:
    """A count. Envoy writes a number or its digits, and `-` or null for none."""
    value = row.get(name)
    if value in (None, "", "-") and not required:
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**63:
        return int(value)
    raise _not_ours(f"{name} is not a count: {value!r}")


def _not_ours(why: str) -> ValueError:
    return ValueError(f"not a line of the access log: {why}")
