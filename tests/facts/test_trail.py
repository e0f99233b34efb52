"""The index: says what the log says, and can always be made anew."""

import signal
import sqlite3
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.made import FACTS, call

from treadle.base.errors import EngineError, UsageError
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog, read_log
from treadle.facts.trail import IN_MEMORY, SCHEMA, Trail, valid_id

T, U = "4b" * 16, "5c" * 16
ORDERS = "sales.orders.v1@1.0.0#aaaaaaaaaaaa"


@pytest.fixture
def log(tmp_path):
    with FactLog(tmp_path) as log:
        yield log


@pytest.fixture
def trail(tmp_path, log):
    with Trail(tmp_path / "trail.sqlite") as trail:
        yield trail


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, min_size=1, max_size=20), st.integers(1, 20))
def test_it_holds_what_the_log_holds(tmp_path_factory, facts, limit):
    with FactLog(tmp_path_factory.mktemp("log")) as log, Trail(IN_MEMORY) as trail:
        stored = log.append(facts)
        assert trail.catch_up(log.read) == len(stored)
        assert trail.catch_up(log.read) == 0
        assert trail.recent(limit) == stored[::-1][:limit]
        for fact in stored:
            same = [each for each in stored if each.trace_id == fact.trace_id != ""]
            assert trail.by_trace(fact.trace_id) == tuple(sorted(same, key=lambda each: (each.at_us, each.seq)))
            same = [each for each in stored if each.subject == fact.subject != ""]
            assert fact.subject == "" or trail.by_subject(fact.subject) == tuple(same[::-1])


def test_an_id_of_any_sort_finds_whole_traces(log, trail):
    stored = log.append(
        [
            call(1, trace_id=T, span_id="a" * 16),
            Fact(FactKind.EVENT, 2, Outcome.OK, T, "b" * 16, "a" * 16, event_id="E-1"),
            Fact(FactKind.DELIVERY, 3, Outcome.OK, U, "c" * 16, event_id="E-1"),
            Fact(FactKind.REFUSAL, 4, Outcome.REFUSED, event_id="E-1"),
            call(5, trace_id=U),
            call(6),
            call(7, event_id="E-2"),
        ]
    )
    trail.catch_up(log.read)
    assert trail.find(T) == trail.find(T.upper()) == trail.find(f"00-{T}-{'a' * 16}-01") == stored[:2]
    assert trail.find("b" * 16) == stored[:2]
    assert trail.find("E-1") == stored[:5]
    assert trail.find("E-2") == stored[6:]
    assert trail.by_event("E-1") == stored[1:4]
    assert trail.find("e-1") == trail.find("6d" * 16) == trail.by_event("") == trail.by_trace("") == ()


def test_a_contract_is_found_by_id_version_and_stamp(log, trail):
    stamps = [
        ORDERS,
        "sales.orders.v1@1.0.0#bbbbbbbbbbbb",
        "sales.orders.v1@1.0.01#cccccccccccc",
        "sales.orders.v10@1.0.0#d",
    ]
    log.append([call(n, contract=stamp) for n, stamp in enumerate([*stamps, "", "sales.orders.v1"])])
    trail.catch_up(log.read)
    assert [fact.at_us for fact in trail.by_contract("sales.orders.v1")] == [5, 2, 1, 0]
    assert [fact.at_us for fact in trail.by_contract("sales.orders.v1@1.0.0")] == [1, 0]
    assert [fact.at_us for fact in trail.by_contract(ORDERS)] == [0]
    assert [fact.at_us for fact in trail.by_contract("sales.orders.v1", limit=2)] == [5, 2]
    assert trail.by_contract("sales.orders") == trail.by_contract("sales.orders.v%") == ()


def test_conditions_narrow_and_pages_follow(log, trail):
    log.append(
        [
            Fact(
                FactKind.CALL if n % 2 else FactKind.EVENT,
                n,
                Outcome.OK if n % 3 else Outcome.FAILED,
                consumer="abc"[n % 3],
                subject="s_1" if n > 5 else "",
            )
            for n in range(12)
        ]
    )
    trail.catch_up(log.read)

    def at(**conditions):
        return [fact.at_us for fact in trail.search(**conditions)]

    assert at(kinds=[FactKind.CALL]) == [11, 9, 7, 5, 3, 1]
    assert at(kinds=[FactKind.CALL], outcomes=[Outcome.FAILED]) == [9, 3]
    assert at(subject="s_1", consumer="a") == [9, 6]
    assert at(from_us=3, to_us=6) == [5, 4, 3]
    assert [fact.at_us for fact in trail.between(3, 6, limit=2)] == [5, 4]
    page = trail.recent(5)
    assert at(before_seq=page[-1].seq, limit=5) == [6, 5, 4, 3, 2]
    assert at(limit=-1) == []


