"""The control process: the one place where everything is put together.

Reconcile, collect facts, run connectors, issue tokens, serve the console and the control API. All of it ends together;
the supervisor starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from treadle.base.ids import new_trace
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.ir import Topic
from treadle.bus.jetstream import connect
from treadle.bus.server import NatsEngine
from treadle.bus.subjects import CONTROL
from treadle.bus.tail import StreamSource, streams
from treadle.connect.run import Connectors
from treadle.contract.model import Consumer
from treadle.control.api import Api
from treadle.control.collect import Collector, CountedSource, EngineCount, LogFileSource
from treadle.control.compile import Compiled
from treadle.control.decisions import facts_of, renewal_of
from treadle.control.fleet import Fleet
from treadle.control.gauges import Gauges
from treadle.control.journal import fact_of_change
from treadle.control.keys import KeyFolder, KeyKeeper
from treadle.control.limits import Desk
from treadle.control.metering import Meter
from treadle.control.passwords import password
from treadle.control.publishers import Publishers
from treadle.control.reconcile import Reconciler, place_of
from treadle.control.rotate import Rotation
from treadle.control.runfile import Run, read_run
from treadle.control.server import Server, server
from treadle.control.state import State
from treadle.control.throttle import Throttles
from treadle.control.watch import Watch
from treadle.facts.fact import Fact
from treadle.facts.log import FactLog
from treadle.facts.source import Source
from treadle.facts.subjects import SubjectBook
from treadle.facts.trail import Trail
from treadle.gateway.drift.journal import fact_of_drift
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.logs import fact_of
from treadle.insight.rollup import Rollup
from treadle.insight.sight import groups_of
from treadle.secrets.file import FileSecrets

REMEMBERED_US = 300_000_000
"""How far back the console's numbers reach; read from the index at the start."""
WAIT_FOR_NATS_S = 25.0


@dataclass(frozen=True, slots=True)
class Front:
    """The pages: an application, and what ends its open streams."""

    app: ASGIApp
    close: Callable[[], None]


MakeFront = Callable[[Watch, Rollup, Trail, Sequence[BaseRoute]], Front]
"""Makes the pages over what control sees. They are a layer above, so they are handed in."""


async def serve(state: State, make_front: MakeFront) -> None:
    """Run until SIGTERM. Raises InputError and EngineError for what a restart cannot mend."""
    run = read_run(state)
    if run is None:
        raise AssertionError("the supervisor writes run.json before it starts anything")
    store = FileSecrets(state.secrets)
    envoy = EnvoyEngine.find(run["engines"]["envoy"])
    reconciler = Reconciler(place_of(state, run), envoy, NatsEngine.find(run["engines"]["nats"]), store)
    async with contextlib.AsyncExitStack() as stack:
        log = stack.enter_context(FactLog(state.facts))
        trail = stack.enter_context(Trail(state.facts / "trail.sqlite"))
        subjects = stack.enter_context(SubjectBook(state.facts / "subjects.sqlite"))
        began_us = _now_us()
        meter = await asyncio.to_thread(Meter.open, state.quotas, log.read, log.last_seq)
        desk = Desk(meter, Throttles.open(state.throttles), reconciler)
        reconciler.moment = desk.moment
        await asyncio.to_thread(reconciler.prepare)
        backend = await stack.enter_async_context(_bus(run, store))
        compiled = await reconciler.begin(backend)

        watch = Watch(state, reconciler, Gauges(envoy, lambda: reconciler.current), desk.quotas)
        rollup = Rollup()
        rollup.expect(groups_of(watch.workspace()))
        rollup.add(trail.between(began_us - REMEMBERED_US, began_us, limit=10_000), began_us)
        sources = list(_sources(state, envoy, reconciler, backend, watch))

        keeper = KeyKeeper(KeyFolder(state.keys), state.root, lambda: reconciler.settings().issuers, reconciler.renew)

        def hear(facts: Sequence[Fact]) -> None:
            rollup.add(facts, _now_us())
            desk.hear(facts)
            keeper.hear(facts)

        collector = watch.collector = Collector(log, trail, subjects, sources, hear)
        desk.collector = collector
        trace, took_us = new_trace(), _now_us() - began_us
        await collector.record(facts_of("up", compiled, trace=trace, parent="", at_us=began_us, took_us=took_us))
        await reconciler.keep(compiled, verb="up", trace=trace.trace_id, at_us=began_us)
        nodes = await stack.enter_async_context(_nodes(compiled, envoy, reconciler, collector))

        def topic(channel: str) -> Topic | None:
            return next((each for each in _current(reconciler).bus.topics if each.channel == channel), None)

        publishers = Publishers(run["nats"], store, backend, lambda channel: getattr(topic(channel), "stamp", ""))
        stack.push_async_callback(publishers.close)
        connectors = stack.enter_context(
            Connectors(
                compiled.settings.connectors,
                state_path=state.connect,
                publish=publishers.publish,
                quarantine=publishers.quarantine,
                schema_version_of=lambda channel: getattr(topic(channel), "version", None),
            )
        )

        def applied() -> None:
            rollup.expect(groups_of(watch.workspace()))
            desk.applied()
            keeper.wake()  # there may be another provider
            for stream in streams(_current(reconciler).bus):
                collector.follow(_stream(reconciler, backend, stream))

        api = Api(reconciler, backend, collector, connectors, store, applied, desk, keeper, nodes, watch.gauges, trail)
        issuer = replace(reconciler.issuer(), consumers=_Consumers(reconciler))
        front = make_front(watch, rollup, trail, [*issuer.routes(), *api.routes()])
        webhooks = Starlette(routes=[*connectors.routes(), Route("/healthz", _healthz)])
        await _run_all(
            [
                server(front.app, at=run["ports"]["console"], before_shutdown=front.close),
                server(webhooks, at=state.webhooks_socket),
            ],
            [
                collector.run(),
                connectors.run(),
                desk.run(),
                keeper.run(),
                _rotation(state, envoy, reconciler, collector).run(),
                reconciler.certificates().run(reconciler.owners, _note_renewal(collector)),
            ],
        )
        await collector.close()
        await desk.save()


