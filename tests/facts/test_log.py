"""The fact log: what was acknowledged is there, whatever happens to the last write."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.made import FACTS, call

from treadle.base.errors import EngineError, InputError
from treadle.facts.log import FactLog, read_log

WRITER = Path(__file__).with_name("writer.py")


def segments(folder):
    return sorted(folder.glob("wal-*.log"))


def written(folder, groups=3, size=2, **options):
    with FactLog(folder, **options) as log:
        for group in range(groups):
            at = group * size
            log.append([call(at + n + 1) for n in range(size)], {"source": {"at": at + size}})
    return segments(folder)


def test_append_numbers_facts_and_they_are_read_in_order(tmp_path):
    with FactLog(tmp_path) as log:
        assert [fact.seq for fact in log.append([call(10), call(20)])] == [1, 2]
        assert [fact.seq for fact in log.append([call(30)])] == [3]
        assert [(fact.seq, fact.at_us) for fact in log.read()] == [(1, 10), (2, 20), (3, 30)]
        assert [fact.at_us for fact in log.read(after_seq=1)] == [20, 30]
        assert list(log.read(after_seq=3)) == []
        assert log.last_seq == 3


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(FACTS, max_size=4), st.dictionaries(st.text(max_size=5), st.integers(0, 9)))))
def test_everything_appended_comes_back_after_a_restart(tmp_path_factory, groups):
    folder = tmp_path_factory.mktemp("log")
    stored, offsets = [], {}
    for facts, moved in groups:
        # A segment of one byte: every append with facts begins a new one.
        with FactLog(folder, segment_bytes=1) as log:
            stored += log.append(facts, moved)
            offsets |= moved
    with FactLog(folder) as log:
        assert list(log.read()) == stored
        assert [fact.seq for fact in stored] == list(range(1, len(stored) + 1))
        assert log.offsets() == offsets


def test_offsets_survive_rotation_though_only_one_source_moves(tmp_path):
    with FactLog(tmp_path, segment_bytes=200) as log:
        log.append([], {"quiet": {"at": 1}})
        for n in range(30):
            log.append([call(n)], {"busy": n})
    assert len(segments(tmp_path)) > 3
    with FactLog(tmp_path) as log:
        assert log.offsets() == {"quiet": {"at": 1}, "busy": 29}
        assert [fact.at_us for fact in log.read()] == list(range(30))
        assert [fact.at_us for fact in log.read(after_seq=17)] == list(range(17, 30))


def test_offsets_given_out_are_the_callers_own(tmp_path):
    with FactLog(tmp_path) as log:
        log.append([], {"source": {"at": 1}})
        log.offsets()["source"]["at"] = 2
        assert log.offsets() == {"source": {"at": 1}}


def test_files_are_private(tmp_path):
    (path,) = written(tmp_path / "facts")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_truncation_at_every_byte_of_the_last_frame_loses_that_frame_and_no_more(tmp_path):
    (path,) = written(tmp_path, groups=2)
    before_last = path.stat().st_size
    with FactLog(tmp_path) as log:
        log.append([call(5), call(6)], {"source": {"at": 6}})
    whole = path.read_bytes()
    for size in range(before_last, len(whole)):
        path.write_bytes(whole[:size])
        assert [fact.at_us for fact in read_log(tmp_path)] == [1, 2, 3, 4]
        with FactLog(tmp_path) as log:
            assert log.cut_bytes == size - before_last
            assert log.offsets() == {"source": {"at": 4}}
            assert [fact.seq for fact in log.append([call(7)], {"source": {"at": 7}})] == [5]
        with FactLog(tmp_path) as log:
            assert log.cut_bytes == 0
            assert [fact.at_us for fact in log.read()] == [1, 2, 3, 4, 7]
            assert log.offsets() == {"source": {"at": 7}}
    assert [path] == [each for each in tmp_path.iterdir() if each.name != "wal.lock"]


def test_zeros_that_a_power_loss_left_are_cut(tmp_path):
    (path,) = written(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(5000))
    with FactLog(tmp_path) as log:
        assert log.cut_bytes == 5000
        assert len(list(log.read())) == 6


def test_damage_at_every_byte_before_the_last_frame_is_named_and_nothing_is_touched(tmp_path):
    (path,) = written(tmp_path, groups=2)
    last_frame = path.stat().st_size
    written(tmp_path, groups=1)
    whole = path.read_bytes()
    for at in range(last_frame):
        bad = bytearray(whole)
        bad[at] ^= 0x41
        path.write_bytes(bad)
        with pytest.raises(EngineError) as caught:
            FactLog(tmp_path)
        assert caught.value.code == "facts-damaged"
        begin = 0 if at < last_frame / 2 else last_frame // 2
        assert f"{path}, byte {begin}:" in caught.value.message
        facts = read_log(tmp_path)
        assert [next(facts).at_us for _ in range(2 if begin else 0)] == [1, 2][: begin and 2]
        with pytest.raises(EngineError) as caught:
            next(facts)
        assert f"{path}, byte {begin}:" in caught.value.message
        assert path.read_bytes() == bad


def test_damage_just_before_a_torn_tail_is_no_tail(tmp_path):
    (path,) = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + b"???" + whole[:20])
    with pytest.raises(EngineError, match="facts-damaged"):
        FactLog(tmp_path)


def test_a_last_frame_of_the_right_size_and_wrong_bytes_is_set_aside(tmp_path):
    (path,) = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + b"???")
    with FactLog(tmp_path) as log:
        assert len(list(log.read())) == 4
        (aside,) = tmp_path.glob("*.cut-*")
        assert aside.read_bytes() == (whole[:-3] + b"???")[-log.cut_bytes :]


def test_a_torn_tail_in_an_older_segment_is_damage(tmp_path):
    first, *_ = written(tmp_path, segment_bytes=1)
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(EngineError, match="facts-damaged") as caught:
        list(read_log(tmp_path))
    assert str(first) in caught.value.message


def test_a_missing_segment_is_damage(tmp_path):
    _, second, third = written(tmp_path, segment_bytes=1)
    second.unlink()
    facts = read_log(tmp_path)
    assert [next(facts).seq, next(facts).seq] == [1, 2]
    with pytest.raises(EngineError, match=f"{third}, byte 0: the facts from 3 on are missing"):
        next(facts)


def test_a_segment_made_just_before_the_crash_is_taken_up(tmp_path):
    written(tmp_path)
    (tmp_path / "wal-0000000000000007.log").touch()
    with FactLog(tmp_path) as log:
        assert log.offsets() == {"source": {"at": 6}}
        assert [fact.seq for fact in log.append([call(7)])] == [7]
    with FactLog(tmp_path) as log:
        assert log.offsets() == {"source": {"at": 6}}
        assert [fact.at_us for fact in log.read()] == [1, 2, 3, 4, 5, 6, 7]


def test_one_writer_at_a_time(tmp_path):
    with FactLog(tmp_path), pytest.raises(EngineError) as caught:
        FactLog(tmp_path)
    assert caught.value.code == "facts-locked"
    assert f"pid {os.getpid()}" in caught.value.message
    FactLog(tmp_path).close()


def test_after_close_nothing_is_taken(tmp_path):
    log = FactLog(tmp_path)
    log.close()
    with pytest.raises(EngineError, match="facts-closed"):
        log.append([call()])


def test_a_group_that_cannot_be_stored_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.setattr("treadle.facts.frames.PAYLOAD_BYTES_MAX", 10_000)
    with FactLog(tmp_path) as log:
        with pytest.raises(InputError, match="fact-not-storable"):
            log.append([call(1), call(2, status=2**70)], {"source": 1})
        with pytest.raises(InputError, match="offset-not-json"):
            log.append([call(1)], {"source": object()})
        with pytest.raises(InputError, match="facts-group-too-large"):
            log.append([call(1)] * 1_000)
        assert log.offsets() == {}
        assert [fact.seq for fact in log.append([call(3)])] == [1]
        assert [fact.at_us for fact in log.read()] == [3]


def test_threads_may_append_at_the_same_time(tmp_path):
    with FactLog(tmp_path, segment_bytes=500) as log:
        numbers = [[] for _ in range(4)]

        def append(mine):
            for n in range(20):
                numbers[mine] += [fact.seq for fact in log.append([call(n, consumer=str(mine))])]

        threads = [threading.Thread(target=append, args=(mine,)) for mine in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = list(log.read())
    assert sorted(itertools.chain(*numbers)) == [fact.seq for fact in stored] == list(range(1, 81))
    assert all([fact.seq for fact in stored if fact.consumer == str(mine)] == numbers[mine] for mine in range(4))


def test_a_reader_sees_a_growing_log_without_a_gap_or_a_false_alarm(tmp_path):
    """Another process appends and rotates as fast as it can; reading never shows anything but a growing prefix."""
    process = subprocess.Popen([sys.executable, WRITER, tmp_path, "700"], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline()
        seen = 0
        while seen < 1500:
            numbers = [fact.seq for fact in read_log(tmp_path, seen)]
            assert numbers == list(range(seen + 1, seen + 1 + len(numbers)))
            seen += len(numbers)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def test_kill_9_loses_nothing_acknowledged_and_doubles_nothing(tmp_path):
    """Each run continues from its offset, as a source does; it is killed a moment after its k-th acknowledgement."""
    acknowledged = 0
    for run in range(20):
        process = subprocess.Popen([sys.executable, WRITER, tmp_path, "5000"], stdout=subprocess.PIPE)
        for _ in range(1 + run % 7):
            acknowledged = int(process.stdout.readline())
        for _ in range(run * 997 % 5000):  # a different moment of the next append each time
            pass
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        process.wait()
        whole = [line for line in rest.split(b"\n")[:-1] if line]
        acknowledged = int(whole[-1]) if whole else acknowledged
        with FactLog(tmp_path) as log:
            stored = list(log.read())
            assert [fact.seq for fact in stored] == [fact.at_us for fact in stored] == list(range(1, len(stored) + 1))
            assert len(stored) >= acknowledged
            assert log.offsets() == {"counter": len(stored)}
    assert acknowledged > 100


FULL = """
import resource, sys
from pathlib import Path
from treadle.base.errors import EngineError
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog, read_log

