"""run.json on a disk without room, and what its states mean to those who read it."""

import errno

import orjson
import pytest

from treadle.base.errors import EngineError
from treadle.control import runfile
from treadle.control.journal import fact_of_change
from treadle.control.runfile import read_run, write_run
from treadle.control.state import State
from treadle.control.watch import Watch
from treadle.facts.fact import Outcome
from treadle.insight.state import Run


@pytest.fixture
def state(tmp_path):
    made = State(tmp_path)
    made.folder.mkdir()
    return made


def row(name, state, detail=""):
    return {"name": name, "pid": 1, "state": state, "detail": detail, "since": 2.0, "started": 1.0}


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_without_room_it_is_written_in_place(state, monkeypatch):
    write_run(state, {"processes": [row("nats", "ready")]})
    inode = state.run_file.stat().st_ino
    monkeypatch.setattr(runfile, "write_atomically", no_room)
    more = {"processes": [row(str(number), "ready", "x" * 100) for number in range(20)]}
    write_run(state, more)
    assert read_run(state) == more
    less = {"processes": []}
    write_run(state, less)
    assert read_run(state) == less
    assert state.run_file.stat().st_ino == inode
    with pytest.raises(OSError, match="No space left"):
        write_run(state, {"processes": ["x" * 20_000]})
    assert read_run(state) == less


def test_a_reader_that_comes_between_reads_again(state, monkeypatch):
    state.run_file.write_bytes(b'{"processes": [], "torn')

    def written_meanwhile(_):
        state.run_file.write_bytes(b'{"processes": []}   ')

    monkeypatch.setattr(runfile.time, "sleep", written_meanwhile)
    assert read_run(state) == {"processes": []}
    state.run_file.write_bytes(b"torn for ever")
    monkeypatch.setattr(runfile.time, "sleep", lambda _: None)
    with pytest.raises(EngineError, match="not what was written"):
        read_run(state)


@pytest.mark.parametrize(
    ("word", "run", "code"),
    [
        ("waiting", Run.STARTING, ""),
        ("starting", Run.STARTING, ""),
        ("ready", Run.UP, ""),
        ("hanging", Run.DOWN, "PROCESS_HANGS"),
        ("unready", Run.DOWN, "PROCESS_UNREADY"),
        ("backoff", Run.DOWN, "PROCESS_DIED"),
        ("stopped", Run.DOWN, "PROCESS_DIED"),
    ],
)
def test_every_state_is_known_to_the_console_and_to_the_facts(state, word, run, code):
    write_run(state, {"processes": [row("nats", word, "no answer")]})
    engine, _ = Watch(state, reconciler=None, gauges=None, quotas=list).engines()
    assert (engine.name, engine.run) == ("nats", run)
    assert engine.detail == (f"{word}: no answer" if word in {"hanging", "unready"} else "no answer")
    fact = fact_of_change(orjson.dumps({"at_us": 5, **row("nats", word, "no answer")}))
    assert (fact.code, fact.outcome, fact.operation) == (code, Outcome.FAILED if code else Outcome.OK, word)
