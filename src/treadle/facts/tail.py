"""Following a file of lines, one fact a line, through restarts of both sides.

The offset names the file (its inode), the byte after the last line taken, and a checksum of the bytes before that
byte. The checksum tells a file that was truncated, or a new one that got the old one's inode, from the one that was
read. Files are rotated by renaming: to `<name>.1`, `<name>-20261122` and the like.
"""

from __future__ import annotations

import asyncio
import glob
import os
import re
import stat
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.base.errors import InputError
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.source import Json

READ_BYTES = 1 << 20
"""At most this is read at a time, and no line may be longer."""
POLL_S = 0.03
_CHECKED_BYTES = 64
_ROTATED = re.compile(r"[.-]\d[\dT:_.-]*")


@dataclass(slots=True)
class _Place:
    """Where reading stands: an open file, the byte after the last line taken, the checksum of what is before it."""

    fd: int
    inode: int
    changed_ns: int
    """When the file was last written to, as of the last reading."""
    at: int = 0
    check: int = 0
    skipping: bool = False
    """Within a line that is too long."""

    def offset(self) -> Json:
        return {
            "inode": self.inode,
            "changed_ns": self.changed_ns,
            "at": self.at,
            "check": self.check,
            "skipping": self.skipping,
        }

    def grown(self) -> bool:
        info = os.fstat(self.fd)
        self.changed_ns = info.st_mtime_ns
        return info.st_size != self.at

    def read(self, size: int) -> tuple[bytes, bytes] | None:
        """The checked bytes before the place and what is behind it; None for a file that is not what was read."""
        back = min(_CHECKED_BYTES, self.at)
        data = os.pread(self.fd, back + size, self.at - back)
        return None if zlib.crc32(data[:back]) != self.check or len(data) < back else (data[:back], data[back:])

    def take(self, before: bytes, taken: bytes) -> None:
        self.at += len(taken)
        self.check = zlib.crc32((before + taken)[-_CHECKED_BYTES:])

    def begin_again(self) -> None:
        self.at = self.check = 0
        self.skipping = False


