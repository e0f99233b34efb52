"""Following a file: each line once, through rotation, truncation, restarts and rubbish."""

import asyncio
import os
import random
from pathlib import Path

import orjson
import pytest
from tests.facts.made import call

from treadle.base.errors import InputError
from treadle.facts.fact import FactKind
from treadle.facts.tail import LogFileSource


def parse(line):
    return call(orjson.loads(line)["n"])


def line(n):
    return b'{"n":%d}\n' % n


def write(path, *parts):
    with path.open("ab") as file:
        for part in parts:
            file.write(part if isinstance(part, bytes) else line(part))


class Reader:
    """Reads a file in steps, as the collector does: what was not taken is not committed."""

    def __init__(self, path, **options):
        self.source = LogFileSource("lines", path, parse, poll_s=0.001, now_us=lambda: 0, **options)
        self.offset = None

    def read(self, batches=None):
        """Facts up to a number of batches, or, by default, until the end has been reported a few times."""
        return asyncio.run(self._read(batches))

    async def _read(self, batches):
        facts, quiet = [], 0
        stream = self.source.batches(self.offset)
        async for batch, offset in stream:
            facts += batch
            quiet = 0 if batch or offset != self.offset else quiet + 1
            self.offset = orjson.loads(orjson.dumps(offset))
            if batches is not None:
                batches -= 1
            if quiet > 4 or batches == 0:
                break
        await stream.aclose()
        return [fact.code or fact.at_us for fact in facts]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "access.log"


def test_lines_are_read_once_as_they_come(path):
    reader = Reader(path)
    assert reader.read() == []
    write(path, 1, 2)
    assert reader.read() == [1, 2]
    assert reader.read() == []
    write(path, 3)
    assert reader.read() == [3]


def test_a_line_is_read_when_it_is_whole(path):
    reader = Reader(path)
    write(path, 1, b'{"n"')
    assert reader.read() == [1]
    assert reader.read() == []
    write(path, b":2}")
    assert reader.read() == []
    write(path, b"\n")
    assert reader.read() == [2]


def test_rubbish_is_a_gap_and_never_the_end(path):
    write(path, 1, b"rubbish\n", b"\n", b"[]\n", b"\xff\xfe\n", 2, b"{}\n", 3)
    reader = Reader(path)

    async def first():
        stream = reader.source.batches(None)
        batch, _ = await anext(stream)
        await stream.aclose()
        return batch

    batch = asyncio.run(first())
    assert [fact.code or fact.at_us for fact in batch] == [1, "LINE_UNREADABLE", 2, "LINE_UNREADABLE", 3]
    assert [fact.missing for fact in batch] == [0, 3, 0, 1, 0]
    assert batch[1].kind is FactKind.GAP
    assert batch[1].detail == "access.log: 3 lines from byte 8 on: JSONDecodeError"
    assert not any("rubbish" in fact.detail for fact in batch)


def test_half_a_line_of_a_killed_writer_does_not_take_its_successors_line_along(path):
    write(path, 1, b'{"n":2, "m":{"x', 3, b'{"n":4, "m":{"n":5}', b"}\n")
    assert Reader(path).read() == [1, "LINE_UNREADABLE", 3, 4]


@pytest.mark.parametrize("size", [100, 64, 65, 1000])
def test_a_line_that_is_too_long_is_skipped_also_over_a_restart(path, size):
    write(path, 1, b"x" * size + b"y" * 1000)
    reader = Reader(path, read_bytes=64)
    seen = reader.read(batches=2)
    write(path, b"\n", 2)
    seen += reader.read()
    assert seen == [1, "LINE_TOO_LONG", 2]


@pytest.mark.parametrize("running", [True, False])
def test_rotation_by_renaming(path, running):
    reader = Reader(path)
    write(path, 1)
    seen = reader.read()

    async def rotate():
        path.rename(path.with_name("access.log.1"))
        # The writer goes on in the renamed file until it is told to open its log again.
        write(path.with_name("access.log.1"), 2)
        await asyncio.sleep(0.01)
        write(path, 3)
        write(path.with_name("access.log.1"), b'{"torn"')

    async def both():
        reading = asyncio.create_task(reader._read(None))
        await rotate()
        return await reading

    if running:
        seen += asyncio.run(both())
    else:
        asyncio.run(rotate())
    seen += reader.read()
    write(path, 4)
    assert seen + reader.read() == [1, 2, "LINE_TORN", 3, 4]


def test_files_rotated_several_times_while_nobody_read_are_read_in_order(path):
    reader = Reader(path)
    write(path, 1)
    seen = reader.read()
    for n in range(2, 6):
        write(path, n)
        for old in range(n, 0, -1):
            before = path.with_name(f"access.log.{old}")
            if before.exists():
                before.rename(path.with_name(f"access.log.{old + 1}"))
        path.rename(path.with_name("access.log.1"))
        os.utime(path.with_name("access.log.1"), ns=(n * 10**9, n * 10**9))
    write(path, 6)
    write(path.with_name("access.log.bak"), 1, 2)
    write(path.with_name("access.log.1.gz"), b"\x1f\x8b")
    assert seen + reader.read() == [1, 2, 3, 4, 5, 6]


def test_a_truncated_file_is_read_from_its_start(path):
    reader = Reader(path)
    write(path, 1, 2)
    assert reader.read() == [1, 2]
    path.write_bytes(line(3))
    assert reader.read() == ["LOG_TRUNCATED", 3]
    # Grown beyond the old place within one poll: only the bytes before the place tell.
    path.write_bytes(line(4) + line(5) + line(6))
    assert reader.read() == ["LOG_TRUNCATED", 4, 5, 6]


def test_a_file_that_was_removed_while_nobody_read_is_reported_once(path, tmp_path):
    reader = Reader(path)
    write(path, 1)
    reader.read()
    write(tmp_path / "keeps the inode from being given out again", 1)
    path.rename(tmp_path / "elsewhere")
    assert reader.read(batches=2) == ["LOG_LOST"]
    assert reader.read() == []
    write(path, 2)
    assert reader.read() == [2]


def test_what_is_no_file_is_a_typed_error(path):
    os.mkfifo(path)
    with pytest.raises(InputError, match="not-a-log-file"):
        Reader(path).read()


def test_descriptors_are_given_back(path):
    write(path, 1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    reader = Reader(path)
    for n in range(5):
        write(path, n)
        reader.read()
        path.rename(path.with_name(f"access.log.{n}"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("seed", range(8))
def test_any_history_gives_each_line_once(path, seed):
    """Torn writes, rotation and restarts at random moments."""
    chance = random.Random(seed)
    reader = Reader(path, read_bytes=chance.choice([40, 4096]))
    seen, n, rest, rotated = [], 0, b"", 0
    for _ in range(40):
        match chance.randrange(5):
            case 0 | 1:
                for _ in range(chance.randrange(1, 6)):
                    rest += line(n)
                    n += 1
                cut = chance.randrange(len(rest) + 1)
                write(path, rest[:cut])
                rest = rest[cut:]
            case 2 if path.exists():
                write(path, rest)
                rest = b""
                rotated += 1
                # Files get distinct times, as they do when more than a moment lies between two rotations.
                os.utime(path, ns=(rotated * 10**9, rotated * 10**9))
                path.rename(path.with_name(f"access.log-{rotated:08}"))
            case _:
                seen += reader.read(batches=chance.randrange(1, 5))
    write(path, rest)
    seen += reader.read()
    assert seen == list(range(n))
