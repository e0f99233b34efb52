"""The supervisor: starts processes, watches them, restarts them with backoff, and stops them all.

It does nothing clever, so that it is the last thing to fail. A child never outlives it: on Linux the kernel kills
the children of a supervisor that dies (prctl(2), PR_SET_PDEATHSIG), so `kill -9` leaves nothing behind either. A full
disk stops none of its work: what it has to tell waits until there is room.

The states of a process: `waiting` for its turn, `starting`, `ready`, `hanging` (it does not answer), `unready` (it
answers that it cannot work), `backoff` (it ended and is started again), `stopped`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import orjson

from treadle.base.errors import EngineError, InputError, TreadleError, UsageError
from treadle.control.probe import READY, Probe

BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
HEALTHY_S = 10.0
"""A process that lived this long starts its backoff again from the shortest wait."""
START_S = 30.0
"""How long a process may take to become ready before it is killed and started again."""
STOP_S = 5.0
"""How long a process may take to end after SIGTERM before it is killed."""
PROBE_S = 1.0
"""How often a process that became ready is asked whether it still is."""
NOTICED_AFTER = 3
"""Not ready so many times in a row, and the state says so."""
ENDED_AFTER = 10
"""So many times in a row, and a process that hangs is killed, one that says that it cannot work is started again."""
_UNTOLD_MAX = 10_000
"""So many changes may wait for room on the disk; older ones are no facts any more."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Process:
    """One process to run.

    `after` says when it may start; `ready` asks it whether it serves. `renewable` says whether a process that answers
    that it cannot work would be mended by a new start; what waits for another process would not. `port` and `url` are
    for people.
    """

    name: str
    argv: Sequence[str]
    ready: Probe
    after: Callable[[], bool] = lambda: True
    renewable: Callable[[], bool] = lambda: False
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    url: str = ""


@dataclass(slots=True)
class Watched:
    """One process as it is now. `since` and `started` are Unix times in seconds: the last change, the last start."""

    process: Process
    state: str = "waiting"
    pid: int | None = None
    restarts: int = 0
    since: float = 0.0
    started: float = 0.0
    detail: str = ""

    def row(self) -> dict[str, object]:
        """Its row in run.json."""
        return {
            "name": self.process.name,
            "pid": self.pid,
            "port": self.process.port,
            "url": self.process.url,
            "state": self.state,
            "restarts": self.restarts,
            "since": round(self.since, 3),
            "started": round(self.started, 3),
            "detail": self.detail,
        }


