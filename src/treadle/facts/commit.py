"""Group commit: many tasks wait for one sync.

While one group is being written, the next one gathers. Nobody waits for a timer, and under load the groups grow by
themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from treadle.base.errors import EngineError, InputError
from treadle.facts.fact import Fact
from treadle.facts.source import Json

Append = Callable[[Sequence[Fact], Mapping[str, Json]], tuple[Fact, ...]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    facts: Sequence[Fact]
    offsets: Mapping[str, Json]
    done: asyncio.Future[tuple[Fact, ...]]


class GroupCommit:
    """The door of one event loop to a fact log. All its methods belong to that loop.

    `append` runs in one thread of its own, so it is never called twice at a time. `stored` hears of each group in the
    order of the log, in the loop, before those who wait for it; it must be quick and must not raise.
    """

    def __init__(
        self,
        append: Append,
        *,
        facts_max: int = 1000,
        stored: Callable[[tuple[Fact, ...]], None] = lambda _facts: None,
    ) -> None:
        """`facts_max`: how many facts make a group full."""
        self._append = append
        self._facts_max = facts_max
        self._stored = stored
        self._queue: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="facts")
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def commit(self, facts: Sequence[Fact], offsets: Mapping[str, Json] | None = None) -> tuple[Fact, ...]:
        """Store facts; on return they are on disk, with their numbers.

        Raises what `append` raises. If the caller is cancelled, its facts may be stored all the same.
        """
        if self._closed:
            raise EngineError("facts-closed", "the fact log is closed")
        done: asyncio.Future[tuple[Fact, ...]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(tuple(facts), dict(offsets or {}), done))
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="facts: group commit")
        return await done

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Run `work` in the writing thread, between two groups."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Write what waits, then refuse more."""
        self._closed = True
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _drain(self) -> None:
        try:
            while self._queue:
                group = [self._queue.popleft()]
                size = len(group[0].facts)
                while self._queue and size + len(self._queue[0].facts) <= self._facts_max:
                    group.append(self._queue.popleft())
                    size += len(group[-1].facts)
                await self._write(group)
        except BaseException:
            for each in self._queue:
                each.done.cancel()
            self._queue.clear()
            raise
        finally:
            self._task = None

    async def _write(self, group: Sequence[_Waiting]) -> None:
        facts = [fact for each in group for fact in each.facts]
        offsets = {name: offset for each in group for name, offset in each.offsets.items()}
        try:
            stored = await self.in_turn(lambda: self._append(facts, offsets))
        except InputError as error:
            # Somebody's fact cannot be stored: the others of its group must not suffer for it.
            if len(group) > 1:
                for each in group:
                    await self._write([each])
            else:
                _fail(group, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            _fail(group, error)
        except BaseException:
            for each in group:
                each.done.cancel()
            raise
        else:
            at = 0
            for each in group:
                if not each.done.done():
                    each.done.set_result(stored[at : at + len(each.facts)])
                at += len(each.facts)
            self._stored(stored)  # those who wait wake up in a later turn of the loop


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for each in group:
        if not each.done.done():
            each.done.set_exception(error)