def test_windows_and_counts(log, trail):
    log.append(
        [
            call(20, contract=ORDERS, operation="getOrder", duration_us=5, status=200),
            call(10, contract=ORDERS, operation="getOrder", duration_us=7, status=200),
            Fact(FactKind.GAP, 15, Outcome.FAILED, missing=4),
            call(30),
        ]
    )
    trail.catch_up(log.read)
    assert [(each.kind, each.at_us, each.duration_us) for each in trail.window(10, 30)] == [
        (FactKind.CALL, 10, 7),
        (FactKind.GAP, 15, 0),
        (FactKind.CALL, 20, 5),
    ]
    assert [tuple(each) for each in trail.counts(10, 30)] == [
        (FactKind.CALL, Outcome.OK, ORDERS, "getOrder", 2, 12, 0),
        (FactKind.GAP, Outcome.FAILED, "", "", 1, 0, 4),
    ]


def test_facts_indexed_twice_count_once(log, trail):
    stored = log.append([call(1), call(2)])
    trail.add(stored)
    trail.add(stored)
    assert trail.recent() == stored[::-1]


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_text("no index" * 999)])
def test_a_missing_or_broken_index_is_made_anew(tmp_path, log, spoil):
    stored = log.append([call(1), call(2)])
    path = tmp_path / "trail.sqlite"
    with Trail(path) as trail:
        trail.catch_up(log.read)
    spoil(path)
    with pytest.raises(EngineError, match="trail-unusable"):
        Trail.open_readonly(path)
    with Trail(path) as trail:
        assert trail.last_seq == 0
        trail.catch_up(log.read)
        assert trail.recent() == stored[::-1]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("version", [SCHEMA - 1, SCHEMA + 1])
def test_an_index_of_another_version_is_made_anew_by_its_keeper_and_left_alone_by_readers(tmp_path, log, version):
    stored = log.append([call(1)])
    path = tmp_path / "trail.sqlite"
    Trail(path).close()
    db = sqlite3.connect(path)
    db.execute("DROP TABLE facts")
    db.execute(f"PRAGMA user_version = {version}")
    db.close()
    with Trail.of_folder(tmp_path) as trail:
        assert trail.recent() == stored
    with pytest.raises(EngineError, match="trail-unusable"):
        Trail.open_readonly(path)
    with Trail(path) as trail:
        trail.catch_up(log.read)
        assert trail.recent() == stored


def test_an_index_that_breaks_under_way_is_made_anew(tmp_path, log, trail):
    stored = log.append([call(n, detail="x" * 900) for n in range(200)])
    trail.catch_up(log.read)
    trail._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    trail._db.execute("PRAGMA cache_size = 0")
    with (tmp_path / "trail.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)
    trail.catch_up(log.read)
    assert trail.recent(1000) == stored[::-1]


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3], [7, 8, 10, 9]])
def test_an_index_of_another_log_is_emptied(tmp_path, trail, numbers):
    with FactLog(tmp_path / "other") as other:
        other.append([call(n) for n in (1, 5, 9)])
        trail.catch_up(other.read)
    with FactLog(tmp_path / "restored") as log:
        stored = log.append([call(n) for n in numbers])
        trail.catch_up(log.read)
        assert trail.recent() == stored[::-1]


def test_a_reader_reads_beside_the_keeper(tmp_path, log, trail):
    stored = log.append([call(1)])
    trail.add(stored)
    with Trail.open_readonly(tmp_path / "trail.sqlite") as reader:
        assert reader.recent() == stored
        more = log.append([call(2)])
        trail.add(more)
        assert reader.recent() == more + stored
        with pytest.raises(EngineError, match="trail-unusable"):
            reader.add(more)


