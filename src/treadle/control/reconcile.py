"""Brings the engines to what the workspace says, and keeps what is live.

At the start of a fabric the engines do not run yet: `prepare` writes what they read when they start. Later `apply`
changes them in place: streams first, then the guard's law, then the gateway; what is live is noted only after every
engine took it, so a crash in between is mended by the next apply.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from treadle.base.errors import PolicyError, TreadleError
from treadle.base.files import write_atomically
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.ir import Bus
from treadle.bus.nats_conf import Server, render, users
from treadle.bus.server import CONF, STORE, NatsEngine
from treadle.bus.snapshot import encode as encode_topics
from treadle.contract.model import Settings
from treadle.control.certificates import Certificates, Owners
from treadle.control.checkout import Checkout
from treadle.control.compile import Compiled, Place, compile_place, engine_fault, issuer_of, issuers_of, without
from treadle.control.decide import Action
from treadle.control.issuer import LocalIssuer
from treadle.control.passwords import passwords
from treadle.control.plan import encode as encode_rows
from treadle.control.runfile import read_run
from treadle.control.snapshots import Snapshots, decode_checkout, encode_checkout
from treadle.control.state import State
from treadle.gateway.drift.table import encode as encode_answers
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.hop.table import encode as encode_operations
from treadle.gateway.ir import Exhausted, Issuer, Throttle
from treadle.registry.live import LiveSet
from treadle.secrets.file import FileSecrets

_log = logging.getLogger("treadle.control")


@dataclass(frozen=True, slots=True)
class Moment:
    """What comes and goes while contracts stay: who is out of quota, and who is throttled."""

    exhausted: tuple[Exhausted, ...] = ()
    throttles: tuple[Throttle, ...] = ()


@dataclass(slots=True)
class Reconciler:
    """One fabric's way from text to engines. `current` is what was last applied.

    `moment` says what holds just now, under given settings; whatever is compiled is compiled with that.
    """

    place: Place
    envoy: EnvoyEngine
    nats: NatsEngine
    store: FileSecrets
    current: Compiled | None = None
    moment: Callable[[Settings], Moment] = lambda _: Moment()
    _taken: bytes = b""
    """The configuration that NATS has read, as far as this process knows."""
    live: Callable[[Compiled], None] = lambda _: None
    """Is told of whatever went live, at once."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def state(self) -> State:
        """Where everything is kept."""
        return self.place.state

    @property
    def snapshots(self) -> Snapshots:
        """Every state that was live."""
        return Snapshots(self.state.snapshots)

    async def keep(self, compiled: Compiled, *, verb: str, trace: str, at_us: int) -> None:
        """Keep what has gone live. Where the disk does not take it, that is logged: what is live is so all the same."""
        try:
            await asyncio.to_thread(self.snapshots.keep, compiled, verb=verb, trace=trace, at_us=at_us)
        except OSError as why:
            _log.warning("what is live now could not be kept for a rollback: %s", why)

    def issuer(self) -> LocalIssuer:
        """The issuer for the consumers of the current settings."""
        return issuer_of(self.place, self.settings())

    def certificates(self) -> Certificates:
        """Those of this workspace."""
        return Certificates(self.state, self.settings().trust_domain)

    def owners(self) -> Owners:
        """Who needs a certificate now."""
        return _owners(self._compiled())

    def settings(self) -> Settings:
        """The settings in force."""
        if self.current is None:
            raise AssertionError("nothing was applied yet")
        return self.current.settings

    def prepare(self) -> Compiled:
        """Compile, and write everything that the engines read when they start. Blocks.

        The files that the supervisor waits for come last, each after what it refers to. Where they are there already
        this is a restart beside running engines: it goes on with what was last applied, not with later edits.
        """
        again = (self.state.bus / CONF).exists()
        place = replace(self.place, checkout=_read_checkout(self.state)) if again else self.place
        compiled = compile_place(place, self.envoy)
        compiled = self.current = _as_of(self.moment(compiled.settings), compiled, compiled.gateway.issuers)
        self._write_drift(compiled)
        self._write_bus(compiled)
        if not again:  # NATS starts on just this file
            self._taken = (self.state.bus / CONF).read_bytes()
        self.certificates().ensure(_owners(compiled))
        self._write_hop(compiled)
        self.envoy.prepare(compiled.snapshot)
        return compiled

    async def begin(self, backend: NatsBackend) -> Compiled:
        """After the engines started: make the streams, then note what is live, and return it."""
        compiled = self.current = await self._ensure(backend, self._compiled())
        await self._tell_bus(compiled)
        await asyncio.to_thread(self._note, compiled)
        return compiled

    async def apply(self, backend: NatsBackend, replaced: Mapping[str, bytes]) -> tuple[Compiled, Mapping[str, float]]:
        """Read again, compile, change the engines. One at a time.

        Returns what is live now and how long the gateway took in milliseconds. Raises InputError where the settings
        are broken, EngineError where an engine does not answer: what serves goes on.
        """
        return await self._apply(backend, replace(self.place, replaced=replaced))

    async def restore(self, backend: NatsBackend, checkout: Checkout) -> tuple[Compiled, Mapping[str, float]]:
        """As `apply`, with files that were live once: to go back is no breaking change, and Envoy judges it anew."""
        return await self._apply(backend, replace(self.place, checkout=checkout, going_back=True))

    async def _apply(self, backend: NatsBackend, place: Place) -> tuple[Compiled, Mapping[str, float]]:
        async with self._turn:
            compiled = await asyncio.to_thread(compile_place, place, self.envoy)
            compiled = await self._ensure(backend, compiled)
            judged, compiled = compiled, await self._renewed(compiled)
            try:
                await self._tell_bus(compiled)
                await asyncio.to_thread(self.certificates().ensure, _owners(compiled))
                await asyncio.to_thread(self._write_hop, compiled, self._compiled())
                push = await self.envoy.push(compiled.snapshot, judged=compiled is judged)
            except TreadleError:
                # The guards' law goes back with the gateway's; where that fails too, the next apply mends it.
                await asyncio.to_thread(self._write_hop, self._compiled())
                with contextlib.suppress(TreadleError):
                    await self._tell_bus(self._compiled())
                raise
            await asyncio.to_thread(self._write_hop, compiled)
            # In a thread: a sync for each of many contracts must not keep the loop from answering.
            await asyncio.to_thread(self._note, compiled)
            await asyncio.to_thread(self._write_drift, compiled)
            self.current = compiled
            self.live(compiled)
            return compiled, push.live_ms

    async def renew(self) -> None:
        """Bring what comes and goes up to date at the gateway, in turn with applies. Nothing else is compiled again.

        Raises EngineError where the gateway does not answer, RefusedSnapshotError where it will not: what serves
        goes on.
        """
        async with self._turn:
            compiled = await self._renewed(self._compiled())
            if compiled.snapshot.digest != self._compiled().snapshot.digest:
                # Contracts were judged when they were applied, and take the longest.
                changed = compile_gateway(compiled.gateway.only(()), compiled.snapshot.node)
                await asyncio.to_thread(self.envoy.validate, changed)
            # Also where nothing is new: a push that failed half way is brought to its end.
            await self.envoy.push(compiled.snapshot, judged=True)
            self.current = compiled
            self.live(compiled)

    async def _renewed(self, compiled: Compiled) -> Compiled:
        now = self.moment(compiled.settings)  # in the loop, where the counts grow
        return await asyncio.to_thread(
            lambda: _as_of(now, compiled, issuers_of(self.place, compiled.settings))  # their keys are files
        )

    async def _ensure(self, backend: NatsBackend, compiled: Compiled) -> Compiled:
        """Make the streams. A contract that asks for what a stream cannot become falls back alone."""
        try:
            await backend.ensure(compiled.bus)
        except PolicyError:
            faults = {}
            contracts = {each.id: each for each in compiled.desired.contracts}
            for topic in compiled.bus.topics:
                try:
                    await backend.ensure(Bus((topic,), (), ()))
                except PolicyError as error:
                    faults[topic.contract] = engine_fault(contracts[topic.contract], error)
            compiled = await asyncio.to_thread(without, compiled, faults, self.place, self.envoy)
            await backend.ensure(compiled.bus)
        return compiled

    def _write_drift(self, compiled: Compiled) -> None:
        """What the drift process reads: the answers that live contracts promise."""
        _write_if_new(self.state.drift_table, encode_answers(compiled.desired.contracts), 0o600)

    async def _tell_bus(self, compiled: Compiled) -> None:
        """Write what NATS and the guard read, and have NATS read it unless it is known to have done so."""
        conf = self.state.bus / CONF
        await asyncio.to_thread(self._write_bus, compiled)
        wanted = conf.read_bytes()
        if wanted != self._taken:
            await self._reload(conf)
            self._taken = wanted

    def _compiled(self) -> Compiled:
        if self.current is None:
            raise AssertionError("prepare comes first")
        return self.current

    def _write_hop(self, compiled: Compiled, before: Compiled | None = None) -> None:
        """What the guard hop reads. It knows an operation before a call can reach it, and until none can any more."""
        table = encode_operations(compiled.gateway, before.gateway if before else None)
        _write_if_new(self.state.hop_table, table, 0o600)

    def _write_bus(self, compiled: Compiled) -> None:
        ports = self.place.ports or {}
        server = Server(
            name=compiled.settings.name,
            port=ports["nats"],
            monitor_port=ports["nats-monitor"],
            store=str(self.state.bus / STORE),
            sync=compiled.settings.engines.get("nats", {}).get("sync", "always"),
        )
        conf = render(compiled.bus, server, passwords(self.store, users(compiled.bus)))
        _write_if_new(self.state.bus / "topics.json", encode_topics(compiled.bus), 0o644)
        _write_if_new(self.state.bus / CONF, conf.encode(), 0o600)

    async def _reload(self, conf: Path) -> None:
        ports = self.place.ports or {}
        run = read_run(self.state) or {"processes": []}
        pid = next((row["pid"] for row in run["processes"] if row["name"] == "nats" and row["pid"]), None)
        if pid is not None:  # else it is about to start, and will read the new file
            await self.nats.reload(pid, conf, f"http://127.0.0.1:{ports['nats-monitor']}")

    def _note(self, compiled: Compiled) -> None:
        """Note what is live, contracts before rows: a plan after a crash shows too much rather than too little."""
        live = LiveSet(self.state.live)
        serving = {each.id: each.digest for each in live.contracts()}
        for contract in compiled.desired.contracts:
            if serving.get(contract.id) != contract.digest:
                live.put(contract)
        for decision in compiled.desired.decisions:
            if decision.action is Action.REMOVE:
                live.remove(decision.contract)
        if compiled.changes or not self.state.applied.exists():
            write_atomically(self.state.applied, encode_rows(compiled.rows))
        write_atomically(self.state.checkout, encode_checkout(compiled.checkout))


