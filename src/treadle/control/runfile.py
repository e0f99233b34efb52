"""`run.json`: the truth about what runs. The supervisor writes it; everybody else reads it.

Shape: `{"workspace", "name", "environment", "overlays", "gateway", "ca", "certificate", "console", "issuer", "nats",
"ready", "ports", "engines", "supervisor": {"pid"}, "processes": [{"name", "pid", "port", "url", "state", "restarts",
"since", "started", "detail"}]}`. URLs are strings. `ca` is the path of the certificate that the gateway is known by,
`certificate` the folder of one (tls.crt, tls.key) that the fabric's own programs show where it demands one. A key
appears when its part exists. A process's `state` is `waiting`, `starting`, `ready`, `hanging`, `unready`, `backoff` or
`stopped`, see `supervise.py`; `ready` of the whole is true where each is.
It ends in blanks: room to write it in place while the disk is full.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from treadle.base.errors import EngineError
from treadle.base.files import write_atomically
from treadle.control.state import State

Run = dict[str, Any]

_SPARE_BYTES = 8192
_READS_MAX = 10


def write_run(state: State, run: Run) -> None:
    """Replace run.json as a whole; where there is no room for another one, write over it. Raises OSError."""
    data = orjson.dumps(run, option=orjson.OPT_INDENT_2)
    try:
        write_atomically(state.run_file, data.ljust(len(data) + _SPARE_BYTES), durable=False)
    except OSError:
        _write_over(state.run_file, data)


def read_run(state: State) -> Run | None:
    """What the supervisor last wrote, or None where nothing runs. Says nothing of whether it is still alive."""
    for _ in range(_READS_MAX):
        try:
            run: Run = orjson.loads(state.run_file.read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError:  # it is being written over in this moment
            time.sleep(0.01)
        else:
            return run
    raise EngineError(
        "run-file-damaged", f"{state.run_file} is not what was written", "stop the fabric, start it again"
    )


def running(state: State) -> Run | None:
    """What runs now: None unless a live supervisor holds the lock. Raises EngineError `run-file-lost`."""
    pid = supervisor_pid(state)
    if pid is None:
        return None
    run = read_run(state)
    if run is None:
        raise EngineError(
            "run-file-lost",
            f"a fabric runs (its supervisor is process {pid}), but {state.run_file} is gone",
            "stop it with: treadle down",
        )
    return run


def require_running(state: State) -> Run:
    """What runs now. Raises EngineError `not-running` and `run-file-lost`."""
    run = running(state)
    if run is None:
        raise EngineError(
            "not-running", f"no fabric runs for the workspace {state.root}", "start it with: treadle up --detach"
        )
    return run


def supervisor_pid(state: State) -> int | None:
    """The pid of the supervisor, or None where none is alive: the kernel drops its lock with it, however it ends."""
    try:
        fd = os.open(state.lock_file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        while not (pid := os.pread(fd, 32, 0)):  # locked, and not yet signed
            time.sleep(0.001)
        return int(pid)
    finally:
        os.close(fd)
    return None


def _write_over(path: Path, data: bytes) -> None:
    """Write into the blocks that a file has already. Raises OSError where they are not enough, or are never reused."""
    fd = os.open(path, os.O_WRONLY)
    try:
        size = os.fstat(fd).st_size
        if len(data) > size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.pwrite(fd, data.ljust(size), 0)
    finally:
        os.close(fd)


@contextmanager
def the_lock(state: State) -> Iterator[None]:
    """Be the one supervisor of a workspace; its sockets go with it. Raises EngineError `already-up`."""
    fd = _lock(state)
    try:
        os.truncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        for each in (*state.all_sockets, state.lock_file):
            each.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps something there: it is theirs
            state.sockets.rmdir()
        os.close(fd)


def _lock(state: State) -> int:
    while True:
        state.prepare()
        fd = os.open(state.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise EngineError(
                "already-up",
                f"a fabric already runs for the workspace {state.root}",
                "look at it with: treadle status; stop it with: treadle down",
            ) from None
        with suppress(FileNotFoundError):
            if state.lock_file.stat().st_ino == os.fstat(fd).st_ino:
                return fd
        os.close(fd)  # the one before us removed it in this moment: ours would be a lock that nobody sees


def alive(pid: int | None) -> bool:
    """Whether a process of this pid exists and is not a zombie."""
    if not pid:
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - read on every status of every process
            return stat.read().rpartition(b")")[2].split()[0] != b"Z"
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):  # noqa: PTH112 - the same hot path
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
