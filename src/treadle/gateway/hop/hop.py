"""What becomes of a call: judged, known again or claimed, sent onward, settled.

The order is that of the promise. A key is claimed durably before its call is sent; its answer is stored before the
caller has it; and whoever leaves before that has no say: the call of a key is seen through to its end.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from treadle.contract.model import Enforcement, Idempotency
from treadle.gateway.hop import answers, idempotency, judge, parameters, wire
from treadle.gateway.hop.door import Door
from treadle.gateway.hop.idempotency import Claim, Judged, Outcome, Reply, State, Verdict
from treadle.gateway.hop.receivers import REFUSED, Answer, Collect, Relay
from treadle.gateway.hop.stores.store import Settle, Store, StoreAwayError
from treadle.gateway.hop.table import Lookup, is_key_name
from treadle.gateway.hop.upstream import Failure, Pool
from treadle.gateway.refusals import MISSING_KEY, Refusal

BODY_BYTES_MAX = 1_048_576
REPLY_BYTES_MAX = 256 * 1024
"""The largest answer that is kept to be given again."""
OPEN_MAX = 1_024
HELD_BYTES_MAX = 128 * 1024 * 1024
"""All bodies at once: a call is refused before the process runs out of memory for those it has taken."""
GRACE_S = 1.0
"""The way onward ends a call in its time; this much later the hop stops to wait for that."""
SLACK_MS = 2_000
"""What a claim may take beyond its call, before others take its key for one in doubt."""
SETTLE_TRIES = 8
_IDENTITY = frozenset(
    {
        b"x-treadle-consumer",
        b"x-treadle-subject",
        b"x-treadle-scope",
        b"x-treadle-issuer",
        b"x-treadle-trace-id",
        b"x-request-id",
        b"traceparent",
        b"tracestate",
        b"host",
        b"user-agent",
        b"accept",
        b"accept-language",
        b"idempotency-key",
    }
)
"""What a lookup says of the caller on whose behalf it asks."""
_CREDENTIALS = frozenset({b"authorization", b"cookie", b"x-api-key", b"x-forwarded-client-cert"})
"""By what an upstream may know a caller whom the gateway does not."""
_log = logging.getLogger(__name__)

Extra = tuple[tuple[bytes, bytes], ...]

_PLAIN_KEY = re.compile(r"(?![.]+(?:;|$))[^/\\%]+")
"""A key that is one segment of a path to every reader (cf. `envoy.plain_path`)."""


@dataclass(slots=True)
class _Case:
    """A call, who waits for its answer, by which rule it is judged; `extra` headers go with its answer."""

    door: Door
    call: wire.Call
    rules: judge.Judge
    extra: Extra = ()

    def watched(self) -> bool:
        """Whether a call that disagrees passes; it is marked then."""
        if self.rules.rule.validation is Enforcement.ENFORCE:
            return False
        self.extra = ((answers.OBSERVED, answers.VIOLATION.code.encode()),)
        return True

    def refuse(self, row: Refusal, details: Mapping[str, Any] | None = None, retry_after_s: int | None = None) -> None:
        """Answer with a refusal."""
        self.door.answer(answers.refused(row, self.call.text(b"x-treadle-trace-id"), details, retry_after_s))


class Elsewhere(Protocol):
    """Checks what is too heavy for the event loop."""

    async def check(self, schema: Any, body: bytes) -> list[judge.Fault]:
        """What a body disagrees with. Raises TimeoutError, or OverflowError where too much waits."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes (`held`: of all bodies at once), and calls at once."""

    body: int = BODY_BYTES_MAX
    held: int = HELD_BYTES_MAX
    reply: int = REPLY_BYTES_MAX
    open: int = OPEN_MAX


