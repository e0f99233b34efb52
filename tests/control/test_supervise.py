"""The supervisor over real processes: starts in order, restarts what dies, stops everything, leaves nothing."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import orjson
import pytest

from treadle.base.errors import EngineError, InputError
from treadle.control.probe import READY, SILENT, Answer, ask
from treadle.control.runfile import alive
from treadle.control.supervise import Process, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


async def yes():
    return READY


class Watch:
    """Runs a supervisor in the background and remembers what it said."""

    def __init__(self, folder: Path, *processes: Process):
        (folder / "log").mkdir(exist_ok=True)
        self.rows: list[dict] = []
        self.history: list[tuple[str, str]] = []
        self.journal = folder / "processes.jsonl"
        self.announced = asyncio.Event()
        self.supervisor = Supervisor(processes, logs=folder / "log", journal=self.journal, on_change=self._changed)
        self.task = asyncio.create_task(self.supervisor.run(self.announced.set))

    def _changed(self, rows):
        self.rows = rows
        self.history = [(row["name"], row["state"]) for row in rows]

    def row(self, name):
        return next(row for row in self.rows if row["name"] == name)

    async def until(self, condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"gave up waiting; last seen {self.rows}"
            await asyncio.sleep(0.01)

    async def stop(self):
        self.supervisor.stop()
        await self.task


async def test_it_announces_once_all_are_ready_and_stops_all(tmp_path):
    watch = Watch(tmp_path, Process("a", SLEEP, yes), Process("b", SLEEP, yes))
    await watch.announced.wait()
    pids = [row["pid"] for row in watch.rows]
    assert all(alive(pid) for pid in pids)
    await watch.stop()
    assert not any(alive(pid) for pid in pids)


async def test_a_killed_process_comes_back_with_another_pid(tmp_path):
    watch = Watch(tmp_path, Process("a", SLEEP, yes))
    await watch.announced.wait()
    first = watch.row("a")["pid"]
    os.kill(first, signal.SIGKILL)
    await watch.until(lambda: watch.row("a")["restarts"] == 1 and watch.row("a")["state"] == "ready")
    assert watch.row("a")["pid"] != first
    await watch.stop()
    states = [orjson.loads(line)["state"] for line in watch.journal.read_bytes().splitlines()]
    assert states == ["starting", "ready", "backoff", "starting", "ready"]


async def test_a_process_waits_for_its_turn(tmp_path):
    gate = tmp_path / "gate"
    watch = Watch(tmp_path, Process("late", SLEEP, yes, after=gate.exists))
    await asyncio.sleep(0.1)
    assert watch.rows == []
    gate.touch()
    await watch.announced.wait()
    await watch.stop()


async def test_a_process_that_says_bad_input_ends_it_all_with_its_words(tmp_path):
    complain = "import sys; print('error: broken-thing: line 3 is odd', file=sys.stderr); sys.exit(3)"

    async def never():
        return SILENT

    watch = Watch(tmp_path, Process("bad", [sys.executable, "-c", complain], never), Process("b", SLEEP, yes))
    with pytest.raises(InputError, match="broken-thing: line 3 is odd"):
        await watch.task
    assert not watch.announced.is_set()
    assert not alive(watch.row("b")["pid"])


async def test_a_program_that_does_not_exist_is_an_engine_error(tmp_path):
    watch = Watch(tmp_path, Process("ghost", [str(tmp_path / "no-such-program")], yes))
    with pytest.raises(EngineError, match="ghost cannot be started"):
        await watch.task


async def test_an_end_that_is_asked_for_during_the_start_ends_it(tmp_path):
    watch = Watch(tmp_path, Process("a", SLEEP, yes))
    for _ in range(2):  # the child is being made
        await asyncio.sleep(0)
    watch.supervisor.stop()
    async with asyncio.timeout(20):
        await watch.task
    assert not any(row["pid"] and alive(row["pid"]) for row in watch.rows)


async def test_a_process_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("treadle.control.supervise.STOP_S", 0.2)
    ready = tmp_path / "ready"
    stubborn = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )

    async def is_ready():
        return READY if ready.exists() else SILENT

    watch = Watch(tmp_path, Process("stubborn", [sys.executable, "-c", stubborn], is_ready))
    await watch.announced.wait()
    pid = watch.row("stubborn")["pid"]
    await watch.stop()
    assert not alive(pid)


class Told:
    """A probe that answers what the test says; of another process than the first it says that it is ready."""

    def __init__(self):
        self.answer = READY
        self.asked = 0
        self.first_pid = None
        self.pid = lambda: None

    async def __call__(self):
        self.asked += 1
        self.first_pid = self.first_pid or self.pid()
        return self.answer if self.pid() == self.first_pid else READY


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr("treadle.control.supervise.PROBE_S", 0.01)
    return Told()


def states(watch):
    return [orjson.loads(line)["state"] for line in watch.journal.read_bytes().splitlines()]


async def test_a_hang_is_told_and_forgiven(tmp_path, told, monkeypatch):
    monkeypatch.setattr("treadle.control.supervise.ENDED_AFTER", 1_000_000)
    watch = Watch(tmp_path, Process("a", SLEEP, told))
    await watch.announced.wait()
    pid = watch.row("a")["pid"]
    told.answer = SILENT
    await watch.until(lambda: watch.row("a")["state"] == "hanging")
    assert watch.row("a")["detail"] == "no answer"
    told.answer = READY
    await watch.until(lambda: watch.row("a")["state"] == "ready")
    assert (watch.row("a")["pid"], watch.row("a")["restarts"], watch.row("a")["detail"]) == (pid, 0, "")
    await watch.stop()
    assert states(watch) == ["starting", "ready", "hanging", "ready"]


async def test_two_missed_answers_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr("treadle.control.supervise.PROBE_S", 0.01)
    answers = [READY, *[SILENT, SILENT, READY] * 10]

    async def asked():
        return answers.pop(0) if answers else READY

    watch = Watch(tmp_path, Process("a", SLEEP, asked))
    await watch.announced.wait()
    await watch.until(lambda: not answers)
    await watch.stop()
    assert states(watch) == ["starting", "ready"]


async def test_a_hang_that_lasts_ends_in_a_restart_that_says_why(tmp_path, told):
    watch = Watch(tmp_path, Process("a", SLEEP, told))
    told.pid = lambda: watch.row("a")["pid"] if watch.rows else None
    await watch.announced.wait()
    first = watch.row("a")["pid"]
    os.kill(first, signal.SIGSTOP)  # SIGTERM would not reach it
    told.answer = SILENT
    await watch.until(lambda: watch.row("a")["restarts"] == 1 and watch.row("a")["state"] == "ready")
    assert not alive(first)
    await watch.stop()
    rows = [orjson.loads(line) for line in watch.journal.read_bytes().splitlines()]
    assert [row["state"] for row in rows] == ["starting", "ready", "hanging", "backoff", "starting", "ready"]
    assert "hung" in rows[3]["detail"]


async def test_a_process_that_says_it_cannot_work_is_renewed_only_where_that_helps(tmp_path, told):
    room = []
    watch = Watch(tmp_path, Process("a", SLEEP, told, renewable=lambda: bool(room)))
    told.pid = lambda: watch.row("a")["pid"] if watch.rows else None
    await watch.announced.wait()
    told.answer = Answer(ready=False, said="says 503 no space")
    await watch.until(lambda: watch.row("a")["state"] == "unready")
    assert watch.row("a")["detail"] == "says 503 no space"
    asked = told.asked
    await watch.until(lambda: told.asked > asked + 20)
    assert watch.row("a")["restarts"] == 0
    room.append(True)
    await watch.until(lambda: watch.row("a")["restarts"] == 1 and watch.row("a")["state"] == "ready")
    await watch.stop()
    assert states(watch) == ["starting", "ready", "unready", "backoff", "starting", "ready"]


async def test_a_full_disk_stops_nothing_and_loses_no_change(tmp_path, capsys):
    """/dev/full fails every write as a full disk does."""
    journal = tmp_path / "processes.jsonl"
    journal.symlink_to("/dev/full")
    watch = Watch(tmp_path, Process("a", SLEEP, yes))
    await watch.announced.wait()
    os.kill(watch.row("a")["pid"], signal.SIGKILL)
    await watch.until(lambda: watch.row("a")["restarts"] == 1 and watch.row("a")["state"] == "ready")
    journal.unlink()
    await watch.until(lambda: journal.exists() and len(states(watch)) == 5)
    assert states(watch) == ["starting", "ready", "backoff", "starting", "ready"]
    said = capsys.readouterr().err
    assert said.count("No space left on device") == 1
    assert "written down again" in said
    await watch.stop()


async def test_a_run_file_that_cannot_be_written_is_written_later(tmp_path, monkeypatch):
    monkeypatch.setattr("treadle.control.supervise.PROBE_S", 0.01)
    room, written, some = [], [], asyncio.Event()

    def write(rows):
        if not room:
            raise OSError(28, "No space left on device")
        written.append(rows)
        some.set()

    (tmp_path / "log").mkdir()
    announced = asyncio.Event()
    supervisor = Supervisor([Process("a", SLEEP, yes)], logs=tmp_path / "log", journal=tmp_path / "j", on_change=write)
    task = asyncio.create_task(supervisor.run(announced.set))
    await announced.wait()
    assert not written
    room.append(True)
    async with asyncio.timeout(20):
        await some.wait()
    assert written[0][0]["state"] == "ready"
    supervisor.stop()
    await task


async def test_a_process_without_room_for_a_log_runs_without_one(tmp_path, capsys):
    watch = Watch(tmp_path, Process("no/such/folder", SLEEP, yes))
    await watch.announced.wait()
    assert alive(watch.row("no/such/folder")["pid"])
    await watch.stop()
    assert "runs without a log" in capsys.readouterr().err


async def test_a_keeper_that_fails_ends_it_all_loudly(tmp_path):
    async def broken():
        raise LookupError("a bug")

    watch = Watch(tmp_path, Process("a", SLEEP, broken), Process("b", SLEEP, yes))
    with pytest.raises(LookupError):
        await watch.task
    assert not any(alive(row["pid"]) for row in watch.rows)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", READY),
        (b'HTTP/1.1 503 X\r\na: b\r\n\r\n{\n "error": 1}', Answer(ready=False, said='says 503 { "error": 1}')),
        (b"HTTP/1.1 503 X\r\n\r\n" + b"x" * 100_000, Answer(ready=False, said="says 503 " + "x" * 391)),
        (b"HTTP/1.1 503 X\r\n\r\n\x1b[2Jgone", Answer(ready=False, said="says 503 \\x1b[2Jgone")),
        (b"", SILENT),
        (b"\n", SILENT),
        (b"x" * 100_000, SILENT),
    ],
)
async def test_what_a_process_says(tmp_path, reply, answer):
    async def say(reader, writer):
        with contextlib.suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
        writer.close()

    path = tmp_path / "s"
    async with await asyncio.start_unix_server(say, path):
        assert await ask(path, "/healthz") == answer


async def test_a_process_that_accepts_and_never_answers_is_silent(tmp_path, monkeypatch):
    monkeypatch.setattr("treadle.control.probe.TIMEOUT_S", 0.05)
    path = tmp_path / "s"
    assert await ask(path, "/healthz") == SILENT  # nobody listens
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert await ask(path, "/healthz") == SILENT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path):
    program = textwrap.dedent(f"""
        import asyncio, pathlib, sys
        from treadle.control.probe import READY
        from treadle.control.supervise import Process, Supervisor
        async def yes(): return READY
        rows = []
        async def main():
            folder = pathlib.Path({str(tmp_path)!r})
            supervisor = Supervisor([Process("a", {SLEEP!r}, yes)], logs=folder, journal=folder / "j",
                                    on_change=rows.extend)
            await supervisor.run(lambda: print(rows[-1]["pid"], flush=True))
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 10
    with contextlib.suppress(ProcessLookupError):
        while alive(child):
            assert time.monotonic() < deadline, "the child outlived its supervisor"
            time.sleep(0.01)
