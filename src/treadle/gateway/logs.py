"""One line of the gateway's access log -> the fact of that call. Pure.

How a call ended:

| status                     | outcome | code                                            |
| -------------------------- | ------- | ----------------------------------------------- |
| below 400                  | ok      | none                                            |
| below 400, and no end      | failed  | UPSTREAM_BROKE_OFF                              |
| 4xx by the gateway         | refused | as in the envelope: UNAUTHENTICATED, RATE_LIMIT |
| 4xx by one of our doors    | refused | the door's own: CONTRACT_VIOLATION, FORBIDDEN   |
| 4xx by another upstream    | refused | UPSTREAM_4XX                                    |
| 5xx by the gateway         | failed  | as in the envelope: UPSTREAM_TIMEOUT, …         |
| 5xx by one of our doors    | failed  | the door's own: UPSTREAM_UNAVAILABLE            |
| 5xx by another upstream    | failed  | UPSTREAM_5XX                                    |
| none: the caller went away | failed  | CALLER_GONE                                     |

A call that its contract only watches goes through, and its fact says as `observed` with which code it would have been
refused. Of several reasons it is the one that a call meets first: who it is, what it may, how often, what it says.

An upstream's 4xx is a refusal, not a failure: the call did what the contract says, and the answer was no.

Much of a line is what a client sent, or what a token says. A value that is not what it should be costs itself and not
the fact: a name that is no text reads `?`, text loses its control characters and what is beyond its length, an id that
is none is empty, a count that is none is 0.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from treadle.base.ids import read_traceparent
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.envoy.compiler import HOP
from treadle.gateway.envoy.typed import FORBIDDING_RULES
from treadle.gateway.refusals import VIOLATES, VIOLATION, refusal

LINE_BYTES_MAX = 65_536
"""A longer line is none of ours."""
TEXT_MAX = 256
"""The most characters that a fact takes from one value."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_GROUPS = {
    "rules": {
        "authz_shadow_engine_result": "authz",
        "authz_shadow_effective_policy_id": "rule",
        "checks_shadow_engine_result": "checks",
    },
    "doors": {"code": "door", "observed": "hop", "upstream": "behind"},
}
_COUNT_MAX = 2**63 - 1
_BROKEN_OFF = "upstream_reset_after_response_started"
_VIOLATION = f"rbac_access_denied_matched_policy[{VIOLATES}:"


def fact_of(line: bytes) -> Fact:
    """The fact of one line, with or without its newline. Raises ValueError where the line is torn or not ours.

    A line is ours if it is a JSON object that says when its call began. `subject` is the plain id of the token.
    `parent_span_id` is the caller's span, empty where the trace began here.
    """
    if len(line) > LINE_BYTES_MAX:
        raise _not_ours(f"a line of {len(line)} bytes")
    row = orjson.loads(line)
    if not isinstance(row, dict):
        raise _not_ours(f"not an object: {line[:80]!r}")
    row = _flat(row)
    at_us = _number(row, "start_us")
    if not at_us:
        raise _not_ours("it does not say when the call began")
    status, details = _number(row, "status"), _text(row, "details")
    outcome, code = _ending(
        status,
        by_upstream=details == "via_upstream",
        broken_off=details.startswith(_BROKEN_OFF),
        violation=details.startswith(_VIOLATION),
        door=_id(row, "door", _CODE),
        limited=_id(row, "limited", _CODE),
    )
    caller = read_traceparent(_text(row, "caller"))
    trace_id = _trace_id(row)
    return Fact(
        kind=FactKind.CALL,
        at_us=at_us,
        outcome=outcome,
        trace_id=trace_id,
        span_id=_id(row, "span", _SPAN_ID),
        parent_span_id=caller.span_id if caller and caller.trace_id == trace_id else "",
        subject=_text(row, "subject"),
        consumer=_text(row, "consumer"),
        domain=_text(row, "stamp").partition(".")[0],
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
        observed=_observed(row),
        issuer=_text(row, "issuer"),
        peer=_text(row, "peer"),
        upstream=_text(row, "behind") or _text(row, "upstream"),
        replayed=int(_text(row, "replayed") == "true" and _text(row, "upstream") == HOP),  # no upstream says so
    )


def _trace_id(row: dict[str, Any]) -> str:
    """The trace of a call, or its request id (a UUID) where the caller's own could not be read."""
    given = row.get("trace") or row.get("request")
    plain = given.replace("-", "").lower() if isinstance(given, str) else ""
    return plain if _TRACE_ID.fullmatch(plain) else ""


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The line with a name for each value: Envoy writes what belongs together in one piece.

    `what` is the stamp, operation and cost of the route; `rules` are RBAC's notes and `doors` those of our own doors.
    """
    found = dict(row)
    what = row.get("what")
    if isinstance(what, str):
        found |= zip(("stamp", "operation", "cost"), what.split(" "), strict=False)
    for group, names in _GROUPS.items():
        noted = row.get(group)
        if isinstance(noted, dict):
            found |= {name: noted[key] for key, name in names.items() if key in noted}
    return found


def _observed(row: dict[str, Any]) -> str:
    """With which code a call would have been refused; empty where it would not, or was."""
    if row.get("authz") == "denied":
        return "FORBIDDEN" if row.get("rule") in FORBIDDING_RULES else "UNAUTHENTICATED"
    if over := _id(row, "over", _CODE):
        return over
    return "CONTRACT_VIOLATION" if row.get("checks") == "denied" else _id(row, "hop", _CODE)


def _ending(
    status: int, *, by_upstream: bool, broken_off: bool, violation: bool, door: str, limited: str
) -> tuple[Outcome, str]:
    if status == 0:
        return Outcome.FAILED, "CALLER_GONE"
    if broken_off:
        return Outcome.FAILED, "UPSTREAM_BROKE_OFF"
    if status < 400:
        return Outcome.OK, ""
    outcome = Outcome.REFUSED if status < 500 else Outcome.FAILED
    if violation:
        return outcome, VIOLATION.code
    if not by_upstream:
        return outcome, (limited if status == 429 else "") or refusal(status).code
    return outcome, door or f"UPSTREAM_{status // 100}XX"


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
        return "?"
    plain = _CONTROL.sub("?", value[: TEXT_MAX + 1])
    return plain if len(plain) <= TEXT_MAX else plain[: TEXT_MAX - 1] + "…"


def _id(row: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = row.get(name)
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def _number(row: dict[str, Any], name: str) -> int:
    """A count. Envoy writes a number or its digits, and `-` or null for none."""
    value = row.get(name)
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _COUNT_MAX:
        return int(value)
    return 0


def _not_ours(why: str) -> ValueError:
    return ValueError(f"not a line of the access log: {why}")
