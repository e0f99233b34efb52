"""The consumer runtime: one group's handler, called for each event of a channel, in order for each key.

An event that the handler cannot take is tried again, then copied to the DLQ with its reason, and only then finished;
its key goes on after it and the gap is recorded. Other keys never wait. What came of each attempt is a fact. Order of
writing: fact, dead letter, acknowledgement, so that a process that is killed anywhere loses nothing: the event is given
again.

An event may be handled twice (a crash between the handler's work and the acknowledgement): a handler keeps the eventId
in the same transaction as its work, or does work that can be repeated.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import orjson

from treadle.base.errors import EngineError
from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.bus import headers as h
from treadle.bus.backends.interface import Backend, Claim, Lease
from treadle.bus.partition import decode_key
from treadle.bus.pointer import text_at
from treadle.bus.reason import Reason
from treadle.bus.record import Terms
from treadle.bus.subjects import dead_letter, delivery_facts, read_logged
from treadle.facts.fact import Fact, FactKind, Outcome

HANDLER_S = 30.0
BACKOFF_S = (0.2, 1.0, 5.0, 15.0)
"""Waits before the second, third, … attempt; the last one stays."""

AWAY_S = 0.5
_log = logging.getLogger("treadle.bus")


class PoisonError(Exception):
    """Raised by a handler: this event will never be taken, do not try again. Its text goes into the DLQ."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a handler gets it.

    `id` is the eventId, `data` the whole body. `trace` is the span of this attempt: calls that the handler makes carry
    `trace.header()` as their traceparent. `attempt` counts from 1; `position` is `<stream>:<sequence>`.
    """

    channel: str
    key: str
    id: str
    data: Any
    headers: Mapping[str, str]
    trace: TraceContext
    attempt: int
    position: str


Handler = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed. `detail` is for the DLQ, `kind` for facts: it never holds a value of the event."""

    reason: Reason
    detail: str
    kind: str
    last: bool


