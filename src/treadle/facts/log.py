"""The fact log: append-only segments, durable before anybody is told.

One `append` is one frame and one fdatasync. The offsets of the sources travel in the frame of the facts that were
read up to them, so after a crash either both are there or neither: nothing is lost and nothing is read twice. The
first frame of a segment holds every offset, so that opening reads one segment only.

A segment is named by the number of its first fact: `wal-0000000000000001.log`.

Threads: `append` may be called from any thread and blocks for the sync; asyncio code uses `treadle.facts.commit`.
Processes: one writer, kept by flock; any number of readers through `read_log`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from treadle.base.errors import EngineError, InputError
from treadle.base.files import sync_folder
from treadle.facts.fact import Fact
from treadle.facts.frames import Frame, Rest, damaged, judge, pack, whole_frames
from treadle.facts.line import decode, encode

SEGMENT_BYTES = 16 << 20
_READ_BYTES = 1 << 20
_DOUBTS_MAX = 3
_SEGMENT = re.compile(r"wal-(\d{16})\.log")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FactLog:
    """The writer's side. Close it, or use it as a context manager."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open or create the log in `folder`.

        An unfinished last frame is cut off; bytes that might once have been a stored frame are set aside beside the
        segment before. Raises EngineError `facts-locked`, `facts-damaged`, `facts-disk-full`, `facts-write-failed`.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._mutex = threading.Lock()
        self._fd = -1
        self._size = 0
        self._segment_first = 1
        self._next = 1
        self._offsets: dict[str, Any] = {}
        self._unclean = False
        self.cut_bytes = 0
        """How much of an unfinished last frame was cut off on opening."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(folder)
            try:
                self._recover()
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise _failed(error, folder) from error

    def append(self, facts: Sequence[Fact], offsets: Mapping[str, Any] | None = None) -> tuple[Fact, ...]:
        """Store facts and source offsets together; on return both are on disk, the facts carry their `seq`.

        Raises InputError `fact-not-storable` or `facts-group-too-large` before anything is written, EngineError
        `facts-disk-full` or `facts-write-failed` after what was written has been taken back. The log stays usable.
        """
        lines = [encode(fact) for fact in facts]
        try:
            moved = orjson.loads(orjson.dumps(dict(offsets or {})))
        except TypeError as error:
            raise InputError("offset-not-json", f"a source's offset is not JSON: {error}") from error
        with self._mutex:
            if self._fd < 0:
                raise EngineError("facts-closed", "the fact log is closed")
            if not lines and not moved:
                return ()
            try:
                self._take_back()
                if self._size >= self._segment_bytes and self._next > self._segment_first:
                    self._open(self._next)
                known = self._offsets | moved
                frame = pack(self._next, moved if self._size else known, lines)
                self._write(frame)
            except OSError as error:
                raise _failed(error, self._folder) from error
            first = self._next
            self._next += len(lines)
            self._size += len(frame)
            self._offsets = known
        # Read back from its line: what the caller goes on with is what the log holds, cut texts and all.
        return tuple(decode(line, seq) for seq, line in enumerate(lines, first))

    def offsets(self) -> dict[str, Any]:
        """How far each source has been read, as of the last append."""
        with self._mutex:
            copied: dict[str, Any] = orjson.loads(orjson.dumps(self._offsets))
            return copied

    @property
    def last_seq(self) -> int:
        """The number of the newest fact, 0 where there is none."""
        return self._next - 1

    def read(self, after_seq: int = 0) -> Iterator[Fact]:
        """The facts numbered above `after_seq`, in order: `read_log` of this folder."""
        return read_log(self._folder, after_seq)

    def close(self) -> None:
        """Let go of the files and the lock. What was appended is on disk already."""
        with self._mutex:
            for fd in (self._fd, self._lock):
                if fd >= 0:
                    os.close(fd)
            self._fd = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _recover(self) -> None:
        paths = _segments(self._folder)
        if not paths:
            self._open(1)
            return
        newest = paths[-1]
        last, self._size = self._replay(newest, newest=True)
        self._segment_first = self._next = _first_of(newest)
        if last is None and len(paths) > 1:
            # The crash came between making a segment and writing to it: the one before holds the offsets.
            last, _ = self._replay(paths[-2], newest=False)
            if last is None or last.next != self._next:
                raise damaged(newest, 0, "the facts before it are missing")
        if last is not None:
            self._next = last.next
        self._fd = os.open(newest, os.O_WRONLY | os.O_APPEND)

    def _replay(self, path: Path, *, newest: bool) -> tuple[Frame | None, int]:
        """The last whole frame of a segment and where it ends; the unfinished tail of the newest one is cut off."""
        frame, whole, expected = None, 0, _first_of(path)
        with path.open("rb") as file:
            for frame in whole_frames(file, path):
                if frame.first != expected:
                    raise damaged(path, whole, f"the facts from {expected} on are missing")
                whole, expected = frame.end, frame.next
                self._offsets.update(frame.offsets)
            file.seek(whole)
            rest = file.read()
        verdict = judge(rest)
        if verdict is Rest.DAMAGE or (verdict is not Rest.NOTHING and not newest):
            raise damaged(path, whole, "the bytes here are not what was written, and more was written behind them")
        if verdict is not Rest.NOTHING:
            if verdict is Rest.WRONG:
                _set_aside(path.with_name(f"{path.stem}.cut-{whole}"), rest)
            _truncate(path, whole)
            self.cut_bytes = len(rest)
        return frame, whole

    def _open(self, first: int) -> None:
        """Make a segment and its name durable, then let go of the one before."""
        path = self._folder / f"wal-{first:016}.log"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A segment that could not be made known the last time is taken up again; it holds nothing.
            if os.fstat(fd).st_size:
                raise damaged(path, 0, "a new segment is not empty")
            sync_folder(self._folder)
        except BaseException:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size, self._segment_first = fd, 0, first

    def _write(self, frame: bytes) -> None:
        """All of the frame on disk, or none of it in the file."""
        self._unclean = True
        try:
            left = memoryview(frame)
            while left:
                left = left[os.write(self._fd, left) :]
            os.fdatasync(self._fd)
        except OSError:
            with suppress(OSError):  # tried again before the next frame; until then readers stop before this one
                self._take_back()
            raise
        self._unclean = False

    def _take_back(self) -> None:
        """Cut off a frame that could not be finished."""
        if self._unclean:
            os.ftruncate(self._fd, self._size)
            os.fdatasync(self._fd)
            self._unclean = False


def read_log(folder: Path, after_seq: int = 0) -> Iterator[Fact]:
    """The facts numbered above `after_seq`, in order, from any process, also while the log is being written.

    Stops at an unfinished last frame: what comes after will be there for the next call. Raises EngineError
    `facts-damaged` at the byte where the log is not what was written, after yielding what comes before.
    """
    paths = _segments(folder)
    if not paths:
        return
    begin = max((at for at, path in enumerate(paths) if _first_of(path) <= after_seq + 1), default=0)
    for path, following in zip(paths[begin:], [*paths[begin + 1 :], None], strict=True):
        expected = yield from _read_segment(path, after_seq, newest=following is None)
        if following and _first_of(following) != expected:
            raise damaged(following, 0, f"the facts from {expected} on are missing before it")


def _read_segment(path: Path, after_seq: int, *, newest: bool) -> Generator[Fact, None, int]:
    """The facts of one segment above `after_seq`; returns the number of the fact that follows it."""
    whole, expected, doubts = 0, _first_of(path), 0
    while True:
        with path.open("rb", buffering=_READ_BYTES) as file:
            for frame in whole_frames(file, path, whole):
                if frame.first != expected:
                    raise damaged(path, whole, f"the facts from {expected} on are missing")
                try:
                    yield from frame.facts(after_seq)
                except ValueError as error:
                    raise damaged(path, whole, f"a line is not a fact: {error}") from error
                whole, expected = frame.end, frame.next
            file.seek(whole)
            verdict = judge(file.read())
        if verdict is Rest.MORE:
            continue
        if verdict is Rest.NOTHING or (newest and verdict is not Rest.DAMAGE):
            return expected
        # The writer may have taken a frame back and written another one while this was read: look again.
        doubts += 1
        if doubts == _DOUBTS_MAX:
            raise damaged(path, whole, "the bytes here are not what was written, and more was written behind them")


def _segments(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))
    except FileNotFoundError:
        return []


def _first_of(path: Path) -> int:
    return int(path.name[4:20])


def _lock(folder: Path) -> int:
    """Be the only writer of a folder, for as long as the descriptor is open."""
    path = folder / "wal.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        os.close(fd)
        raise EngineError(
            "facts-locked",
            f"another process writes the fact log in {folder}" + (f" (pid {holder})" if holder else ""),
            "one fabric runs in a workspace at a time; see `treadle status`, stop it with `treadle down`",
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)
    return fd


def _truncate(path: Path, size: int) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def _set_aside(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(fd)
    sync_folder(path.parent)


def _failed(error: OSError, folder: Path) -> EngineError:
    if error.errno in _FULL:
        return EngineError(
            "facts-disk-full",
            f"no room for facts in {folder}: {error.strerror}",
            "make room on this file system; what was acknowledged is stored, and writing goes on by itself",
        )
    return EngineError(
        "facts-write-failed", f"the fact log in {folder} cannot be written: {error.strerror}", "see the system's log"
    )
