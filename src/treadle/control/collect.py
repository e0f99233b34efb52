"""The collector: facts from every source into the log, the index and whoever listens.

Order of things, for each group: subjects get their pseudonyms (on disk first), facts and offsets are stored together,
then they are indexed, then listeners hear of them. A crash between any two steps loses nothing: what is not
stored is read again from its source, what is not indexed is indexed from the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from treadle.base.errors import EngineError, InputError, TreadleError
from treadle.facts.commit import GroupCommit
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.gaps import CountedSource, EngineCount, GapCounter
from treadle.facts.line import encode
from treadle.facts.log import FactLog
from treadle.facts.source import Json, Source
from treadle.facts.subjects import SubjectBook
from treadle.facts.tail import LogFileSource
from treadle.facts.trail import Trail

__all__ = ["Collector", "CountedSource", "EngineCount", "GapCounter", "LogFileSource", "SourceStatus"]

_INDEXED_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source does.

    `state` is `running`, `failed` (it is started again after a pause) or `ended`. `position` is its committed offset.
    `facts` counts those stored since the collector began, `last_us` is the time of the newest, `lag_us` how long after
    its end it was stored. `error` is the last failure, also after it has passed, and `failures` how many there were.
    """

    name: str
    state: str = "running"
    position: Json = None
    facts: int = 0
    last_us: int | None = None
    lag_us: int | None = None
    failures: int = 0
    error: str = ""


@dataclass(slots=True)
class _Followed:
    """A source with what is known of it."""

    source: Source
    status: SourceStatus
    pause_s: float = field(default=0.0)