class Consumer:
    """One instance of a group on one channel. Only one instance of a group is given events at a time."""

    def __init__(
        self,
        backend: Backend,
        *,
        channel: str,
        group: str,
        handler: Handler,
        timeout_s: float = HANDLER_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._backend = backend
        self._channel = channel
        self._group = group
        self._handler = handler
        self._timeout_s = timeout_s
        self._backoff_s = tuple(backoff_s)

    async def run(self) -> None:
        """Consume until cancelled; what is in hand then goes back and is given again.

        Waits for a broker that is away, and for a subscription that is not applied yet.
        """
        while True:
            try:
                async with self._backend.consume(self._channel, self._group) as claim, asyncio.TaskGroup() as tasks:
                    await self._consume(claim, tasks)
            except EngineError as error:
                _log.warning("%s on %s: %s", self._group, self._channel, error.message)
                await asyncio.sleep(AWAY_S)

    async def _consume(self, claim: Claim, tasks: asyncio.TaskGroup) -> None:
        """Give each key a line of its own.

        An event that was given out more often than it may be tried has lived through crashes, but which of those in
        hand at the time brought the process down cannot be told. Such suspects go alone, in their order. If the process
        still dies, the first suspect of the next run is the culprit: all before it were finished.
        """
        terms = claim.terms
        lines: dict[str, _Line] = {}
        culprit_known = False
        async for lease in claim:
            if lease.deliveries > terms.max_attempts:
                await asyncio.gather(*(line.task for line in lines.values()))
                culprit = not culprit_known and lease.deliveries > 2 * terms.max_attempts
                culprit_known = culprit_known or culprit
                await self._finish(lease, terms, culprit=culprit)
                continue
            token = _token(lease)
            if token in lines:
                lines[token].waiting.append(lease)
            else:
                waiting = deque([lease])
                lines[token] = _Line(waiting, tasks.create_task(self._line(token, lines, terms)))

    async def _line(self, token: str, lines: dict[str, _Line], terms: Terms) -> None:
        """One key's events, one after the other."""
        waiting = lines[token].waiting
        while waiting:
            await self._finish(waiting[0], terms)
            waiting.popleft()
        del lines[token]

    async def _finish(self, lease: Lease, terms: Terms, *, culprit: bool = False) -> None:
        """Bring one event to its end: handled, or in the DLQ."""
        for attempt in count(lease.deliveries):
            span = _span_of(lease).child()
            began_ns = time.time_ns()
            if culprit:
                detail = f"given out {attempt} times, and the process died of it"
                failure: _Failure | None = _Failure(Reason.MAX_DELIVERIES, detail, "crash", last=True)
            else:
                failure = await self._attempt(lease, attempt, span, terms)
            await self._tell(lease, attempt, span, terms, began_ns=began_ns, failure=failure)
            if failure is None:
                break
            if failure.last:
                await self._bury(lease, attempt, span, terms, failure)
                break
            await asyncio.sleep(self._backoff_s[min(attempt, len(self._backoff_s)) - 1] if self._backoff_s else 0)
        await _insist(lease.done)

    async def _attempt(self, lease: Lease, attempt: int, span: TraceContext, terms: Terms) -> _Failure | None:
        stored = lease.stored
        event = Event(
            channel=self._channel,
            key=decode_key(_token(lease)),
            id=stored.headers.get(h.MSG_ID, ""),
            data=orjson.loads(stored.body),
            headers=stored.headers,
            trace=span,
            attempt=attempt,
            position=f"{stored.stream}:{stored.sequence}",
        )
        last = attempt >= terms.max_attempts
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                await self._handler(event)
        except PoisonError as error:
            return _Failure(Reason.POISON, str(error), "poison", last=True)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is an outcome, not the end of the runtime
            if isinstance(error, TimeoutError) and limit.expired():
                return _Failure(Reason.TIMEOUT, f"not done after {self._timeout_s:g} s", "timeout", last)
            kind = type(error).__name__
            return _Failure(Reason.HANDLER_ERROR, f"{kind}: {error}", kind, last)
        return None

    async def _tell(
        self, lease: Lease, attempt: int, span: TraceContext, terms: Terms, *, began_ns: int, failure: _Failure | None
    ) -> None:
        """Write the fact of an attempt. The same attempt written twice is kept once."""
        stored = lease.stored
        said = f"attempt {attempt}: {failure.kind}" if failure else f"attempt {attempt}" if attempt > 1 else ""
        fact = Fact(
            kind=FactKind.DELIVERY,
            at_us=began_ns // 1000,
            outcome=Outcome.FAILED if failure else Outcome.OK,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=_parent_of(lease),
            event_id=stored.headers.get(h.MSG_ID, ""),
            subject=text_at(orjson.loads(stored.body), terms.subject_pointer),
            consumer=self._group,
            domain=terms.domain,
            contract=stored.headers.get(h.CONTRACT, ""),
            operation=self._channel,
            duration_us=max(0, (time.time_ns() - began_ns) // 1000),
            bytes_in=len(stored.body),
            code=failure.reason if failure else "",
            detail=h.clean(said),
            node=stored.stream,
        )
        id = f"{stored.stream}:{stored.sequence}:{self._group}:{lease.deliveries}.{attempt}"
        body = orjson.dumps(asdict(fact))
        subject = delivery_facts(self._group)
        await _insist(lambda: self._backend.publish(subject, {h.MSG_ID: id}, body))

    async def _bury(self, lease: Lease, attempt: int, span: TraceContext, terms: Terms, failure: _Failure) -> None:
        """Copy an event to the DLQ, and say there which gap its key has."""
        stored = lease.stored
        position = f"{stored.stream}:{stored.sequence}"
        headers = {
            **{name: value for name, value in h.kept(stored.headers).items() if not name.startswith("Nats-")},
            h.MSG_ID: f"{position}:{self._group}",
            h.TRACEPARENT: span.child().header(),
            h.PARENT_SPAN: span.span_id,
            h.PRODUCER: stored.headers.get(h.PRODUCER, ""),
            h.CONTRACT: stored.headers.get(h.CONTRACT, ""),
            h.EVENT_ID: stored.headers.get(h.MSG_ID, ""),
            h.KEY_GAP: position,
            h.DLQ_REASON: failure.reason,
            h.DLQ_POINTER: "",
            h.DLQ_DETAIL: h.clean(failure.detail),
            h.DLQ_GROUP: self._group,
            h.DLQ_ATTEMPTS: str(attempt),
            h.DLQ_ORIGIN: stored.subject,
            h.DLQ_AT: str(time.time_ns() // 1000),
        }
        subject = dead_letter(terms.domain, self._channel, self._group, failure.reason)
        await _insist(lambda: self._backend.publish(subject, headers, stored.body))


@dataclass(slots=True)
class _Line:
    """The events of one key that are in hand, the first of them at work."""

    waiting: deque[Lease]
    task: asyncio.Task[None]


async def _insist(write: Callable[[], Awaitable[object]]) -> None:
    """Write to a broker that may be away; the event stays in hand until it is back."""
    while True:
        try:
            await write()
            return
        except EngineError as error:
            _log.warning("waiting for the bus: %s", error.message)
            await asyncio.sleep(AWAY_S)


def _token(lease: Lease) -> str:
    found = read_logged(lease.stored.subject)
    return found.token if found else ""


def _span_of(lease: Lease) -> TraceContext:
    return read_traceparent(lease.stored.headers.get(h.TRACEPARENT)) or new_trace()


def _parent_of(lease: Lease) -> str:
    found = read_traceparent(lease.stored.headers.get(h.TRACEPARENT))
    return found.span_id if found else ""
