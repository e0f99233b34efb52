"""A database behind one thread: whatever waits when it is free is committed together.

The event loop never waits for a disk, and one sync to it serves every call that came in while the last one lasted.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

from treadle.gateway.hop.idempotency import Claim, Judged
from treadle.gateway.hop.stores.store import Settle, StoreAwayError, Sweep, Work

BATCH_MAX = 256
WAITING_MAX = 4_096


class Database(Protocol):
    """What runs in the thread. `commit` does all of the work, durably, or raises StoreAwayError and did none."""

    def commit(self, work: list[Work]) -> list[Any]:
        """One result for each piece of work: Judged, None or a number."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


_Job = tuple[Work, "asyncio.Future[Any]"]


class BatchStore:
    """A store over a database."""

    def __init__(self, open: Callable[[], Database]) -> None:
        """`open` is called in the thread, for each batch anew until it does not raise StoreAwayError."""
        self._open = open
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="idempotency", daemon=True)
        self._thread.start()

    async def claim(self, claim: Claim) -> Judged:
        """Judge a claim."""
        judged: Judged = await self._do(claim)
        return judged

    async def settle(self, settle: Settle) -> None:
        """Keep how a claim ended."""
        await self._do(settle)

    async def sweep(self, now_ms: int) -> int:
        """Forget some of what has expired."""
        many: int = await self._do(Sweep(now_ms))
        return many

    async def close(self) -> None:
        """Finish what waits, and end the thread."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _do(self, work: Work) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        if self._closed or self._jobs.qsize() >= WAITING_MAX:
            future.set_exception(StoreAwayError("too much waits for it" if not self._closed else "it is closed"))
        else:
            self._jobs.put((work, future))
        return future

    def _run(self) -> None:
        database: Database | None = None
        ended = False
        while not ended:
            batch, ended = self._next()
            if not batch:
                continue
            try:
                database = database or self._open()
                results = database.commit([work for work, _ in batch])
            except StoreAwayError as error:
                self._tell(_failed, batch, error)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a driver raises
                self._tell(_failed, batch, StoreAwayError(f"{type(error).__name__}: {error}"))
                database = None
            else:
                self._tell(_delivered, batch, results)
        if database:
            database.close()

    def _tell(self, how: Callable[[list[_Job], Any], None], batch: list[_Job], what: object) -> None:
        # The loop is gone where the process ends in the midst of it; then nobody waits for the word.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(how, batch, what)

    def _next(self) -> tuple[list[_Job], bool]:
        """Everything that waits, at least one; and whether the last was the end."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH_MAX:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True


def _delivered(batch: list[_Job], results: list[Any]) -> None:
    for (_, future), result in zip(batch, results, strict=True):
        if not future.done():
            future.set_result(result)


def _failed(batch: list[_Job], error: StoreAwayError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