class Hop:
    """All calls of one process."""

    def __init__(
        self,
        pool: Pool,
        store: Store,
        elsewhere: Elsewhere,
        limits: Limits = Limits(),
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`clock_ms` gives Unix time."""
        self._pool = pool
        self._store = store
        self._elsewhere = elsewhere
        self._limits = limits
        self._clock_ms = clock_ms
        self._loop = asyncio.get_running_loop()
        # An owner is never used twice, by whichever process: a claim is settled by its own maker alone.
        self._incarnation = secrets.token_bytes(16)
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self.judges: Mapping[bytes, judge.Judge] = {}
        """By operation key; replaced as one value."""
        self.look: Callable[[], Awaitable[object]] | None = None
        """Brings the judges up to date: a call may be here before the news of its operation was read."""
        self.body_bytes_max = limits.body
        self.held_bytes_max = limits.held
        self.held_bytes = 0
        self.draining = False
        self.doors: set[Door] = set()

    def door(self) -> Door:
        """A door for a new connection."""
        return Door(self)

    def take(self, door: Door, call: wire.Call) -> None:
        """Answer a call, now or later."""
        operation = call.header(b"x-treadle-operation")
        if not operation and call.target == b"/healthz":  # the supervisor: a call of the gateway names its operation
            door.answer(Reply(200, (), b"ok"))
            return
        rules = self.judges.get(operation)
        if max(len(self._tasks), len(self.doors)) > self._limits.open:
            door.refuse(answers.UNAVAILABLE)
        elif rules:
            self._judge(_Case(door, call, rules))
        elif self.look:
            self._spawn(self._unknown(door, call, operation), door)
        else:
            door.refuse(answers.UNAVAILABLE)

    async def _unknown(self, door: Door, call: wire.Call, operation: bytes) -> None:
        """Look once whether an operation has become known; one that has not is refused."""
        if self.look:
            await self.look()
        rules = self.judges.get(operation)
        if rules:
            self._judge(_Case(door, call, rules))
        else:
            door.refuse(answers.UNAVAILABLE)

    def _judge(self, case: _Case) -> None:
        door, call, rules = case.door, case.call, case.rules
        path, _, query = call.target.decode("latin-1").partition("?")
        faults = rules.parameters(path, query, call.headers)
        found = rules.body(call.text(b"content-type"), call.body)
        if isinstance(found, judge.Heavy):
            self._spawn(self._weighed(case, faults, found), door)
        elif isinstance(found, judge.UnknownMedia):
            self._met(case, faults, found)
        else:
            self._met(case, faults + found)

    async def drained(self) -> None:
        """Take no more calls on the connections there are; return when the last one was answered."""
        self.draining = True
        for door in tuple(self.doors):
            door.hang_up()
        while self._tasks or any(door.busy for door in self.doors):  # noqa: ASYNC110 - each end has its own time
            await asyncio.sleep(0.02)

    # Judged.

    async def _weighed(self, case: _Case, faults: list[judge.Fault], heavy: judge.Heavy) -> None:
        try:
            found = await self._elsewhere.check(heavy.schema, case.call.body)
        except TimeoutError:
            found = [judge.Fault("body", "", "it takes too long to check")]
        except (OverflowError, OSError) as error:
            _log.warning("hop: a body was not checked: %s", error)
            if not case.watched():
                case.refuse(answers.UNAVAILABLE)
                return
            found = []
        self._met(case, faults + found)

    def _met(self, case: _Case, faults: list[judge.Fault], media: judge.UnknownMedia | None = None) -> None:
        """Refuse a call that disagrees with its contract, or let it pass, with a mark where it is only watched."""
        if (not faults and not media) or case.watched():
            self._keyed_or_not(case)
            return
        details: dict[str, Any] = {"faults": judge.said(faults[: judge.FAULTS_MAX])} if faults else {}
        if media:
            details["accepted"] = list(media.known)
        case.refuse(answers.MEDIA_TYPE if media and not faults else answers.VIOLATION, details)

    def _keyed_or_not(self, case: _Case) -> None:
        promise = case.rules.rule.guard.idempotency
        values = case.call.all(b"idempotency-key") if promise else []
        if promise and values:
            try:
                key = idempotency.read_key(values)
            except idempotency.BadKeyError as error:
                if not case.watched():
                    case.refuse(answers.KEY_INVALID, {"reason": str(error)})
                    return
            else:
                self._spawn(self._keyed(case, promise, key), case.door)
                return
        elif promise and promise.required and not case.watched():
            case.refuse(MISSING_KEY)
            return
        case.door.relay = Relay(case.door, case.call.method, case.extra)
        self._pool.send(case.call, case.door.relay, _patience_s(case.rules))

    # Keyed.

    async def _keyed(self, case: _Case, promise: Idempotency, key: str) -> None:
        claim = self._claim(case, promise, key)
        try:
            judged = await self._store.claim(claim)
        except StoreAwayError as error:
            _log.warning("hop: a call was refused: %s", error)
            case.refuse(answers.UNAVAILABLE)
            # The claim may have been kept all the same, for a call that is never sent.
            self._spawn(self._settle_later(Settle(claim.scope, claim.owner, idempotency.RELEASED)))
            return
        lookup = case.rules.rule.lookup
        if judged.verdict is Verdict.SEND:
            await self._send(case, claim)
        elif judged.verdict is Verdict.DOUBT and lookup:
            await self._look_up(case, lookup, key)
        else:
            _known(case, judged)

    def _claim(self, case: _Case, promise: Idempotency, key: str) -> Claim:
        """The claim of a call. Another subject, address or body under one key is another request.

        A client's name is one with its issuer. Of a call that names nobody, the credentials that it carries for its
        upstream are part of the request: whoever guesses a key and a body must not be given another's answer.
        """
        call, rule = case.call, case.rules.rule
        now_ms = self._clock_ms()
        deadline_ms = now_ms + rule.timeout_ms + int(GRACE_S * 1_000) + SLACK_MS
        who, issuer, subject = (call.header(b"x-treadle-" + each) for each in (b"consumer", b"issuer", b"subject"))
        shown = [] if who else [b"%b=%b" % each for each in call.headers if each[0] in _CREDENTIALS]
        request = (call.method, call.target, call.header(b"content-type"), subject, call.body)
        return Claim(
            scope=idempotency.digest(who, issuer, rule.key.encode(), key.encode()),
            fingerprint=idempotency.digest(*request, *shown),
            owner=self._incarnation + next(self._numbers).to_bytes(8, "big"),
            now_ms=now_ms,
            deadline_ms=deadline_ms,
            expires_ms=max(now_ms + promise.ttl_s * 1_000, deadline_ms),
        )

    async def _send(self, case: _Case, claim: Claim) -> None:
        """Send the one call of a key, and see it through."""
        collect = Collect(self._loop, self._limits.reply)
        self._pool.send(case.call, collect, _patience_s(case.rules))
        answer = await collect.answer
        await self._settle(Settle(claim.scope, claim.owner, _outcome(answer)))
        if answer.failure:
            case.door.refuse(REFUSED[answer.failure])
        elif not answer.rest:
            case.door.answer(Reply(answer.status, (*wire.end_to_end(answer.headers), *case.extra), answer.body))
        elif not case.door.gone:
            case.door.relay = Relay(case.door, case.call.method, case.extra)
            collect.pass_to(case.door.relay)
        elif collect.connection:
            collect.connection.cancel()

    async def _settle(self, said: Settle) -> None:
        """Keep how a call ended. Where the store is away the caller has its answer all the same; the store, later."""
        try:
            await self._store.settle(said)
        except StoreAwayError as error:
            _log.warning("hop: an outcome is not stored yet: %s", error)
            self._spawn(self._settle_later(said))

    async def _settle_later(self, said: Settle) -> None:
        for attempt in range(SETTLE_TRIES):
            await asyncio.sleep(min(0.1 * 2**attempt, 5))
            try:
                await self._store.settle(said)
                return
            except StoreAwayError as error:
                _log.warning("hop: an outcome is not stored yet: %s", error)
            if self.draining:
                break
        _log.error("hop: an outcome was not stored; its key will read as in doubt")

    async def _look_up(self, case: _Case, lookup: Lookup, key: str) -> None:
        """Ask the upstream what became of a key. Its 2xx is the answer; anything else leaves the key in doubt."""
        question = _question(case, lookup, key)
        if question is None:
            case.refuse(answers.IN_DOUBT)
            return
        collect = Collect(self._loop, self._limits.body)
        self._pool.send(question, collect, _patience_s(case.rules))
        answer = await collect.answer
        told = not answer.failure and not answer.rest and not answer.code
        if answer.rest and collect.connection:
            collect.connection.cancel()
        if told and 200 <= answer.status < 300:
            marked = ((answers.REPLAYED, b"lookup"), *case.extra)
            case.door.answer(Reply(answer.status, (*wire.end_to_end(answer.headers), *marked), answer.body))
            return
        said = answer.status if told else "unavailable"
        case.refuse(answers.IN_DOUBT, {"lookup": said}, retry_after_s=None if told else 1)

    def _spawn(self, work: Coroutine[Any, Any, None], door: Door | None = None) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, door))

    def _ended(self, task: asyncio.Task[None], door: Door | None) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("hop: a call failed", exc_info=error)
            if door and not door.relay:
                door.refuse(answers.UPSTREAM_ERROR)


def _patience_s(rules: judge.Judge) -> float:
    return rules.rule.timeout_ms / 1_000 + GRACE_S


def _known(case: _Case, judged: Judged) -> None:
    """Answer a call of a key that is known."""
    reply = judged.record.reply if judged.record else None
    if judged.verdict is Verdict.REPLAY and reply:
        marked = (*reply.headers, (answers.REPLAYED, b"true"), *case.extra)
        case.door.answer(Reply(reply.status, marked, reply.body))
    elif judged.verdict is Verdict.UNKEPT and reply:
        case.refuse(answers.NOT_KEPT, {"status": reply.status})
    elif judged.verdict is Verdict.REUSED:
        case.refuse(answers.KEY_REUSED)
    elif judged.verdict is Verdict.BUSY:
        case.refuse(answers.IN_PROGRESS, retry_after_s=1)
    else:
        case.refuse(answers.IN_DOUBT)


def _outcome(answer: Answer) -> Outcome:
    """What an answer means for its key.

    Whatever the upstream said is final, a 5xx too: nobody but it knows what it did before it said so. Where the gateway
    speaks for it, the key is released if the upstream was surely not reached, and in doubt otherwise.
    """
    if answer.failure:
        return idempotency.RELEASED if answer.failure is Failure.UNSENT else idempotency.IN_DOUBT
    if answer.code:
        return idempotency.RELEASED if idempotency.unsent(_reason(answer.body)) else idempotency.IN_DOUBT
    if answer.rest:
        return Outcome(State.UNKEPT, Reply(answer.status))
    kept = tuple(each for each in wire.end_to_end(answer.headers) if not each[0].startswith(b"x-treadle-"))
    return Outcome(State.DONE, Reply(answer.status, kept, answer.body))


def _reason(body: bytes) -> str:
    """Envoy's response code details in an envelope of the gateway, empty where it is none."""
    try:
        said = orjson.loads(body)["details"]["reason"]
    except (ValueError, KeyError, TypeError):
        return ""
    return said if isinstance(said, str) else ""


def _question(case: _Case, lookup: Lookup, key: str) -> wire.Call | None:
    """The lookup of a key, on behalf of who called; None where the key in its path could lead to another one.

    The front refuses such paths, and this one does not pass it: dot segments, and escapes that some decode too early.
    """
    call = case.call
    if any(map(is_key_name, parameters.path_names(lookup.template))) and not _PLAIN_KEY.fullmatch(key):
        return None
    values = case.rules.path_values(call.target.decode("latin-1").partition("?")[0])
    target = lookup.template
    for name in parameters.path_names(target):
        value = quote(key, safe="") if is_key_name(name) else values.get(name, "")
        target = target.replace("{" + name + "}", value, 1)
    query = "&".join(f"{quote(name, safe='')}={quote(key, safe='')}" for name in lookup.query)
    headers = [(name, value) for name, value in call.headers if name in _IDENTITY]
    headers.append((b"x-treadle-operation", lookup.operation.encode()))
    return wire.Call(b"GET", (target + ("?" + query if query else "")).encode("latin-1"), headers, b"")
