"""The process of the guard hop: its socket, its table, its store, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket as sockets
import time
from collections.abc import Mapping
from pathlib import Path

from treadle.base.errors import InputError, TreadleError
from treadle.base.sockets import close, listen
from treadle.gateway.hop.hop import Hop, Limits
from treadle.gateway.hop.judge import Judge, compile_rule
from treadle.gateway.hop.stores.store import Store, StoreAwayError
from treadle.gateway.hop.table import TABLE_BYTES_MAX, decode
from treadle.gateway.hop.upstream import Pool
from treadle.gateway.hop.worker import Worker

WATCH_S = 0.1
SWEEP_S = 30.0
DRAIN_S = 35.0
"""How long calls may go on after SIGTERM: a little longer than the longest that the gateway waits for one."""
_log = logging.getLogger(__name__)


async def run_hop(
    *,
    socket: Path,
    onward: Path,
    table: Path,
    store: Store,
    stop: asyncio.Event | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Take guarded calls on a Unix socket and send them onward, by the rules in `table`.

    It listens once there is a table that can be read. Returns after SIGTERM, SIGINT or `stop`, with every call that it
    had taken answered, and the store closed.
    """
    loop = asyncio.get_running_loop()
    stop = stop or asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(RuntimeError, ValueError):  # signals are the main thread's alone
            loop.add_signal_handler(number, stop.set)
    worker = Worker()
    pool = Pool(onward, loop)
    hop = Hop(pool, store, worker, limits)
    watch = TableWatch(table, hop)
    tasks: list[asyncio.Task[None]] = []
    listening: sockets.socket | None = None
    try:
        if not await _unless(stop, watch.first()):
            return
        listening = listen(socket, 1_024)
        server = await loop.create_unix_server(hop.door, sock=listening)
        tasks = [asyncio.create_task(watch.follow()), asyncio.create_task(_sweep(store))]
        _log.info("hop: %d operations are guarded", len(hop.judges))
        await stop.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await hop.drained()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pool.close()
        await worker.close()
        await store.close()
        if listening:
            close(listening, socket)


class TableWatch:
    """The file of rules. What cannot be read is said once and changes nothing."""

    def __init__(self, path: Path, hop: Hop) -> None:
        """Nothing is read yet."""
        self._path = path
        self._hop = hop
        self._seen: tuple[int, int, int] | None = None
        self._turn = asyncio.Lock()
        hop.look = self.look

    async def first(self) -> None:
        """Wait until there is a file that can be read."""
        while not await self.look():  # noqa: ASYNC110 - a file tells nobody that it is there
            await asyncio.sleep(WATCH_S)

    async def follow(self) -> None:
        """Keep the hop's rules those of the file."""
        while True:
            await asyncio.sleep(WATCH_S)
            await self.look()

    async def look(self) -> bool:
        """Take the file where it is new; on return its rules are in force. True where it was."""
        async with self._turn:
            return await self._changed()

    async def _changed(self) -> bool:
        try:
            stat = self._path.stat()
            mark = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if mark == self._seen:
                return False
            self._seen = mark
            if stat.st_size > TABLE_BYTES_MAX:
                raise InputError("hop-table-unreadable", f"{self._path} is too large", "apply the workspace again")
            judges = await asyncio.to_thread(_read, self._path, self._hop.judges)
        except FileNotFoundError:
            return False
        except (OSError, TreadleError) as error:
            _log.warning("hop: the old rules stay in force: %s", error)
            return False
        self._hop.judges = judges
        _log.info("hop: %d operations in force", len(judges))
        return True


def _read(path: Path, previous: Mapping[bytes, Judge]) -> dict[bytes, Judge]:
    """Every rule compiled; one that did not change is not compiled again.

    One that cannot be compiled does not hold up the others: its operation keeps the rule it had, or is refused.
    """
    made: dict[bytes, Judge] = {}
    for name, rule in decode(path.read_bytes()).items():
        key = name.encode()
        old = previous.get(key)
        if old and old.rule == rule:
            made[key] = old
            continue
        try:
            made[key] = compile_rule(rule)
        except ValueError as error:
            state = "keeps its last good rule" if old else "is closed"
            _log.warning("hop: %s %s: %s", name, state, error)
            if old:
                made[key] = old
    return made


async def _sweep(store: Store) -> None:
    """Forget what has expired, in small steps."""
    while True:
        many = 0
        try:
            many = await store.sweep(time.time_ns() // 1_000_000)
        except StoreAwayError as error:
            _log.warning("hop: nothing was swept: %s", error)
        await asyncio.sleep(0.1 if many else SWEEP_S)


async def _unless(stop: asyncio.Event, work: object) -> bool:
    """Await work; False where it was stopped before it was done."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    done = bool(task.done())
    for each in (task, stopped):
        each.cancel()
    await asyncio.gather(task, stopped, return_exceptions=True)
    return done
