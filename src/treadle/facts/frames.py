"""The bytes of a log segment: frames that are whole or not there.

A frame is `<length u32><crc32 u32><payload>`, little-endian, the checksum over the payload. A payload is lines joined
by a newline: first `{"first": seq, "offsets": {…}}`, then one line for each fact, numbered from `first` on. JSON
escapes the newlines and quotes inside a text, so the first line's opening bytes occur once in a frame and nowhere else:
they are how whole frames are found again behind damage.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from treadle.base.errors import EngineError, InputError
from treadle.facts.fact import Fact
from treadle.facts.line import decode

PAYLOAD_BYTES_MAX = 64 << 20
_HEAD = struct.Struct("<II")
_OPENING = b'{"first":'


@dataclass(frozen=True, slots=True)
class Frame:
    """One group of facts and the source offsets that were committed with it. `end` is the byte after it."""

    end: int
    first: int
    offsets: Mapping[str, Any]
    lines: Sequence[bytes]

    @property
    def next(self) -> int:
        """The number of the fact that follows this group."""
        return self.first + len(self.lines)

    def facts(self, after_seq: int = 0) -> Iterator[Fact]:
        """The facts numbered above `after_seq`. Raises ValueError for a line that is no fact."""
        skipped = min(len(self.lines), max(0, after_seq + 1 - self.first))
        for seq, line in enumerate(self.lines[skipped:], self.first + skipped):
            yield decode(line, seq)


class Rest(Enum):
    """What the bytes after the last whole frame are."""

    NOTHING = "nothing"
    SHORT = "short"
    """A frame that was begun and not finished: nobody was told that it is stored."""
    WRONG = "wrong"
    """The size of a frame, at the very end, with other bytes than its checksum says."""
    MORE = "more"
    """A whole frame, written since the reader looked."""
    DAMAGE = "damage"
    """Bytes that are no frame with more behind them: stored facts have been changed."""


def pack(first: int, offsets: Mapping[str, Any], lines: Sequence[bytes]) -> bytes:
    """One frame. Raises InputError `facts-group-too-large`."""
    payload = b"\n".join((orjson.dumps({"first": first, "offsets": offsets}), *lines))
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise InputError(
            "facts-group-too-large",
            f"{len(lines)} facts in one group take {len(payload)} bytes; {PAYLOAD_BYTES_MAX} are allowed",
            "append fewer facts at once",
        )
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def whole_frames(file: BinaryIO, path: Path, at: int = 0) -> Iterator[Frame]:
    """The whole frames of a segment from byte `at` up to the first bytes that are none.

    `path` is named in the EngineError `facts-damaged` that a frame with a right checksum and a wrong content raises.
    """
    file.seek(at)
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        size, checksum = _HEAD.unpack(head)
        if not len(_OPENING) <= size <= PAYLOAD_BYTES_MAX:
            return
        payload = file.read(size)
        if len(payload) < size or zlib.crc32(payload) != checksum:
            return
        start, at = at, at + _HEAD.size + size
        header, *lines = payload.split(b"\n")
        try:
            row = orjson.loads(header)
            frame = Frame(at, int(row["first"]), dict(row["offsets"]), lines)
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(path, start, "a frame does not begin with its number") from error
        yield frame


def judge(rest: bytes) -> Rest:
    """Tell an unfinished last write from damage. `rest` is everything after the last whole frame."""
    if not rest:
        return Rest.NOTHING
    if len(rest) >= _HEAD.size and _is_frame(rest, 0):
        return Rest.MORE
    found = rest.find(_OPENING, _HEAD.size + 1)
    while found != -1:
        if _is_frame(rest, found - _HEAD.size):
            return Rest.DAMAGE
        found = rest.find(_OPENING, found + 1)
    if len(rest) < _HEAD.size or not any(rest):  # a crash of the machine may leave zeros where a write was under way
        return Rest.SHORT
    size, _ = _HEAD.unpack_from(rest)
    if not len(_OPENING) <= size <= PAYLOAD_BYTES_MAX:
        return Rest.WRONG
    end = _HEAD.size + size
    if end < len(rest):
        return Rest.DAMAGE
    return Rest.WRONG if end == len(rest) else Rest.SHORT


def damaged(path: Path, at: int, what: str) -> EngineError:
    """The error for a log that is not what was written."""
    return EngineError(
        "facts-damaged",
        f"{path}, byte {at}: {what}",
        "restore this file from a backup; nothing was changed, and the facts before this byte can still be read",
    )


def _is_frame(data: bytes, at: int) -> bool:
    size: int
    size, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + size
    return (
        size >= len(_OPENING) and end <= len(data) and zlib.crc32(memoryview(data)[at + _HEAD.size : end]) == checksum
    )