def _note_renewal(collector: Collector) -> Callable[[str], Coroutine[Any, Any, None]]:
    async def note(name: str) -> None:
        await collector.record([renewal_of(name, new_trace(), _now_us())])

    return note


class _Consumers(Mapping[str, Consumer]):
    """The consumers that are registered now, also after an apply."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    def __getitem__(self, id: str) -> Consumer:
        return self._reconciler.settings().consumers[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reconciler.settings().consumers)

    def __len__(self) -> int:
        return len(self._reconciler.settings().consumers)


def _rotation(state: State, envoy: EnvoyEngine, reconciler: Reconciler, collector: Collector) -> Rotation:
    node = _current(reconciler).snapshot.node

    def read_inode() -> int | None:
        position = next((each.position for each in collector.status() if each.name == "gateway"), None)
        place = (position or {}).get("at") or {}
        inode: int | None = place.get("inode")
        return inode

    return Rotation(state.gateway / "access.log", lambda: envoy.reopen_log(node), read_inode)


async def _run_all(servers: Sequence[Server], parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Serve until SIGTERM; a part that fails ends the whole, so that the supervisor sees it."""

    def stop() -> None:
        for each in servers:
            each.should_exit = True

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
    work = [asyncio.create_task(each) for each in parts]
    serving = [asyncio.create_task(each.serve()) for each in servers]
    done, _ = await asyncio.wait([*work, *serving], return_when=asyncio.FIRST_COMPLETED)
    stop()
    await asyncio.gather(*serving, return_exceptions=True)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    for task in done:
        task.result()


@contextlib.asynccontextmanager
async def _bus(run: Run, store: FileSecrets) -> AsyncIterator[NatsBackend]:
    """The backend, as soon as NATS has started on the configuration that was just written."""
    secret = password(store, CONTROL)
    nc = await connect(run["nats"], CONTROL, secret, name="control", wait_s=WAIT_FOR_NATS_S)
    try:
        yield NatsBackend(nc)
    finally:
        await nc.close()


@contextlib.asynccontextmanager
async def _nodes(
    compiled: Compiled, envoy: EnvoyEngine, reconciler: Reconciler, collector: Collector
) -> AsyncIterator[Callable[[], list[dict[str, Any]]]]:
    """Serve gateway nodes on other machines, where the workspace has such; gives how they are."""
    fleet = await asyncio.to_thread(Fleet.of, compiled, envoy, reconciler.certificates(), collector.record, collector)
    if fleet is None:
        yield list
        return
    fleet.live(compiled)
    reconciler.live = fleet.live
    async with fleet.running():
        yield fleet.status


def _sources(
    state: State, envoy: EnvoyEngine, reconciler: Reconciler, backend: NatsBackend, watch: Watch
) -> Iterator[Source]:
    compiled = _current(reconciler)
    node = compiled.snapshot.node

    async def count() -> EngineCount | None:
        row = watch.process("envoy")
        if row is None or row["state"] != "ready":
            return None
        stats = await envoy.stats(node)
        started_us = int(row["started"] * 1_000_000)
        return EngineCount(str(row["pid"]), started_us, stats.completed, stats.log_lines_lost)

    calls = LogFileSource("gateway", state.gateway / "access.log", fact_of)
    yield CountedSource(calls, count, now_us=_now_us)
    yield LogFileSource("processes", state.process_log, fact_of_change)
    yield LogFileSource("drift", state.drift_log, fact_of_drift)
    for stream in streams(compiled.bus):
        yield _stream(reconciler, backend, stream)


def _stream(reconciler: Reconciler, backend: NatsBackend, stream: str) -> StreamSource:
    def pointer_of(channel: str) -> str | None:
        topics = _current(reconciler).bus.topics
        return next((each.subject_pointer for each in topics if each.channel == channel), None)

    return StreamSource(backend, stream, pointer_of)


def _current(reconciler: Reconciler) -> Compiled:
    if reconciler.current is None:
        raise AssertionError("prepare comes first")
    return reconciler.current


async def _healthz(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _now_us() -> int:
    return time.time_ns() // 1000