def _as_of(now: Moment, compiled: Compiled, issuers: Sequence[Issuer]) -> Compiled:
    """The same with the keys, the used-up quotas and the throttles of now; itself where that is what it says."""
    gateway = replace(compiled.gateway, exhausted=now.exhausted, throttles=now.throttles, issuers=tuple(issuers))
    if gateway == compiled.gateway:
        return compiled
    return replace(compiled, gateway=gateway, snapshot=compile_gateway(gateway, compiled.snapshot.node))


def _owners(compiled: Compiled) -> Owners:
    settings = compiled.settings
    services = {each.name: each.spiffe_id for each in settings.services if each.spiffe_id}
    return Owners(compiled.gateway.hosts, services, ours=settings.gateway.client_certificates == "required")


def overlays_of(run: Mapping[str, Any]) -> Sequence[Path]:
    """The overlays that a run was started with."""
    return [Path(each) for each in run["overlays"]]


def place_of(state: State, run: Mapping[str, Any]) -> Place:
    """Where a running fabric reads and writes."""
    return Place(
        state,
        environment=run["environment"],
        overlays=overlays_of(run),
        ports=run["ports"],
        issuer_url=run["issuer"],
    )


def _read_checkout(state: State) -> Checkout | None:
    try:
        kept = orjson.loads(state.checkout.read_bytes())
    except FileNotFoundError:
        return None
    return decode_checkout(kept)


def _write_if_new(path: Path, data: bytes, mode: int) -> None:
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, data, mode=mode, durable=False)


def parse_replaced(body: bytes) -> dict[str, bytes]:
    """`{"replace": {path: text}}` of a request. Raises ValueError."""
    asked = orjson.loads(body) if body else {}
    replaced = asked.get("replace", {}) if isinstance(asked, dict) else None
    if not isinstance(replaced, dict) or not all(isinstance(text, str) for text in replaced.values()):
        raise ValueError("replace must map paths to texts")
    return {path: text.encode() for path, text in replaced.items()}