def test_a_command_sees_what_the_index_lacks(tmp_path):
    with FactLog(tmp_path) as log:
        first = log.append([call(1)])
        with Trail.of_folder(tmp_path) as reader:  # there is no index yet
            assert reader.recent() == first
        with Trail(tmp_path / "trail.sqlite") as trail:
            trail.catch_up(log.read)
            second = log.append([call(2)])
            with Trail.of_folder(tmp_path) as reader:
                assert reader.recent() == second + first
            trail.add(second)
            assert trail.recent() == second + first


KILLED = """
import os, sys
from pathlib import Path
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog
from treadle.facts.trail import Trail
log = FactLog(Path(sys.argv[1])); trail = Trail(Path(sys.argv[1]) / "trail.sqlite")
trail.add(log.append([Fact(FactKind.CALL, 1, Outcome.OK)]))
log.append([Fact(FactKind.CALL, 2, Outcome.OK)])
os.kill(os.getpid(), 9)
"""


def test_after_a_kill_everything_stored_is_found(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    with Trail.open_readonly(tmp_path / "trail.sqlite") as reader:
        assert [fact.at_us for fact in reader.recent()] == [1]
    with Trail.of_folder(tmp_path) as reader:
        assert [fact.at_us for fact in reader.recent()] == [2, 1]


def test_damage_of_the_log_is_not_taken_for_damage_of_the_index(tmp_path):
    with FactLog(tmp_path) as log, Trail(tmp_path / "trail.sqlite") as trail:
        for n in range(3):
            log.append([call(n)])
        trail.catch_up(log.read)
    (path,) = tmp_path.glob("wal-*")
    path.write_bytes(path.read_bytes().replace(b'"at_us":0', b'"at_us":5'))
    with pytest.raises(EngineError, match="facts-damaged"):
        Trail.of_folder(tmp_path)
    inode = (tmp_path / "trail.sqlite").stat().st_ino
    with Trail(tmp_path / "trail.sqlite") as trail:
        with pytest.raises(EngineError, match="facts-damaged"):
            trail.catch_up(partial(read_log, tmp_path))
        assert len(trail.recent()) == 3
    assert (tmp_path / "trail.sqlite").stat().st_ino == inode


@pytest.mark.parametrize("id", ["", " ", "a b", "x" * 257, "0" * 32, "a\n", "é", "a\x00"])
def test_what_cannot_be_an_id_is_refused(id):
    with pytest.raises(UsageError) as caught:
        valid_id(id)
    assert caught.value.code == "invalid-id"
    assert not id.strip() or id not in caught.value.message


def test_who_would_have_been_refused_is_counted(log, trail):
    first = {"contract": ORDERS, "operation": "getOrder"}
    log.append(
        [
            call(1, **first, consumer="web", observed="FORBIDDEN"),
            call(5, **first, consumer="web", observed="FORBIDDEN"),
            call(7, **first, consumer="web", observed="FORBIDDEN"),
            call(6, **first, consumer="app", observed="FORBIDDEN"),
            call(6, **first, peer="spiffe://acme.example/job", observed="UNAUTHENTICATED"),
            call(8, **first, consumer="web"),
            call(9, contract="sales.carts.v1@1.0.0#aaaaaaaaaaaa", operation="getCart", observed="RATE_LIMIT"),
            Fact(FactKind.EVENT, 9, Outcome.OK, **first),
        ]
    )
    trail.catch_up(log.read)
    orders = "sales.orders.v1"
    assert trail.observed(5) == [
        ("sales.carts.v1", "getCart", "", "", "RATE_LIMIT", 1, 9),
        (orders, "getOrder", "web", "", "FORBIDDEN", 2, 7),
        (orders, "getOrder", "", "spiffe://acme.example/job", "UNAUTHENTICATED", 1, 6),
        (orders, "getOrder", "app", "", "FORBIDDEN", 1, 6),
    ]
    assert (trail.calls(orders, 5), trail.calls(orders, 0), trail.calls("other", 0)) == (5, 6, 0)


def test_missing_facts_are_summed(log, trail):
    assert trail.missing() == 0
    log.append([Fact(FactKind.GAP, at, Outcome.FAILED, missing=at) for at in (1, 2, 3)])
    trail.catch_up(log.read)
    assert (trail.missing(), trail.missing(2)) == (6, 5)