class Supervisor:
    """Runs a fixed list of processes until it is stopped.

    `on_change` is called with all rows after every change, and again a second later where it raised OSError. `journal`
    gets one JSON line a change, for the facts.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        logs: Path,
        journal: Path,
        on_change: Callable[[list[dict[str, object]]], None],
    ) -> None:
        self._watched = [Watched(each) for each in processes]
        self._logs = logs
        self._journal = journal
        self._on_change = on_change
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._failure: TreadleError | None = None
        self._untold: deque[bytes] = deque(maxlen=_UNTOLD_MAX)
        self._stale = False

    async def run(self, announce: Callable[[], None]) -> None:
        """Run until `stop`. `announce` is called once, when every process has become ready for the first time.

        Raises what a process exited with before it was ever ready, when it says that a restart cannot help
        (exit codes 2, 3 and 4: usage, input, engine).
        """
        tasks = [asyncio.create_task(self._keep(each)) for each in self._watched]
        for task in tasks:
            task.add_done_callback(self._kept)
        telling = asyncio.create_task(self._keep_telling())
        try:
            await self._until(lambda: all(each.state == "ready" for each in self._watched))
            if not self._stopping.is_set():
                announce()
            await self._stopping.wait()
        finally:
            self._stopping.set()
            # Doors first, engines after them: the reverse of the order in which they were named.
            for each in reversed(self._watched):
                await _end(each)
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            telling.cancel()
        if self._failure:
            raise self._failure
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    def stop(self) -> None:
        """Ask for the end; `run` returns when every process is gone."""
        self._stopping.set()
        self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition() and not self._stopping.is_set():
            self._changed.clear()
            await self._changed.wait()

    def _kept(self, task: asyncio.Task[None]) -> None:
        """A keeper that fails would leave its process unwatched: end, and let the failure be seen."""
        if not task.cancelled() and task.exception():
            self.stop()

    async def _keep(self, watched: Watched) -> None:
        """Start one process again and again."""
        process = watched.process
        failures = 0
        ever_ready = False
        while not self._stopping.is_set():
            while not process.after():
                if await self._pause(0.01):
                    return
            started = time.monotonic()
            try:
                child = await self._spawn(watched)
            except OSError as error:
                why = f"cannot be started: {error}"
                if not ever_ready:
                    self._failure = EngineError("process-not-started", f"{process.name} {why}", "run: treadle doctor")
                    self.stop()
                    return
                code = 1
            else:
                ended = asyncio.create_task(child.wait())
                if self._stopping.is_set():  # it came up while the others were being ended
                    await _end(watched)
                because = ""
                if await self._became_ready(process, ended):
                    ever_ready = True
                    self._set(watched, "ready")
                    because = await self._attend(watched, child, ended)
                elif not ended.done() and not self._stopping.is_set():
                    self._set(watched, "starting", f"not ready after {START_S:g} s, killed")
                    child.kill()
                code = await ended
                why = because or (f"killed by signal {-code}" if code < 0 else f"exited with {code}")
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - started > HEALTHY_S else failures + 1
            watched.pid = None
            if not ever_ready and code in (2, 3, 4):
                self._give_up(watched, code, why)
                return
            watched.restarts += 1
            self._set(watched, "backoff", why)
            if await self._pause(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]):
                return

    async def _spawn(self, watched: Watched) -> asyncio.subprocess.Process:
        """Raises OSError."""
        process = watched.process
        watched.started = time.time()
        with self._log_of(process) as log:
            child = await asyncio.create_subprocess_exec(
                *process.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **process.env},
                start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor alone
                preexec_fn=_die_with_parent,
            )
        watched.pid = child.pid
        self._set(watched, "starting")
        return child

    def _log_of(self, process: Process) -> IO[bytes]:
        """What a process prints goes here, or nowhere while no log can be made: running matters more."""
        path = self._logs / f"{process.name}.log"
        try:
            return path.open("ab")
        except OSError as error:
            _note(f"{path} cannot be written ({error}): {process.name} runs without a log")
            return Path(os.devnull).open("ab")

    async def _became_ready(self, process: Process, ended: asyncio.Task[int]) -> bool:
        deadline = time.monotonic() + START_S
        while not ended.done() and not self._stopping.is_set() and time.monotonic() < deadline:
            if (await process.ready()).ready:
                return True
            await asyncio.sleep(0.02)
        return False

    async def _attend(self, watched: Watched, child: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> str:
        """Ask a process that became ready every second, until it ends. Gives why it was ended here, else nothing.

        Answers are counted, not seconds: a machine that slept for an hour has missed none.
        """
        process = watched.process
        missed = silent = 0
        pause_s = PROBE_S
        while True:
            await asyncio.wait({ended}, timeout=pause_s)
            asked = time.monotonic()
            answer = await process.ready() if not ended.done() else READY
            if ended.done() or self._stopping.is_set():
                return ""
            pause_s = max(0.0, PROBE_S - (time.monotonic() - asked))
            missed = 0 if answer.ready else missed + 1
            silent = silent + 1 if answer.silent else 0
            state = "ready" if answer.ready else "hanging" if answer.silent else "unready"
            if state != watched.state and (answer.ready or missed >= NOTICED_AFTER):
                self._set(watched, state, answer.said)
            if silent >= ENDED_AFTER:
                child.kill()
                return f"hung: {silent} times no answer, killed"
            if missed >= ENDED_AFTER and not answer.silent and process.renewable():
                await _end(watched)
                return f"started again: {answer.said}"

    def _give_up(self, watched: Watched, code: int, why: str) -> None:
        """A restart cannot mend bad input or a missing engine: end, and say what the process said."""
        said = _last_error(self._logs / f"{watched.process.name}.log")
        kind = {2: UsageError, 3: InputError}.get(code, EngineError)
        message = f"{watched.process.name} {why}" + (f": {said}" if said else "")
        self._failure = kind("process-gave-up", message, f"read {self._logs / watched.process.name}.log")
        self._set(watched, "stopped", why)
        self.stop()

    def _set(self, watched: Watched, state: str, detail: str = "") -> None:
        watched.state, watched.detail, watched.since = state, detail, time.time()
        self._untold.append(orjson.dumps({"at_us": time.time_ns() // 1000, **watched.row()}) + b"\n")
        self._tell()
        self._changed.set()

    def _tell(self) -> None:
        """Write what has changed. What cannot be written now, since the disk is full, is tried again."""
        try:
            self._on_change([each.row() for each in self._watched])
            while self._untold:
                _append(self._journal, self._untold[0])
                self._untold.popleft()
        except OSError as error:
            if not self._stale:
                _note(f"what runs cannot be written down: {error}; processes are kept running, status may be old")
            self._stale = True
        else:
            if self._stale:
                _note("what runs is written down again")
            self._stale = False

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(PROBE_S)
            if self._stale:
                self._tell()

    async def _pause(self, seconds: float) -> bool:
        """Wait; True when the end was asked for meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def _end(watched: Watched) -> None:
    """SIGTERM, a while, SIGKILL. The keeper task reaps it."""
    pid = watched.pid
    if pid is None or watched.state == "stopped":
        return
    deadline = time.monotonic() + STOP_S
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            await asyncio.sleep(0.01)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _append(path: Path, line: bytes) -> None:
    """All of a line or nothing of it. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(fd).st_size
        if os.write(fd, line) != len(line):
            os.ftruncate(fd, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(fd)


def _note(text: str) -> None:
    """For people, where that is still possible: stderr may be a file on the same disk."""
    with contextlib.suppress(OSError):
        print(f"supervisor: {text}", file=sys.stderr, flush=True)


def _die_with_parent() -> None:
    """In the child, between fork and exec."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _last_error(log: Path) -> str:
    """The last line that a process marked as an error, from the last 4 KiB of its log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:  # there was no room for one
        return ""
    return next((line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), "")
