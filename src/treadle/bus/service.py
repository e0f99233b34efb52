"""The guard on NATS: takes what producers publish, forwards what is good, answers what is not.

A good event goes on with the producer's own reply subject, so JetStream's acknowledgement goes straight to the client
and means what it always means: the event is kept. One subscription, taken one message after the other, keeps the order
of every key. A refused event is written to the DLQ and answered beside that line, so that it holds up nobody.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from treadle.base.errors import EngineError, TreadleError
from treadle.bus.guard import Guard, compile_guard
from treadle.bus.intake import Arrival, Intake, arrive
from treadle.bus.reason import BUSY_CODE, Refused
from treadle.bus.snapshot import decode

REFUSALS_OPEN_MAX = 256
"""How many refusals are on their way to the DLQ at most; beyond it a producer is told to try again."""

SNAPSHOT_BYTES_MAX = 64 * 1024 * 1024
WATCH_S = 0.2
_log = logging.getLogger("treadle.bus")


class GuardService:
    """Runs an intake on one connection, as user `guard`."""

    def __init__(self, nc: Client, intake: Intake) -> None:
        self._nc = nc
        self._intake = intake
        self._line: Subscription | None = None
        self._unmapped: dict[str, Subscription] = {}
        self._refusals: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to take messages; they arrive from the moment this returns."""
        self._line = await self._nc.subscribe("ingress.>", cb=self._arrived)
        await self._listen()

    async def swap(self, guard: Guard) -> None:
        """Put other contracts in force."""
        self._intake.guard = guard
        await self._listen()

    async def stop(self) -> None:
        """Take nothing more, finish what is here, close the connection."""
        try:
            for each in [self._line, *self._unmapped.values()]:
                if each is not None:
                    await each.drain()  # type: ignore[no-untyped-call]  # the library leaves it untyped
            if self._refusals:
                await asyncio.wait(self._refusals, timeout=5.0)
            await self._nc.flush(5)
        except (nats.errors.Error, OSError) as error:
            _log.warning("guard: stopped without NATS: %s", error)
        for task in self._refusals:
            task.cancel()
        await self._nc.close()

    async def _listen(self) -> None:
        """Take what no mapping has caught too: misspelled channels and keys deserve an answer, not a silence."""
        wanted = {f"{domain}.>" for domain in self._intake.guard.domains}
        for subject in wanted - self._unmapped.keys():
            self._unmapped[subject] = await self._nc.subscribe(subject, cb=self._arrived)
        for subject in self._unmapped.keys() - wanted:
            await self._unmapped.pop(subject).unsubscribe()
        await self._nc.flush(5)

    async def _arrived(self, message: Msg) -> None:
        # An answer anywhere but in the inbox of a client would write there with the guard's rights.
        producer = self._intake.guard.caller(message.reply)
        reply = message.reply if producer else ""
        arrival = arrive(message.subject, message.headers or {}, message.data, producer)
        verdict = self._intake.judge(arrival)
        if not isinstance(verdict, Refused):
            await self._nc.publish(verdict.subject, message.data, reply=reply, headers=dict(verdict.headers))
        elif len(self._refusals) < REFUSALS_OPEN_MAX:
            task = asyncio.create_task(self._refuse(arrival, verdict, reply))
            self._refusals.add(task)
            task.add_done_callback(self._refusals.discard)
        else:
            await self._answer(reply, 503, BUSY_CODE, "BUSY: too many refused events, publish again later")

    async def _refuse(self, arrival: Arrival, refused: Refused, reply: str) -> None:
        try:
            await self._intake.bury(arrival, refused)
        except EngineError as error:
            _log.warning("guard: a refused event could not be kept: %s", error.message)
            await self._answer(reply, 503, BUSY_CODE, "BUSY: the refusal could not be kept, publish again later")
        else:
            await self._answer(reply, 422, refused.code, refused.text)

    async def _answer(self, reply: str, code: int, err_code: int, description: str) -> None:
        if not reply:
            return
        body = orjson.dumps({"error": {"code": code, "err_code": err_code, "description": description}})
        try:
            await self._nc.publish(reply, body)
        except nats.errors.Error as error:
            _log.warning("guard: an answer could not be sent: %s", error)


class SnapshotWatch:
    """The file of topics. What cannot be read is said once and changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def first(self) -> Guard:
        """The first guard; waits until there is a file that can be read."""
        while True:
            guard = await self._changed(None)
            if guard:
                return guard
            await asyncio.sleep(WATCH_S)

    async def follow(self, service: GuardService, guard: Guard) -> None:
        """Swap the service's guard whenever the file changes."""
        while True:
            await asyncio.sleep(WATCH_S)
            changed = await self._changed(guard)
            if changed:
                guard = changed
                try:
                    await service.swap(guard)
                except (nats.errors.Error, OSError) as error:
                    _log.warning("guard: new contracts are in force, new domains only after a restart: %s", error)

    async def _changed(self, previous: Guard | None) -> Guard | None:
        try:
            stat = self._path.stat()
            mark = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if mark == self._seen:
                return None
            self._seen = mark
            if stat.st_size > SNAPSHOT_BYTES_MAX:
                _log.warning("guard: %s is too large, the old contracts stay in force", self._path)
                return None
            guard, problems = await asyncio.to_thread(_read, self._path, previous)
        except FileNotFoundError:
            return None
        except (OSError, TreadleError) as error:
            _log.warning("guard: the old contracts stay in force: %s", error)
            return None
        for problem in problems:
            _log.warning("guard: %s", problem)
        _log.info("guard: %d channels in force", len(guard.laws))
        return guard


def _read(path: Path, previous: Guard | None) -> tuple[Guard, tuple[str, ...]]:
    return compile_guard(decode(path.read_bytes()), previous)
