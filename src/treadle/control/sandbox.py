"""Work on documents of others, in a forked child with limits on memory and time; the parent lives whatever happens.

Budgets inside the readers end most of what means harm. This is for the rest: an algorithm that nobody knew to be slow,
an allocation inside a C library, a stack that overflows there. The child is a fork, so it costs milliseconds and
imports nothing anew; see docs/adr/0012.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from treadle.base.errors import InputError, TreadleError, disk_full

_MIB = 1024 * 1024
_FREE_BYTES = 12 * _MIB
"""What documents of so many bytes together become fits in the memory that every child has."""
_MEMORY_A_BYTE = 24
_RESERVED_A_BYTE = 12
"""orjson asks for so much at once, and uses what it needs of it."""
_CPU_S_A_DOCUMENT = 0.1
_CPU_S_A_MIB = 3.0

_READ_BYTES = 64 * 1024
_Report = tuple[str, Any]
"""What a child says at its end: `done` and the result, `exit` and a code, `error` and its parts, `costly` and why."""


@dataclass(slots=True)
class Limits:
    """What a child may use: in the beginning, and more for each document that it reads (`grant`).

    Wall time is for work that waits for ever; work that computes ends by its CPU time.
    """

    memory_bytes: int = 448 * _MIB
    cpu_s: float = 1.8
    wall_s: float = 600.0
    read_bytes: int = 0

    def grant(self, size: int) -> float:
        """Raise the limits for one more document; returns by how many seconds."""
        covered = max(_FREE_BYTES, self.read_bytes)
        self.read_bytes += size
        self.memory_bytes += _RESERVED_A_BYTE * size + _MEMORY_A_BYTE * max(0, self.read_bytes - covered)
        cpu_s = _CPU_S_A_DOCUMENT + _CPU_S_A_MIB * size / _MIB
        self.cpu_s += cpu_s
        return cpu_s


_TOO_MUCH_MEMORY = "it took more memory than documents of its size need"

_here: list[Limits] = []
"""In a child, its limits."""


class DocumentTooCostly(InputError):  # noqa: N818 - the document is too costly, the error is that
    """The work on a document was ended because it took too much."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "document-too-costly",
            f"the document was given up: {what}",
            "split it, or look for what repeats or nests without end: aliases, allOf, patterns, enums",
        )


def confined(work: Callable[[], Any], limits: Limits | None = None) -> Any:
    """Do `work` in a child and return its result as it comes through JSON. What it prints is printed.

    Raises what `work` raises of TreadleError (its class becomes TreadleError with the same exit code) and SystemExit,
    and `DocumentTooCostly` where the child was ended by a limit or by a crash. Where a system has no fork, the work is
    done here, without limits.
    """
    if not hasattr(os, "fork"):
        return orjson.loads(orjson.dumps(work()))
    limits = limits or Limits()
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, limits, writer)
    os.close(writer)
    said: bytes | None = None
    try:
        said = _listen(reader, limits.wall_s)
    finally:
        os.close(reader)
        if said is None:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return _verdict(said, status, limits)


def grant(size: int) -> None:
    """Allow more, because a document of `size` bytes was read; outside of a child there is nothing to allow."""
    for limits in _here:
        cpu_s = limits.grant(size)
        left_s, _ = signal.getitimer(signal.ITIMER_PROF)
        signal.setitimer(signal.ITIMER_PROF, left_s + cpu_s)
        _limit_memory(limits.memory_bytes)


def _child(work: Callable[[], Any], limits: Limits, writer: int) -> NoReturn:
    """The whole life of the child. Nothing of the parent's is run at its end: no handlers, no cleaning up."""
    code = 1
    gc.disable()  # what is read stays to the end, and looking for garbage among it takes a fifth of the time
    try:
        _limit(limits)
        report = _run(work)
        with contextlib.suppress(OSError):  # a reader of stdout that went away
            sys.stdout.flush()
            sys.stderr.flush()
        with os.fdopen(writer, "wb") as out:
            out.write(orjson.dumps(report))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may climb into the parent's frames
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _limit(limits: Limits) -> None:
    _here[:] = [limits]
    _limit_memory(limits.memory_bytes)
    # Unlike RLIMIT_CPU this counts below a second; the default of its signal is to end the process, in C code too.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)


def _limit_memory(most: int) -> None:
    """Private memory that can be written; mapped programs and unused address space do not count."""
    import resource

    with contextlib.suppress(ValueError, OSError):  # a system may know no such limit, or have a lower one
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _run(work: Callable[[], Any]) -> _Report:
    try:
        return "done", work()
    except SystemExit as end:
        return "exit", end.code
    except TreadleError as error:
        return "error", [error.code, error.message, error.hint, error.exit_code]
    except BrokenPipeError:
        return "exit", 0
    except OSError as why:
        full = disk_full(why)
        if full is None:
            raise
        return "error", [full.code, full.message, full.hint, full.exit_code]
    except (MemoryError, SystemError):  # the latter is how some C code says that it got no memory
        return "costly", _TOO_MUCH_MEMORY
    except RecursionError:
        return "costly", "it is nested too deep"


def _listen(reader: int, wall_s: float) -> bytes | None:
    """Everything that the child says until its end, or None where it does not end in time."""
    said = bytearray()
    deadline = time.monotonic() + wall_s
    with selectors.DefaultSelector() as waiting:
        waiting.register(reader, selectors.EVENT_READ)
        while waiting.select(max(0.0, deadline - time.monotonic())):
            part = os.read(reader, _READ_BYTES)
            if not part:
                return bytes(said)
            said += part
    return None


def _verdict(said: bytes | None, status: int, limits: Limits) -> Any:
    if said is None:
        raise DocumentTooCostly(f"it took more than {limits.wall_s:g} s")
    if not os.WIFEXITED(status):
        raise DocumentTooCostly(_why(os.WTERMSIG(status)))
    if os.WEXITSTATUS(status):
        raise SystemExit(os.WEXITSTATUS(status))
    kind, what = orjson.loads(said)
    if kind == "costly":
        raise DocumentTooCostly(what)
    if kind == "exit":
        raise SystemExit(what)
    if kind == "error":
        code, message, hint, exit_code = what
        error = TreadleError(code, message, hint)
        error.exit_code = exit_code
        raise error
    return what


def _why(number: int) -> str:
    if number == signal.SIGPROF:
        return "it took more computing time than documents of its size need"
    if number == signal.SIGABRT:  # what Rust and C++ do where memory ends
        return _TOO_MUCH_MEMORY
    return f"the work on it was ended by {signal.Signals(number).name}"
