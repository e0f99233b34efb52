"""How many facts an engine owes: an audit log that says what it missed.

An engine counts the requests that it completed; the log has a line for each. When the engine is killed, the lines
that it had not written yet are gone. So each run of the engine (an epoch) is closed by comparing the last count it gave
with the lines that were seen from it. Requests after the last count are not known of: a gap is a lower bound.

An engine that runs on may lose lines too, on a full disk, and says that it did. Then nobody waits for its end: lines
that were due at the last count and have not been seen at the next are missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.source import Json, Source

_BUCKET_US = 10_000
_BUCKETS_MAX = 1_000
_QUIET_BATCHES = 5
"""So many batches without a line mean that a dead engine's lines have all been read; fewer come while files rotate."""


@dataclass(frozen=True, slots=True)
class EngineCount:
    """What an engine says of itself. `epoch` names this run of it, for instance its pid.

    `started_us` is Unix time no later than its first request, so the time of starting the process is right and the
    time of becoming ready is not. `completed` counts requests since then, `failed` the writes to its log that failed.
    """

    epoch: str
    started_us: int
    completed: int
    failed: int = 0


class GapCounter:
    """Lines seen against requests completed, an epoch at a time. Pure; its state is JSON, to be stored with the lines.

    A line belongs to the epoch in which it began. Which one that was is known only with the next count, so lines wait,
    counted in hundredths of a second, until `counted` is called.
    """

    def __init__(self, name: str, state: Json = None) -> None:
        """`name` is the operation of the gap facts. `state` is what `state()` gave."""
        self._name = name
        state = state or {}
        now = state.get("now")
        self._now = EngineCount(*now) if now else None
        self._seen: int = state.get("seen", 0)
        self._waiting: dict[int, int] = {int(at): lines for at, lines in state.get("waiting", ())}
        over = state.get("over")
        self._over: tuple[EngineCount, int] | None = (EngineCount(*over[0]), over[1]) if over else None
        self._told: int = state.get("told", 0)
        """What was reported as missing of the present epoch; it counts as seen when the epoch is closed."""
        self._quiet = 0
        self._at_end = False
        """Whether the end of the log was reached since the last count."""

    def state(self) -> Json:
        """What a later counter needs to go on."""
        return {
            "now": _row(self._now) if self._now else None,
            "seen": self._seen,
            "waiting": sorted(map(list, self._waiting.items())),
            "over": [_row(self._over[0]), self._over[1]] if self._over else None,
            "told": self._told,
        }

    def saw(self, facts: Iterable[Fact], now_us: int) -> tuple[Fact, ...]:
        """One batch of the log; an empty one says that its end was reached. Gives what is now known to be missing."""
        any_seen = False
        for fact in facts:
            lines = fact.missing if fact.kind is FactKind.GAP else 1
            at = fact.at_us // _BUCKET_US
            self._waiting[at] = self._waiting.get(at, 0) + lines
            any_seen = any_seen or lines > 0
        self._quiet = 0 if any_seen else self._quiet + 1
        self._at_end = not any_seen
        if len(self._waiting) > _BUCKETS_MAX:
            self._assign()  # no count for long: the engine that was last heard of is the best guess
        # Lines are written in the order of completion, so one of the new epoch comes after all of the old one.
        began = self._now is not None and any(at * _BUCKET_US >= self._now.started_us for at in self._waiting)
        if self._over and (began or self._quiet >= _QUIET_BATCHES):
            return self._close(now_us)
        return ()

    def counted(self, count: EngineCount, now_us: int) -> tuple[Fact, ...]:
        """A count that was taken after the last batch was read. Gives what is now known to be missing."""
        last = self._now
        at_end, self._at_end = self._at_end, False
        if (
            last
            and (last.epoch, last.started_us) == (count.epoch, count.started_us)
            and count.completed >= last.completed
        ):
            self._now = count
            self._assign()
            return self._lost(last, now_us) if count.failed and at_end else ()
        gaps = self._close(now_us)
        if last:
            self._take(last.started_us)  # of a run that nobody told of
            self._over = last, self._seen + self._told + self._take(count.started_us)
        self._now, self._seen, self._told, self._quiet = count, 0, 0, 0
        self._assign()
        return (*gaps, *self._close(now_us)) if self._seen else gaps

    def _lost(self, last: EngineCount, now_us: int) -> tuple[Fact, ...]:
        """What the engine could not write: completed at the count before, and not in the log though its end was read.

        Newer lines hide older ones that are missing; what they hide is reported once they pause, or with the epoch.
        """
        missing = last.completed - self._seen - self._told
        if missing <= 0:
            return ()
        self._told += missing
        why = f"run {last.epoch} could not write {missing} of its lines: see the free space of its disk"
        return (self._gap(why, missing, now_us),)

    def _assign(self) -> None:
        """Give the waiting lines to the epoch that they belong to; no newer one has begun."""
        if self._now:
            older = self._take(self._now.started_us)
            if self._over:
                self._over = self._over[0], self._over[1] + older
            self._seen += sum(self._waiting.values())
        self._waiting.clear()

    def _take(self, before_us: int) -> int:
        """How many waiting lines began before a time; they wait no longer."""
        return sum(self._waiting.pop(at) for at in list(self._waiting) if at * _BUCKET_US < before_us)

    def _close(self, now_us: int) -> tuple[Fact, ...]:
        """Compare the epoch that is over. Lines of the present one, or of one nobody told of yet, go on waiting."""
        if not self._over or not self._now:
            return ()
        (count, seen), self._over = self._over, None
        seen += self._take(self._now.started_us)
        missing = count.completed - seen
        if missing <= 0:
            return ()
        why = f"run {count.epoch} completed at least {count.completed} requests and left {seen} lines and gaps"
        return (self._gap(why, missing, now_us),)

    def _gap(self, why: str, missing: int, now_us: int) -> Fact:
        return Fact(
            FactKind.GAP,
            now_us,
            Outcome.FAILED,
            operation=self._name,
            code="FACTS_MISSING",
            detail=why,
            missing=missing,
        )


