"""The access log is kept short, and nothing is deleted that was not read."""

import pytest

from treadle.base.errors import EngineError
from treadle.control.rotate import Rotation


class Log:
    """A log with a writer that holds its file open, as Envoy does, and a reader somewhere in it."""

    def __init__(self, folder):
        self.path = folder / "access.log"
        self.old = folder / "access.log.1"
        self.writer = self.path.open("ab")
        self.read = None
        self.away = False
        self.rotation = Rotation(self.path, self.reopen, lambda: self.read, bytes_max=10, age_s_max=100)

    async def reopen(self):
        if self.away:
            raise EngineError("engine-unreachable", "away", "")
        self.writer.close()
        self.writer = self.path.open("ab")

    def write(self, text):
        self.writer.write(text.encode())
        self.writer.flush()

    def reads(self, path):
        self.read = path.stat().st_ino


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path)
    yield made
    made.writer.close()


async def test_a_short_young_log_is_left_alone(log):
    log.write("short")
    await log.rotation.look(1)
    assert not log.old.exists()


async def test_a_long_log_is_renamed_and_kept_until_it_was_read(log):
    log.write("longer than ten bytes")
    log.reads(log.path)
    await log.rotation.look(1)
    assert log.old.read_text() == "longer than ten bytes"
    log.write("next")
    await log.rotation.look(2)
    assert log.old.exists(), "the collector is still in it"
    log.reads(log.path)
    await log.rotation.look(3)
    assert not log.old.exists()
    assert log.path.read_text() == "next"


async def test_an_old_log_is_rotated_though_it_is_short(log):
    log.write("a")
    await log.rotation.look(101)
    assert log.old.exists()


async def test_an_empty_log_is_never_rotated(log):
    await log.rotation.look(1_000)
    assert not log.old.exists()


async def test_a_writer_that_was_away_loses_nothing_and_is_asked_again(log):
    log.write("longer than ten bytes")
    log.away = True
    with pytest.raises(EngineError):
        await log.rotation.look(1)
    log.write(" and more")
    assert log.old.read_text() == "longer than ten bytes and more"
    log.away = False
    await log.rotation.look(2)
    log.write("new")
    assert log.path.read_text() == "new"
    assert log.old.exists()