class LogFileSource:
    """Facts of a growing file, for instance the gateway's access log. A `treadle.facts.source.Source`.

    No line stops it: one that gives no fact, is too long or was never finished becomes part of a gap fact.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        parse: Callable[[bytes], Fact],
        *,
        read_bytes: int = READ_BYTES,
        poll_s: float = POLL_S,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`parse` makes a fact of a line without its newline, and raises anything at all for one that is none."""
        self._name = name
        self._path = path
        self._parse = parse
        self._read_bytes = read_bytes
        self._poll_s = poll_s
        self._now_us = now_us

    @property
    def name(self) -> str:
        """The name under which the offset is kept."""
        return self._name

    async def batches(self, offset: Json) -> AsyncIterator[tuple[Sequence[Fact], Json]]:
        """Facts as they are written, an empty batch whenever the end of the file is reached. Raises OSError."""
        place = self._resume(offset)
        quiet = False
        try:
            while place is None:
                place = _open(self._oldest(offset))
                if offset and offset["inode"] is not None:
                    # Said once: from here on the offset names another file, or none.
                    offset = {"inode": None, "changed_ns": offset["changed_ns"]}
                    what = "it was removed while nobody read it; what had not been read is gone"
                    yield [self._gap("LOG_LOST", what)], place.offset() if place else offset
                elif place is None:
                    yield (), offset
                    await asyncio.sleep(self._poll_s)
            while True:
                successor = self._successor(place)
                read = place.read(self._read_bytes) if place.grown() else (b"", b"")
                if read is None:
                    place.begin_again()
                    yield (
                        [self._gap("LOG_TRUNCATED", "it was truncated; what had not been read is gone")],
                        place.offset(),
                    )
                    continue
                before, fresh = read
                end = fresh.rfind(b"\n") + 1 or (len(fresh) if len(fresh) == self._read_bytes else 0)
                if end:
                    quiet = False
                    start, lines, gap = self._lines(place, fresh[:end])
                    place.take(before, fresh[:end])
                    # Parsing a megabyte takes a while: the loop goes on meanwhile.
                    facts = await asyncio.to_thread(self._facts, lines, start)
                    yield [*gap, *facts], place.offset()
                    continue
                if successor is None or not quiet:
                    # A rotated file is left only after a whole pause without a new line: its writer may be late.
                    quiet = successor is not None
                    yield (), place.offset()
                    await asyncio.sleep(self._poll_s)
                    continue
                torn = (
                    [self._gap("LINE_TORN", "its last line was never finished", missing=1)]
                    if fresh or place.skipping
                    else []
                )
                following = _open(successor)
                if following is not None:
                    os.close(place.fd)
                    place, quiet = following, False
                    yield torn, place.offset()
        finally:
            if place is not None:
                os.close(place.fd)

    def _resume(self, offset: Json) -> _Place | None:
        """The place that an offset names, if that file is still there."""
        if not offset or offset["inode"] is None:
            return None
        for path in [self._path, *self._rotated()]:
            place = _open(path)
            if place is None:
                continue
            if place.inode == offset["inode"]:
                place.at, place.check, place.skipping = offset["at"], offset["check"], offset["skipping"]
                if path == self._path or place.read(0) is not None:
                    return place
            os.close(place.fd)
        return None

    def _oldest(self, offset: Json) -> Path:
        """The oldest file that was written to after the one that the offset named."""
        changed_ns = offset["changed_ns"] if offset else 0
        return next((path for path in self._rotated() if (_changed_ns(path) or 0) > changed_ns), self._path)

    def _successor(self, place: _Place) -> Path | None:
        """The file that was begun after this one, None while this one is the newest."""
        current = _stat(self._path)
        if current is None or current.st_ino == place.inode:
            return None
        changed_ns = os.fstat(place.fd).st_mtime_ns
        return next((path for path in self._rotated() if (_changed_ns(path) or 0) > changed_ns), self._path)

    def _rotated(self) -> list[Path]:
        """The rotated files, the oldest first."""
        name = self._path.name
        found = [
            (changed_ns, path)
            for path in self._path.parent.glob(f"{glob.escape(name)}[.-]*")
            if _ROTATED.fullmatch(path.name.removeprefix(name)) and (changed_ns := _changed_ns(path)) is not None
        ]
        return [path for _, path in sorted(found)]

    def _lines(self, place: _Place, taken: bytes) -> tuple[int, list[bytes], list[Fact]]:
        """The lines within `taken`, and where they begin; one that is too long is reported where it ends."""
        start, gap = place.at, []
        if place.skipping:
            long, newline, taken = taken.partition(b"\n")
            start += len(long) + len(newline)
            if newline:
                place.skipping = False
                gap = [
                    self._gap(
                        "LINE_TOO_LONG", f"a line before byte {start} exceeds {self._read_bytes} bytes", missing=1
                    )
                ]
        elif not taken.endswith(b"\n"):
            place.skipping, taken = True, b""
        return start, taken.split(b"\n"), gap

    def _facts(self, lines: Sequence[bytes], at: int) -> list[Fact]:
        """A fact for each line that is one; neighbours that are none share a gap fact."""
        facts: list[Fact] = []
        bad = begin = 0
        why = ""

        def settle() -> None:
            if bad:
                count = "a line" if bad == 1 else f"{bad} lines"
                facts.append(self._gap("LINE_UNREADABLE", f"{count} from byte {begin} on: {why}", missing=bad))

        for line in lines:
            if line.strip():
                fact, wrong = self._fact(line)
                if wrong:
                    begin, bad, why = (begin, bad + 1, why) if bad else (at, 1, wrong)
                if fact is not None:
                    settle()
                    bad = 0
                    facts.append(fact)
            at += len(line) + 1
        settle()
        return facts

    def _fact(self, line: bytes) -> tuple[Fact | None, str]:
        """The fact of a line, and what is wrong with the line."""
        try:
            return self._parse(line), ""
        except Exception as error:  # noqa: BLE001 - whatever a line does to its parser, the next one must be read
            wrong = f"{type(error).__name__}"
        # A writer that was killed left half a line, and its successor went on behind it: the second part is whole.
        whole = line.rfind(b'{"')
        if whole > 0:
            try:
                return self._parse(line[whole:]), wrong
            except Exception:  # noqa: BLE001, S110 - then it is one bad line
                pass
        return None, wrong

    def _gap(self, code: str, detail: str, missing: int = 0) -> Fact:
        return Fact(
            FactKind.GAP,
            self._now_us(),
            Outcome.FAILED,
            operation=self._name,
            code=code,
            detail=f"{self._path.name}: {detail}",
            missing=missing,
        )


def _open(path: Path) -> _Place | None:
    """The start of a file, None where there is no file yet. Raises OSError, InputError `not-a-log-file`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise InputError("not-a-log-file", f"{path} is not a regular file", "let the engine write its log to a file")
    return _Place(fd, info.st_ino, info.st_mtime_ns)


def _changed_ns(path: Path) -> int | None:
    info = _stat(path)
    return info.st_mtime_ns if info else None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
