"""The control API of one laptop's fabric: apply and status. Its token lies beside the other secrets, mode 0600.

It listens on loopback, where every page in a browser can send requests: without the token nothing is done.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from treadle.base.errors import InputError, TreadleError
from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.base.nearest import nearest
from treadle.bus.backends.nats import NatsBackend
from treadle.connect.run import Connectors
from treadle.control.access import control_token
from treadle.control.checkout import read_checkout
from treadle.control.collect import Collector
from treadle.control.compile import Compiled
from treadle.control.decide import Action
from treadle.control.decisions import facts_of
from treadle.control.gauges import Gauges
from treadle.control.keys import KeyKeeper
from treadle.control.limits import Desk
from treadle.control.reconcile import Reconciler, parse_replaced
from treadle.control.report import reasons, report
from treadle.control.snapshots import differs
from treadle.control.throttle import Wanted, wanted
from treadle.facts.trail import Trail
from treadle.secrets.file import FileSecrets

_log = logging.getLogger("treadle.control")
BODY_BYTES_MAX = 32 * 1024 * 1024
_THROTTLE_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Api:
    """The routes, over the parts that they drive. `applied` is called after each apply."""

    reconciler: Reconciler
    backend: NatsBackend
    collector: Collector
    connectors: Connectors
    store: FileSecrets
    applied: Callable[[], None]
    desk: Desk
    keeper: KeyKeeper
    nodes: Callable[[], list[dict[str, Any]]]
    gauges: Gauges
    trail: Trail

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        return [
            Route("/healthz", self._healthz),
            Route("/control/apply", self._guarded(self._apply), methods=["POST"]),
            Route("/control/rollback", self._guarded(self._rollback), methods=["POST"]),
            Route("/control/status", self._guarded(self._status)),
            Route("/control/throttles", self._guarded(self._throttles)),
            Route("/control/throttles", self._guarded(self._throttle), methods=["POST"]),
            Route("/control/throttles/{consumer}", self._guarded(self._lift), methods=["DELETE"]),
        ]

    async def _healthz(self, _: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def _apply(self, request: Request) -> Response:
        caller = read_traceparent(request.headers.get("traceparent"))
        trace = caller.child() if caller else new_trace()
        began_us = time.time_ns() // 1000
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            raise InputError("apply-unreadable", "the request is too large", "replace fewer files")
        try:
            replaced = parse_replaced(body)
        except ValueError as why:
            raise InputError("apply-unreadable", f"the request cannot be read: {why}", "run: treadle apply") from None
        compiled, took_ms = await self.reconciler.apply(self.backend, replaced)
        said = await self._live("apply", compiled, trace=trace, parent=caller.span_id if caller else "", at_us=began_us)
        return _json(200, {**said, "gateway_ms": took_ms})

    async def _rollback(self, request: Request) -> Response:
        caller = read_traceparent(request.headers.get("traceparent"))
        trace = caller.child() if caller else new_trace()
        began_us = time.time_ns() // 1000
        named = await _named(request)
        snapshots = self.reconciler.snapshots
        kept = await asyncio.to_thread(snapshots.find, named)
        checkout = await asyncio.to_thread(snapshots.checkout, kept)
        compiled, took_ms = await self.reconciler.restore(self.backend, checkout)
        said = await self._live(
            "rollback",
            compiled,
            trace=trace,
            parent=caller.span_id if caller else "",
            at_us=began_us,
            detail=f"back to {kept.short} of {kept.verb} {kept.trace}; ",
        )
        workspace = await asyncio.to_thread(read_checkout, self.reconciler.state.root)
        back = {"digest": kept.digest, "ahead": differs(compiled.checkout, workspace)}
        return _json(200, {**said, "gateway_ms": took_ms, **back})

    async def _live(
        self, verb: str, compiled: Compiled, *, trace: TraceContext, parent: str, at_us: int, detail: str = ""
    ) -> dict[str, Any]:
        """Tell everybody of what has just gone live, keep it, and say it."""
        self.connectors.update(compiled.settings.connectors)
        self.applied()
        took_us = time.time_ns() // 1000 - at_us
        whole, *others = facts_of(verb, compiled, trace=trace, parent=parent, at_us=at_us, took_us=took_us)
        await self.collector.record([replace(whole, detail=detail + whole.detail), *others])
        await self.reconciler.keep(compiled, verb=verb, trace=trace.trace_id, at_us=at_us)
        said = report(compiled.desired, compiled.changes)
        return {**said, "trace": trace.trace_id, "took_ms": took_us / 1000}

    async def _status(self, _: Request) -> Response:
        compiled = self.reconciler.current
        live = [each.stamp for each in compiled.desired.contracts] if compiled else []
        decisions = compiled.desired.decisions if compiled else ()
        refused = [each for each in decisions if each.action is Action.REFUSE]
        return _json(
            200,
            {
                "contracts": live,
                "refused": [{"contract": each.contract, "why": reasons(each)} for each in refused],
                "issuers": [asdict(each) for each in self.keeper.status()],
                "sources": [asdict(each) for each in self.collector.status()],
                "nodes": self.nodes(),
                "problems": [*self.collector.problems, *filter(None, [self.desk.problem])],
                "throttles": [each.said() for each in self.desk.slowed()],
                "quotas": [asdict(each) for each in self.desk.quotas()],
                "connectors": [asdict(each) for each in self.connectors.status()],
                "saturation": [asdict(each) for each in await self.gauges.now()],
                "facts_missing": await asyncio.to_thread(self.trail.missing),
            },
        )

    async def _throttles(self, _: Request) -> Response:
        return _json(200, {"throttles": [each.said() for each in self.desk.slowed()]})

    async def _throttle(self, request: Request) -> Response:
        asked = await _asked(request)
        consumer = asked.consumer
        known = self.reconciler.settings().consumers
        if consumer not in known and not asked.unlisted:
            near = nearest(consumer, known)
            meant = f"did you mean {near}? " if near else ""
            raise InputError(
                "unknown-consumer",
                f"no consumer {consumer!r} is listed in treadle.yaml",
                f"{meant}--unlisted slows down a client that only its tokens name",
            )
        row = await self.desk.throttle(consumer, asked.limit, asked.seconds, asked.reason, trace=_trace(request))
        return _json(200, row.said())

    async def _lift(self, request: Request) -> Response:
        consumer = request.path_params["consumer"]
        row = await self.desk.lift(consumer, trace=_trace(request))
        if row is None:
            raise InputError("not-throttled", f"consumer {consumer!r} is not throttled", "see treadle throttle --list")
        return _json(200, row.said())

    def _guarded(self, work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        want = control_token(self.store).reveal()

        async def guarded(request: Request) -> Response:
            scheme, _, shown = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(shown.encode(), want):
                return _json(401, {"code": "unauthenticated", "message": "show the control token", "hint": ""})
            try:
                return await work(request)
            except TreadleError as error:
                said = {"code": error.code, "message": error.message, "hint": error.hint, "exit": error.exit_code}
                return _json(409, said)
            except Exception as bug:  # noqa: BLE001 - the caller gets a sentence; the traceback is for the log
                _log.exception("%s failed", request.url.path)
                said = {"code": "control-failed", "message": f"control failed: {bug!r}", "hint": "read control.log"}
                return _json(500, {**said, "exit": 4})

        return guarded


async def _named(request: Request) -> str:
    """The digest, or the beginning of one, of `{"digest": …}`; empty where none is said. Raises InputError."""
    body = await request.body()
    try:
        asked = orjson.loads(body) if body else {}
        named = asked.get("digest", "")
        if not isinstance(named, str) or len(named) > 80:
            raise ValueError("digest is a text")
        return named
    except (ValueError, AttributeError) as why:
        said = f"the request cannot be read: {why}"
        raise InputError("unknown-snapshot", said, "run: treadle rollback --list") from None


async def _asked(request: Request) -> Wanted:
    """What a request to throttle asks for. Raises InputError `bad-throttle`."""
    body = await request.body()
    try:
        if len(body) > _THROTTLE_BYTES_MAX:
            raise ValueError("it is too large")
        return wanted(orjson.loads(body))
    except ValueError as why:
        raise InputError("bad-throttle", f"the request cannot be read: {why}", "run: treadle throttle --help") from None


def _trace(request: Request) -> TraceContext:
    caller = read_traceparent(request.headers.get("traceparent"))
    return caller.child() if caller else new_trace()


def _json(status: int, value: Any) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
