"""What the streams keep -> facts. Each kind of stream tells one kind of story.

The log tells which events were accepted, the dead letters which were refused or given up, the facts stream what came of
each attempt to deliver. Span ids tie them together: call -> event -> delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import orjson

from treadle.base.ids import read_traceparent
from treadle.bus import headers as h
from treadle.bus.pointer import text_at
from treadle.bus.record import Stored
from treadle.bus.subjects import GUARD, DeadLetter, Logged, delivery_facts, read_dead_letter, read_logged
from treadle.facts.fact import Fact, FactKind, Outcome

PointerOf = Callable[[str], str | None]
"""From a channel to the JSON pointer of whom its events are about, or None."""

_TEXT = {field.name for field in fields(Fact) if field.type == "str"}
_NUMBER = {field.name for field in fields(Fact) if field.type == "int"} - {"seq"}


def fact_of(stored: Stored, pointer_of: PointerOf) -> Fact | None:
    """The fact that one kept message tells, or None where it tells none."""
    if at := read_logged(stored.subject):
        return _event(stored, at, pointer_of(at.channel))
    if letter := read_dead_letter(stored.subject):
        if h.DLQ_STATE in stored.headers:
            return _decision(stored, letter)
        return _refusal(stored, letter, pointer_of(letter.channel))
    return _delivery(stored)


def gap(stored: Stored, missing: int) -> Fact:
    """The fact that messages before this one were removed before anyone read them."""
    return Fact(
        kind=FactKind.GAP,
        at_us=stored.at_us,
        outcome=Outcome.FAILED,
        code="MESSAGES_GONE",
        detail=f"{missing} messages of stream {stored.stream} were gone before they were read",
        node=stored.stream,
    )


def _event(stored: Stored, at: Logged, pointer: str | None) -> Fact:
    violation = stored.headers.get(h.VIOLATION, "")
    took_us = _number(stored.headers, h.GUARD_US)
    return Fact(
        kind=FactKind.EVENT,
        at_us=(_number(stored.headers, h.ACCEPTED_AT) or stored.at_us) - took_us,
        outcome=Outcome.OK,
        event_id=stored.headers.get(h.MSG_ID, ""),
        subject=_subject(stored.body, pointer),
        domain=at.channel.partition(".")[0],
        operation=at.channel,
        duration_us=took_us,
        cost_units=1,
        code=violation.partition(" ")[0].rstrip(":"),
        detail=violation,
        **_shared(stored),
    )


def _refusal(stored: Stored, letter: DeadLetter, pointer: str | None) -> Fact:
    pointed = stored.headers.get(h.DLQ_POINTER, "")
    shared = _shared(stored)
    if letter.by != GUARD:
        shared["consumer"] = letter.by
    return Fact(
        kind=FactKind.REFUSAL,
        at_us=_number(stored.headers, h.DLQ_AT) or stored.at_us,
        outcome=Outcome.REFUSED if letter.by == GUARD else Outcome.FAILED,
        event_id=stored.headers.get(h.EVENT_ID, ""),
        subject=_subject(stored.body, pointer),
        domain=letter.domain,
        operation=letter.channel,
        status=422 if letter.by == GUARD else 0,
        duration_us=_number(stored.headers, h.GUARD_US),
        code=letter.reason,
        detail=f"{pointed}{': ' if pointed else ''}{stored.headers.get(h.DLQ_DETAIL, '')}",
        **shared,
    )


def _decision(stored: Stored, letter: DeadLetter) -> Fact:
    state = stored.headers[h.DLQ_STATE]
    return Fact(
        kind=FactKind.DECISION,
        at_us=stored.at_us,
        outcome=Outcome.OK,
        event_id=stored.headers.get(h.EVENT_ID, ""),
        domain=letter.domain,
        operation=letter.channel,
        code=f"DLQ_{state.upper()}",
        detail=f"dead letter {stored.headers.get(h.DLQ_OF, '')} {state}",
        **_shared(stored),
    )


def _delivery(stored: Stored) -> Fact | None:
    """A group speaks for itself only: its name is the subject's, whatever the fact says."""
    group = stored.subject.removeprefix(delivery_facts(""))
    if group == stored.subject:
        return None
    try:
        found: Any = orjson.loads(stored.body)
        texts = {name: h.clean(value) for name in _TEXT if isinstance(value := found.get(name), str)}
        numbers = {name: value for name in _NUMBER if type(value := found.get(name)) is int and 0 <= value < 2**63}
        told: dict[str, Any] = {"at_us": stored.at_us, **texts, **numbers}
        told |= {"kind": FactKind.DELIVERY, "outcome": Outcome(found.get("outcome")), "consumer": group}
        return Fact(**told)
    except (ValueError, AttributeError):
        return Fact(
            kind=FactKind.GAP,
            at_us=stored.at_us,
            outcome=Outcome.FAILED,
            consumer=group,
            code="FACT_UNREADABLE",
            detail=f"message {stored.sequence} of group {group} is not a delivery fact",
            node=stored.stream,
        )


def _shared(stored: Stored) -> dict[str, Any]:
    trace = read_traceparent(stored.headers.get(h.TRACEPARENT))
    return {
        "trace_id": trace.trace_id if trace else "",
        "span_id": trace.span_id if trace else "",
        "parent_span_id": stored.headers.get(h.PARENT_SPAN, ""),
        "consumer": stored.headers.get(h.PRODUCER, ""),
        "contract": stored.headers.get(h.CONTRACT, ""),
        "bytes_in": len(stored.body),
        "node": stored.stream,
    }


def _subject(body: bytes, pointer: str | None) -> str:
    if not pointer:
        return ""
    try:
        return h.clean(text_at(orjson.loads(body), pointer))
    except orjson.JSONDecodeError:
        return ""


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