class CountedSource:
    """A source of an engine's lines that also reports what the engine owes. A `treadle.facts.source.Source`.

    The count's state travels within the offset, so it commits with the lines that it counts.
    """

    def __init__(
        self,
        source: Source,
        count: Callable[[], Awaitable[EngineCount | None]],
        *,
        now_us: Callable[[], int],
        every_s: float = 1.0,
    ) -> None:
        """`count` asks the engine; None or any exception means that it does not answer now."""
        self._source = source
        self._count = count
        self._now_us = now_us
        self._every_s = every_s

    @property
    def name(self) -> str:
        """The name of the source within."""
        return self._source.name

    async def batches(self, offset: Json) -> AsyncIterator[tuple[Sequence[Fact], Json]]:
        """The batches of the source within, with gap facts."""
        offset = offset or {"at": None, "count": None}
        counter = GapCounter(self.name, offset["count"])
        clock = asyncio.get_running_loop().time
        due = clock()
        inner = self._source.batches(offset["at"])
        try:
            async for facts, at in inner:
                gaps = counter.saw(facts, self._now_us())
                if clock() >= due:
                    due = clock() + self._every_s
                    count = await self._ask()
                    if count is not None:
                        gaps += counter.counted(count, self._now_us())
                yield [*facts, *gaps], {"at": at, "count": counter.state()}
        finally:
            close = getattr(inner, "aclose", None)
            if close is not None:
                await close()

    async def _ask(self) -> EngineCount | None:
        try:
            return await self._count()
        except Exception:  # noqa: BLE001 - an engine that does not answer is what this is for
            return None


def _row(count: EngineCount) -> list[str | int]:
    return [count.epoch, count.started_us, count.completed, count.failed]