folder = Path(sys.argv[1])
log = FactLog(folder)
call = lambda n, size: Fact(FactKind.CALL, n, Outcome.OK, detail="x" * size)
stored = [log.append([call(1, 500)], {"source": 1})[0].at_us]
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
n, refused = 1, 0
while refused < 3:
    n += 1
    size = 900 if refused < 2 else 3
    try:
        stored += [fact.at_us for fact in log.append([call(n, size)], {"source": n})]
    except EngineError as error:
        assert error.code == "facts-disk-full", error
        assert error.__cause__ is not None
        refused += 1
    assert [fact.at_us for fact in read_log(folder)] == stored
    assert log.offsets() == {"source": stored[-1]}
    if refused == 1:
        # Less room is needed: a small fact still fits where a large one did not.
        stored += [fact.at_us for fact in log.append([call(n, 3)], {"source": n})]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
stored += [fact.at_us for fact in log.append([call(n + 1, 900)], {"source": n + 1})]
log.close()
with FactLog(folder) as log:
    assert log.cut_bytes == 0
    assert [fact.at_us for fact in log.read()] == stored
    assert [fact.seq for fact in log.read()] == list(range(1, len(stored) + 1))
print(len(stored))
"""


def test_a_full_disk_is_an_error_and_not_the_end(tmp_path):
    """A real limit on the size of files: the kernel writes a part of the frame and refuses the rest."""
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) > 5


def test_a_disk_that_cannot_even_make_a_segment_is_an_error_and_not_the_end(tmp_path, monkeypatch):
    with FactLog(tmp_path, segment_bytes=1) as log:
        log.append([call(1)], {"source": 1})
        with monkeypatch.context() as patch:
            patch.setattr("treadle.facts.log.sync_folder", _no_room)
            for _ in range(2):
                with pytest.raises(EngineError, match="facts-disk-full"):
                    log.append([call(2)], {"source": 2})
        assert [fact.at_us for fact in log.read()] == [1]
        log.append([call(3)], {"source": 3})
        assert [fact.at_us for fact in log.read()] == [1, 3]
        assert log.offsets() == {"source": 3}


def test_a_sync_that_fails_takes_the_frame_back(tmp_path, monkeypatch):
    with FactLog(tmp_path) as log:
        log.append([call(1)])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _no_room)
            with pytest.raises(EngineError, match="facts-disk-full"):
                log.append([call(2)])
        assert [fact.at_us for fact in log.read()] == [1]
        assert [fact.seq for fact in log.append([call(3)])] == [2]
        assert [fact.at_us for fact in log.read()] == [1, 3]


def test_a_folder_that_cannot_be_written_is_a_typed_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="facts-write-failed"):
        FactLog(tmp_path / "file" / "facts")


def _no_room(*_):
    raise OSError(28, "No space left on device")
