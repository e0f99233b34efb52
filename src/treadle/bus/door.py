"""The HTTP door of the bus: CloudEvents 1.0 in, receipts out, through the same guard as native publishing.

    POST /v1/events   application/cloudevents+json (or application/json)   one event
                      application/cloudevents-batch+json                   up to 100

`type` is the channel, and `id`, `time`, `partitionkey` are the event's `eventId`, `occurredAt`, `partitionKey`: they
are added to `data` where it lacks them, and must agree where it has them. `schemaVersion` is the version in force where
`data` does not say. Only the gateway reaches this app (a Unix socket of mode 0600): who calls is in the headers that it
sets from the verified token.

One event: 202 and its receipt, or 422 (refused), 403 (not your domain), 400. A batch: 202 where all events were kept,
else 200 with one result for each event, in order, or the first refusal with all results in its details where none was
kept. Events of one key are kept in their order. An answer that is no receipt says its code in `x-treadle-code` too,
from which the gateway makes the fact of the call; it goes no further.
Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from treadle.base.errors import EngineError
from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.bus import headers as h
from treadle.bus.budget import BATCH_EVENTS_MAX, EVENT_BYTES_MAX
from treadle.bus.intake import Intake
from treadle.bus.pointer import text_at
from treadle.bus.reason import Refused

REQUESTS_OPEN_MAX = 256
_ONE = frozenset({"application/cloudevents+json", "application/json"})
_MANY = "application/cloudevents-batch+json"
_MAPPED = {"id": "eventId", "time": "occurredAt", "partitionkey": "partitionKey"}


class _ProblemError(Exception):
    """An answer other than a receipt."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details or {}


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who calls, as the gateway says."""

    client: str
    scopes: frozenset[str]
    trace: TraceContext


@dataclass(frozen=True, slots=True)
class _Event:
    channel: str
    key: str
    body: bytes
    source: str


def door(intake: Intake, connected: Callable[[], bool] = lambda: True) -> Starlette:
    """The app. `connected` says whether the broker is there."""
    room = asyncio.Semaphore(REQUESTS_OPEN_MAX)

    async def events(request: Request) -> Response:
        caller = _caller(request)
        try:
            if not connected():
                raise _ProblemError(503, "UPSTREAM_UNAVAILABLE", "the bus is away, try again")
            if room.locked():
                raise _ProblemError(429, "RATE_LIMIT", "too many requests at once, try again")
            async with room:
                return await _take(intake, caller, request)
        except _ProblemError as problem:
            return _refusal(problem, caller)
        except ClientDisconnect:
            return Response(status_code=400)

    async def healthz(_: Request) -> Response:
        up = connected()
        return _json(200 if up else 503, {"status": "ok" if up else "away", "channels": len(intake.guard.laws)})

    return Starlette(routes=[Route("/v1/events", events, methods=["POST"]), Route("/healthz", healthz)])


async def _take(intake: Intake, caller: _Caller, request: Request) -> Response:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _ONE and media != _MANY:
        raise _ProblemError(415, "BAD_REQUEST", f"send {', '.join(sorted(_ONE))} or {_MANY}")
    document = await _document(request)
    if media != _MANY:
        return _json(202, await _one(intake, caller, document))
    if not isinstance(document, list) or not 1 <= len(document) <= BATCH_EVENTS_MAX:
        raise _ProblemError(400, "BAD_REQUEST", f"a batch is a list of 1 to {BATCH_EVENTS_MAX} events")
    results = await _many(intake, caller, document)
    kept = sum(result["status"] == 202 for result in results)
    if not kept:
        message = f"none of {len(results)} events was kept"
        raise _ProblemError(results[0]["status"], results[0]["code"], message, {"results": results})
    return _json(202 if kept == len(results) else 200, {"results": results})


async def _many(intake: Intake, caller: _Caller, documents: list[Any]) -> list[dict[str, Any]]:
    """One result for each event. Keys go side by side, the events of one key one after the other."""
    results: list[dict[str, Any]] = [{} for _ in documents]
    lines: dict[str, list[int]] = {}
    for index, document in enumerate(documents):
        named = document if isinstance(document, dict) else {}
        lines.setdefault(f"{named.get('type')} {_key(named)}", []).append(index)

    async def line(indexes: list[int]) -> None:
        away: _ProblemError | None = None
        for index in indexes:
            try:
                if away:  # a later event of this key must not overtake one that may be sent again
                    raise away
                results[index] = {"status": 202, **await _one(intake, caller, documents[index])}
            except _ProblemError as problem:
                away = problem if problem.status == 503 else away
                results[index] = {"status": problem.status, **_envelope(problem, caller)}

    await asyncio.gather(*(line(indexes) for indexes in lines.values()))
    return results


async def _one(intake: Intake, caller: _Caller, document: Any) -> dict[str, Any]:
    event = _event(intake, caller, document)
    given = {h.TRACEPARENT: caller.trace.header(), "ce-source": event.source}
    try:
        taken = await intake.offer(event.channel, event.key, given, event.body, caller.client)
    except ValueError as error:
        raise _ProblemError(
            422, "BAD_SUBJECT", str(error), {"reason": "BAD_SUBJECT", "pointer": "/partitionkey"}
        ) from error
    except EngineError as error:
        raise _ProblemError(503, "UPSTREAM_UNAVAILABLE", error.message) from error
    if isinstance(taken, Refused):
        raise _ProblemError(422, taken.reason, taken.text, {"reason": taken.reason, "pointer": taken.pointer})
    accepted, receipt = taken
    said = {"warning": accepted.violation.text} if accepted.violation else {}
    return {
        "id": accepted.event_id,
        "channel": event.channel,
        "sequence": receipt.sequence,
        "duplicate": receipt.duplicate,
        **said,
    }


def _event(intake: Intake, caller: _Caller, document: Any) -> _Event:
    if not isinstance(document, dict) or document.get("specversion") != "1.0":
        raise _ProblemError(400, "BAD_REQUEST", 'not a CloudEvent: `specversion` must be "1.0"')
    for name in ("id", "type", "source"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise _ProblemError(400, "BAD_REQUEST", f"not a CloudEvent: `{name}` must be a string")
    channel = document["type"]
    scope = f"{channel.partition('.')[0]}.events:publish"
    if scope not in caller.scopes:
        raise _ProblemError(403, "FORBIDDEN", f"this channel needs the scope {h.clean(scope)}")
    data = document.get("data")
    if "data_base64" in document or not isinstance(data, dict):
        raise _ProblemError(422, "NOT_JSON", "`data` must be a JSON object", {"reason": "NOT_JSON", "pointer": "/data"})
    topic = intake.guard.topic(channel)
    stated = {name: document[name] for name in _MAPPED if document.get(name) is not None}
    key = _key(document) or (text_at(data, topic.partition_key) if topic else "")
    stated = {"time": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "partitionkey": key, **stated}
    if "occurredAt" in data and "time" not in document:
        del stated["time"]
    body = dict(data)
    for name, value in stated.items():
        if body.setdefault(_MAPPED[name], value) != value:
            message = f"`{name}` of the CloudEvent and `{_MAPPED[name]}` of its data differ"
            details = {
                "reason": "ID_MISMATCH" if name == "id" else "CONTRACT_VIOLATION",
                "pointer": f"/{_MAPPED[name]}",
            }
            raise _ProblemError(422, details["reason"], message, details)
    if topic:
        body.setdefault("schemaVersion", topic.version)
    return _Event(channel, key, orjson.dumps(body), h.clean(document["source"]))


def _key(document: Mapping[str, Any]) -> str:
    data = document.get("data")
    given = document.get("partitionkey")
    return given if isinstance(given, str) else text_at(data, "/partitionKey")


async def _document(request: Request) -> Any:
    body = bytearray()
    async for chunk in _chunks(request):
        body += chunk
        if len(body) > EVENT_BYTES_MAX:
            raise _ProblemError(413, "PAYLOAD_TOO_LARGE", f"at most {EVENT_BYTES_MAX} bytes are taken")
    try:
        return orjson.loads(bytes(body))
    except orjson.JSONDecodeError as error:
        raise _ProblemError(400, "BAD_REQUEST", f"the body is not JSON: {error}") from error


def _chunks(request: Request) -> AsyncIterator[bytes]:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > EVENT_BYTES_MAX:
        raise _ProblemError(413, "PAYLOAD_TOO_LARGE", f"at most {EVENT_BYTES_MAX} bytes are taken")
    return request.stream()


def _caller(request: Request) -> _Caller:
    scopes = frozenset(request.headers.get("x-treadle-scope", "").split())
    trace = read_traceparent(request.headers.get("traceparent")) or new_trace()
    return _Caller(h.clean(request.headers.get("x-treadle-consumer", "")), scopes, trace)


def _envelope(problem: _ProblemError, caller: _Caller) -> dict[str, Any]:
    return {
        "traceId": caller.trace.trace_id,
        "code": problem.code,
        "message": str(problem),
        "details": dict(problem.details),
    }


def _refusal(problem: _ProblemError, caller: _Caller) -> Response:
    response = _json(problem.status, _envelope(problem, caller))
    response.headers["x-treadle-code"] = problem.code
    if problem.status in (429, 503):
        response.headers["retry-after"] = "1"
    return response


def _json(status: int, value: Any) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