class Collector:
    """Runs the sources of one fabric. All its methods belong to one event loop.

    `subject` of a fact is a plain id up to here and a pseudonym from here on. `on_facts` hears of stored facts, in the
    order of the log, in the loop; it must be quick.
    """

    def __init__(
        self,
        log: FactLog,
        trail: Trail,
        subjects: SubjectBook,
        sources: Sequence[Source],
        on_facts: Callable[[Sequence[Fact]], None] | None = None,
        *,
        pause_s: float = 0.5,
        pause_s_max: float = 30.0,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`pause_s`: how long a source that failed first rests; it doubles up to `pause_s_max`.

        The log, the index and the book stay the caller's to close, after `close`.
        """
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError(f"two sources share a name: {names}")
        self._log = log
        self._trail = trail
        self._subjects = subjects
        self._on_facts = on_facts
        self._pause_s = pause_s
        self._pause_s_max = pause_s_max
        self._now_us = now_us
        self._indexed = False
        self._index_error = ""
        self._listener_error = ""
        self._commit = GroupCommit(self._store, stored=self._tell)
        self._grown = asyncio.Event()
        self._taking: set[str] = set()
        self._states = [self._known(source) for source in sources]

    async def run(self) -> None:
        """Follow every source until cancelled. What was read and not stored then is read again the next time."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_index(), name="facts: index")
            begun = 0
            while True:
                self._grown.clear()
                for state in self._states[begun:]:
                    tasks.create_task(self._follow(state), name=f"facts: {state.source.name}")
                begun = len(self._states)
                await self._grown.wait()

    def follow(self, source: Source) -> None:
        """Follow one more source from now on; one that is followed already changes nothing."""
        if source.name not in {state.source.name for state in self._states}:
            self._states.append(self._known(source))
            self._grown.set()

    async def record(self, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """Store facts of this process, a decision for instance; on return they are on disk. Works without `run` too.

        Raises InputError `fact-not-storable`, EngineError `facts-disk-full`, `facts-write-failed`, `subjects-unusable`.
        """
        return await self._commit.commit(facts)

    def position(self, name: str) -> Json:
        """The place of a source that is stored, None for one that never was."""
        return self._log.offsets().get(name)

    async def take(self, name: str, after: Json, facts: Sequence[Fact], offset: Json) -> bool:
        """Store what was read elsewhere and the place after it, both or neither; on return they are on disk.

        False, and nothing is stored, where the place that is stored is not `after`: it was sent twice. Raises as
        `record` does.
        """
        if name in self._taking or self.position(name) != after:
            return False
        self._taking.add(name)
        try:
            await self._commit_storable(facts, {name: offset})
        finally:
            self._taking.discard(name)
        return True

    def status(self) -> tuple[SourceStatus, ...]:
        """How each source does, in the order given."""
        return tuple(state.status for state in self._states)

    @property
    def unindexed(self) -> int:
        """How many stored facts no query finds yet."""
        return max(0, self._log.last_seq - self._trail.last_seq)

    @property
    def problems(self) -> tuple[str, ...]:
        """What else is wrong now: the index, or a listener's last failure."""
        return tuple(problem for problem in (self._index_error, self._listener_error) if problem)

    async def close(self) -> None:
        """Store what was handed to `record`, then refuse more. Call it after `run` has ended."""
        await self._commit.close()

    def _known(self, source: Source) -> _Followed:
        return _Followed(source, SourceStatus(source.name, position=self._log.offsets().get(source.name)))

    async def _follow(self, state: _Followed) -> None:
        while True:
            try:
                await self._drain(state)
            except Exception as error:  # noqa: BLE001 - one source's failure is its own
                state.pause_s = min(self._pause_s_max, max(self._pause_s, state.pause_s * 2))
                state.status = replace(
                    state.status, state="failed", failures=state.status.failures + 1, error=_one_line(error)
                )
                await asyncio.sleep(state.pause_s)
                state.status = replace(state.status, state="running")
            else:
                state.status = replace(state.status, state="ended")
                return

    async def _drain(self, state: _Followed) -> None:
        name = state.source.name
        batches: AsyncIterator[tuple[Sequence[Fact], Json]] = state.source.batches(self._log.offsets().get(name))
        try:
            async for facts, offset in batches:
                if not facts and offset == state.status.position:
                    continue
                stored = await self._commit_storable(facts, {name: offset})
                state.pause_s = 0.0
                state.status = replace(state.status, position=offset, facts=state.status.facts + len(stored))
                if stored:
                    last = max(stored, key=lambda fact: fact.at_us)
                    lag_us = max(0, self._now_us() - last.at_us - last.duration_us)
                    state.status = replace(state.status, last_us=last.at_us, lag_us=lag_us)
        finally:
            close = getattr(batches, "aclose", None)
            if close is not None:
                await close()

    async def _commit_storable(self, facts: Sequence[Fact], offsets: Mapping[str, Json]) -> tuple[Fact, ...]:
        """Store a batch; a fact that cannot be stored becomes a gap, so that it does not stop its source for ever."""
        try:
            return await self._commit.commit(facts, offsets)
        except InputError as error:
            if error.code != "fact-not-storable":
                raise
            return await self._commit.commit([self._storable(fact) for fact in facts], offsets)

    def _storable(self, fact: Fact) -> Fact:
        try:
            encode(fact)
        except InputError as error:
            return Fact(
                FactKind.GAP,
                self._now_us(),
                Outcome.FAILED,
                code="FACT_NOT_STORABLE",
                detail=error.message,
                missing=1,
            )
        return fact

    def _store(self, facts: Sequence[Fact], offsets: Mapping[str, Json]) -> tuple[Fact, ...]:
        """In the writing thread: pseudonyms, log, index."""
        named = self._subjects.create(fact.subject for fact in facts if fact.subject)
        stored = self._log.append(
            [replace(fact, subject=named[fact.subject]) if fact.subject else fact for fact in facts], offsets
        )
        if self._indexed and stored:
            try:
                self._trail.add(stored)
            except TreadleError as error:
                self._indexed = False
                self._index_error = _one_line(error)
        return stored

    def _tell(self, facts: tuple[Fact, ...]) -> None:
        if self._on_facts is None or not facts:
            return
        try:
            self._on_facts(facts)
        except Exception as error:  # noqa: BLE001 - a page that cannot draw must not stop the audit log
            self._listener_error = _one_line(error)

    async def _keep_index(self) -> None:
        """Bring the index to the end of the log, at the start and after it failed."""
        while True:
            try:
                while not self._indexed:
                    await self._catch_up()
                    self._index_error = ""
            except EngineError as error:
                self._index_error = _one_line(error)
            await asyncio.sleep(self._pause_s)

    async def _catch_up(self) -> None:
        """Index the log a part at a time, in turn with the groups that are being stored meanwhile."""
        after = await self._commit.in_turn(lambda: self._trail.begin(self._log.read))
        facts = self._log.read(after)
        while await self._commit.in_turn(lambda: self._index_some(facts)):
            pass

    def _index_some(self, facts: Iterator[Fact]) -> bool:
        """In the writing thread: index the next part of the log; False when nothing is left."""
        batch = list(islice(facts, _INDEXED_AT_ONCE))
        if batch:
            self._trail.add(batch)
            return True
        # Nothing can be stored between this look and the next group: from here on groups are indexed as they come.
        self._indexed = self._trail.last_seq == self._log.last_seq
        return False


def _one_line(error: Exception) -> str:
    if isinstance(error, TreadleError):
        return f"{error.code}: {error.message}"
    return f"{type(error).__name__}: {error}"
