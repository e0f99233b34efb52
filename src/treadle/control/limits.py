"""What comes and goes while contracts stay: who is out of quota, and who is throttled. Kept in force at the gateway.

The meter and the list of throttles say what holds; each change of it is pushed apart from everything else. A push
that fails is tried again, and status says why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from treadle.base.errors import TreadleError
from treadle.base.ids import TraceContext, new_trace
from treadle.contract.model import Limit, Settings
from treadle.control.collect import Collector
from treadle.control.metering import Meter, Quota, bounds
from treadle.control.reconcile import Moment, Reconciler
from treadle.control.throttle import Slowed, Throttles, slowed
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.ir import WINDOWS

SAVE_S = 5.0
_AGAIN_S = 1.0
_LOOK_S = 60.0
"""The clock of the machine may be set meanwhile."""


@dataclass(slots=True)
class Desk:
    """Keeps quotas and throttles in force. All its methods belong to one event loop."""

    meter: Meter
    throttles: Throttles
    reconciler: Reconciler
    collector: Collector | None = None
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000
    problem: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def moment(self, settings: Settings) -> Moment:
        """What holds now under these settings."""
        now_us = self.now_us()
        return Moment(self.meter.exhausted(settings, now_us), self.throttles.in_force(now_us))

    def applied(self) -> None:
        """Other settings are in force."""
        self.meter.settings = self.reconciler.settings()
        self._changed.set()

    def hear(self, facts: Sequence[Fact]) -> None:
        """Facts that were just stored."""
        self.meter.add(facts)
        if self.meter.crossed:
            self._changed.set()

    def quotas(self) -> list[Quota]:
        """Every quota and what is used of it, by consumer and window."""
        return self.meter.quotas(self.reconciler.settings(), self.now_us())

    def slowed(self) -> list[Slowed]:
        """Who is throttled, by consumer."""
        return self.throttles.now(self.now_us())

    async def throttle(
        self, consumer: str, limit: Limit, seconds: int, reason: str = "", *, trace: TraceContext | None = None
    ) -> Slowed:
        """Slow a consumer down, from now on and for a while: for people, and for whatever reacts by itself.

        On return it is in force, and a decision says so. Raises InputError `bad-throttle`, EngineError where the
        gateway does not answer: then it is written down all the same, and comes into force when the gateway does.
        """
        row = slowed(consumer, limit, seconds, reason, self.now_us())
        await asyncio.to_thread(self.throttles.put, row)
        self._changed.set()
        said = f"{limit.requests} calls in {limit.per_s} s for {seconds} s" + (f": {row.reason}" if row.reason else "")
        await self._record("throttle", consumer, said, trace)
        await self.reconciler.renew()
        return row

    async def lift(self, consumer: str, *, trace: TraceContext | None = None) -> Slowed | None:
        """End a throttle before its time; None where there is none. Raises as `throttle` does."""
        row = await asyncio.to_thread(self.throttles.remove, consumer, self.now_us())
        if row is not None:
            await self._record("lift-throttle", consumer, "before its time", trace)
            await self.reconciler.renew()
        return row

    async def run(self) -> None:
        """Follow the counts and the clock until cancelled."""
        self.applied()
        saving = asyncio.create_task(self._save_now_and_then())
        try:
            while True:
                self._changed.clear()
                self.meter.crossed = False
                try:
                    await self._renew()
                    self.problem = ""
                    wait_s = self._wait_s()
                except TreadleError as error:
                    self.problem = f"limits: {error.code}: {error.message}"
                    wait_s = _AGAIN_S
                except OSError as error:  # no room on the disk
                    self.problem = f"limits: {error}"
                    wait_s = _AGAIN_S
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait_s)
        finally:
            saving.cancel()

    async def save(self) -> None:
        """Write down what is counted."""
        try:
            await asyncio.to_thread(self.meter.write, self.meter.encode(self.now_us()))
        except OSError as error:
            self.meter.unsaved()
            self.problem = f"quotas are counted and not written down: {error}"

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            await self.save()

    async def _renew(self) -> None:
        """Push what holds now, then say who has come to be out of quota, or is no longer."""
        await self.reconciler.renew()
        out = frozenset(self.meter.exhausted(self.reconciler.settings(), self.now_us()))
        for each in sorted(out - self.meter.told, key=lambda one: (one.consumer, one.window)):
            await self._record("quota-used-up", each.consumer, f"the calls of this {each.window} are used up")
        for each in sorted(self.meter.told - out, key=lambda one: (one.consumer, one.window)):
            await self._record("quota-lifted", each.consumer, f"the {each.window} is over, or the tier has grown")
        if out != self.meter.told:
            self.meter.told = out
            await self.save()

    def _wait_s(self) -> float:
        """Until the next throttle or window is over."""
        now_us = self.now_us()
        ends = [bounds(window, now_us)[1] * 1_000_000 for window in WINDOWS]
        if (end_us := self.throttles.next_end_us(now_us)) is not None:
            ends.append(end_us)
        return min(_LOOK_S, max(0.0, (min(ends) - now_us) / 1_000_000) + 0.001)

    async def _record(self, verb: str, consumer: str, detail: str, trace: TraceContext | None = None) -> None:
        if self.collector is None:
            return
        context = trace or new_trace()
        fact = Fact(
            kind=FactKind.DECISION,
            at_us=self.now_us(),
            outcome=Outcome.OK,
            trace_id=context.trace_id,
            span_id=context.span_id,
            consumer=consumer,
            operation=verb,
            detail=detail,
            node="control",
        )
        await self.collector.record([fact])
