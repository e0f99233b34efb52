"""The collector: every line becomes one fact, whatever stops and starts."""

import asyncio
import random
from contextlib import asynccontextmanager

import orjson
import pytest

from treadle.base.errors import EngineError, InputError
from treadle.control.collect import Collector, CountedSource, EngineCount, LogFileSource
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog
from treadle.facts.subjects import SubjectBook
from treadle.facts.trail import Trail


def parse(line):
    row = orjson.loads(line)
    return Fact(FactKind.CALL, row["n"], Outcome.OK, subject=row.get("sub", ""), status=row.get("st", 0))


def write(path, *numbers, **fields):
    with path.open("ab") as file:
        for n in numbers:
            file.write(orjson.dumps({"n": n, **fields}) + b"\n")


async def until(condition):
    """Bounded: a condition that never holds fails the test and does not hang it."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in files and threads
            await asyncio.sleep(0.002)


class Parts:
    """The log, the index and the book of one folder."""

    def __init__(self, folder):
        self.log = FactLog(folder)
        self.trail = Trail(folder / "trail.sqlite")
        self.subjects = SubjectBook(folder / "subjects.sqlite")

    def close(self):
        for part in (self.subjects, self.trail, self.log):
            part.close()


@pytest.fixture
def parts(tmp_path):
    parts = Parts(tmp_path / "facts")
    yield parts
    parts.close()


@asynccontextmanager
async def collecting(parts, *sources, on_facts=None, **options):
    options = {"pause_s": 0.001, "pause_s_max": 0.002} | options
    collector = Collector(parts.log, parts.trail, parts.subjects, sources, on_facts, **options)
    running = asyncio.create_task(collector.run())
    try:
        yield collector
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        await collector.close()


def tail(path, **options):
    return LogFileSource("gateway", path, parse, poll_s=0.001, **options)


def test_lines_become_facts_that_are_found_and_told(tmp_path, parts):
    path = tmp_path / "access.log"

    async def run():
        told = []
        async with collecting(parts, tail(path), on_facts=told.extend, now_us=lambda: 50) as collector:
            assert collector.status()[0].position is None
            write(path, 1, 2, sub="anna")
            write(path, 3)
            await until(lambda: collector.status()[0].facts == 3)
            (status,) = collector.status()
            await until(lambda: collector.unindexed == 0)
        return told, status

    told, status = asyncio.run(run())
    anna = parts.subjects.pseudonym("anna")
    assert [(fact.seq, fact.at_us, fact.subject) for fact in told] == [(1, 1, anna), (2, 2, anna), (3, 3, "")]
    assert list(parts.log.read()) == told
    assert parts.trail.recent() == tuple(told[::-1])
    assert parts.trail.by_subject(anna) == (told[1], told[0])
    assert (status.name, status.state, status.facts, status.last_us, status.lag_us) == ("gateway", "running", 3, 3, 47)
    assert status.position["at"] == path.stat().st_size
    assert parts.log.offsets() == {"gateway": status.position}


def test_no_plain_id_reaches_the_disk(tmp_path, parts):
    path = tmp_path / "access.log"

    async def run():
        async with collecting(parts, tail(path)) as collector:
            write(path, 1, sub="anna@example.com")
            await collector.record([Fact(FactKind.DECISION, 2, Outcome.OK, subject="anna@example.com")])
            await until(lambda: parts.log.last_seq == 2)

    asyncio.run(run())
    for file in (tmp_path / "facts").iterdir():
        assert (b"anna@example.com" in file.read_bytes()) == (file.name == "subjects.sqlite")


@pytest.mark.parametrize("seed", range(4))
def test_stopping_and_starting_at_any_moment_neither_loses_nor_doubles_a_line(tmp_path, seed):
    """A file that grows in torn pieces and is rotated, a collector that is stopped after any number of batches."""
    chance = random.Random(seed)
    path = tmp_path / "access.log"
    total = 400

    async def grow():
        rest, n, rotated = b"", 0, 0
        while n < total or rest:
            if n < total:
                more = chance.randrange(1, 9)
                rest += b"".join(b'{"n":%d}\n' % each for each in range(n, min(total, n + more)))
                n = min(total, n + more)
            cut = len(rest) if n == total else chance.randrange(len(rest) + 1)
            with path.open("ab") as file:
                file.write(rest[:cut])
            rest = rest[cut:]
            if chance.random() < 0.05 and path.stat().st_size and not rest:
                rotated += 1
                path.rename(path.with_name(f"access.log-{rotated:08}"))
            # Longer than the clock of file times ticks, so that rotated files have an order.
            await asyncio.sleep(chance.choice([0, 0.001, 0.006]))

    async def run():
        growing = asyncio.create_task(grow())
        stored = 0
        while stored < total:
            parts = Parts(tmp_path / "facts")
            try:
                stop_at = stored + chance.randrange(1, 120)
                async with collecting(parts, tail(path, read_bytes=chance.choice([64, 4096]))):
                    await until(lambda: parts.log.last_seq >= min(total, stop_at))  # noqa: B023 - called at once
                stored = parts.log.last_seq
            finally:
                parts.close()
        await growing

    asyncio.run(run())
    parts = Parts(tmp_path / "facts")
    assert [fact.at_us for fact in parts.log.read()] == list(range(total))
    parts.trail.catch_up(parts.log.read)
    assert [fact.at_us for fact in parts.trail.recent(1000)[::-1]] == list(range(total))
    parts.close()


class Failing:
    """Gives one fact a start, then fails."""

    name = "failing"

    async def batches(self, offset):
        at = (offset or 0) + 1
        yield [Fact(FactKind.EVENT, at, Outcome.OK)], at
        raise ConnectionError("bus is away")


def test_a_failing_source_is_restarted_where_it_was_and_the_others_go_on(tmp_path, parts):
    path = tmp_path / "access.log"

    async def run():
        async with collecting(parts, Failing(), tail(path)) as collector:
            await until(lambda: collector.status()[0].failures >= 3)
            write(path, 100)
            await until(lambda: collector.status()[1].facts == 1)
            return collector.status()

    failing, gateway = asyncio.run(run())
    assert failing.error == "ConnectionError: bus is away"
    assert gateway.error == ""
    events = [fact.at_us for fact in parts.log.read() if fact.kind is FactKind.EVENT]
    assert events == list(range(1, len(events) + 1))
    assert len(events) >= 3


def test_a_source_that_ends_is_said_to_have_ended(parts):
    class Once(Failing):
        async def batches(self, offset):  # noqa: ARG002 - the shape of a source
            yield [Fact(FactKind.EVENT, 1, Outcome.OK)], 1
            yield [], 2

    async def run():
        async with collecting(parts, Once()) as collector:
            await until(lambda: collector.status()[0].state == "ended")
            return collector.status()[0]

    assert asyncio.run(run()).position == 2
    assert parts.log.offsets() == {"failing": 2}


def test_a_decision_is_durable_before_anything_runs(parts):
    async def run():
        collector = Collector(parts.log, parts.trail, parts.subjects, [])
        stored = await collector.record([Fact(FactKind.DECISION, 1, Outcome.OK)])
        assert list(parts.log.read()) == list(stored)
        assert collector.unindexed == 1
        running = asyncio.create_task(collector.run())
        await until(lambda: collector.unindexed == 0)
        more = await collector.record([Fact(FactKind.DECISION, 2, Outcome.OK)])
        # Once the index has caught up, what is recorded is found at once.
        await until(lambda: parts.trail.recent() == more + stored)
        running.cancel()
        await asyncio.wait([running])
        await collector.close()
        with pytest.raises(EngineError, match="facts-closed"):
            await collector.record([Fact(FactKind.DECISION, 3, Outcome.OK)])

    asyncio.run(run())


def test_an_index_that_fails_holds_nothing_up_and_catches_up(tmp_path, parts, monkeypatch):
    path = tmp_path / "access.log"

    def broken(_facts):
        raise EngineError("trail-unusable", "no room")

    async def run():
        async with collecting(parts, tail(path)) as collector:
            await until(lambda: collector._indexed)
            with monkeypatch.context() as patch:
                patch.setattr(parts.trail, "add", broken)
                write(path, 1, 2)
                await until(lambda: collector.status()[0].facts == 2 and collector.problems)
                assert collector.problems == ("trail-unusable: no room",)
            await until(lambda: collector.unindexed == 0 and not collector.problems)
            write(path, 3)
            await until(lambda: len(parts.trail.recent()) == 3)

    asyncio.run(run())


def test_a_listener_that_fails_is_reported_and_holds_nothing_up(tmp_path, parts):
    path = tmp_path / "access.log"

    def listener(_facts):
        raise ZeroDivisionError("no calls")

    async def run():
        async with collecting(parts, tail(path), on_facts=listener) as collector:
            write(path, 1)
            await until(lambda: collector.problems)
            write(path, 2)
            await until(lambda: collector.status()[0].facts == 2)
            return collector.problems

    assert asyncio.run(run()) == ("ZeroDivisionError: no calls",)


def test_a_fact_that_cannot_be_stored_becomes_a_gap_and_its_neighbours_are_stored(tmp_path, parts):
    path = tmp_path / "access.log"

    async def run():
        async with collecting(parts, tail(path)) as collector:
            write(path, 1)
            write(path, 2, st=2**63)
            write(path, 3)
            await until(lambda: collector.status()[0].facts == 3)
            with pytest.raises(InputError, match="fact-not-storable"):
                await collector.record([Fact(FactKind.DECISION, 2**70, Outcome.OK)])

    asyncio.run(run())
    assert [fact.code or fact.at_us for fact in parts.log.read()] == [1, "FACT_NOT_STORABLE", 3]


def test_a_full_disk_delays_lines_and_loses_none(tmp_path, parts, monkeypatch):
    path = tmp_path / "access.log"

    def full(*_):
        raise OSError(28, "No space left on device")

    async def run():
        async with collecting(parts, tail(path)) as collector:
            with monkeypatch.context() as patch:
                patch.setattr("os.fdatasync", full)
                write(path, 1, 2)
                await until(lambda: collector.status()[0].failures >= 2)
                assert collector.status()[0].error.startswith("facts-disk-full")
            write(path, 3)
            await until(lambda: collector.status()[0].facts == 3)

    asyncio.run(run())
    assert [fact.at_us for fact in parts.log.read()] == [1, 2, 3]


def test_what_a_killed_engine_owes_is_known_after_a_restart_of_the_collector(tmp_path):
    path = tmp_path / "access.log"
    second = 1_000_000

    def counting(count):
        async def ask():
            return count

        return CountedSource(tail(path), ask, now_us=lambda: 0, every_s=0)

    async def run(count, enough):
        parts = Parts(tmp_path / "facts")
        try:
            async with collecting(parts, counting(count)):
                await until(lambda: enough(parts))
        finally:
            parts.close()

    def counted(parts):
        position = parts.log.offsets().get("gateway")
        return position and position["count"]["now"] == ["1", 0, 5, 0] and parts.log.last_seq == 3

    write(path, 1 * second, 2 * second, 3 * second)
    asyncio.run(run(EngineCount("1", 0, 5), counted))
    write(path, 11 * second)
    asyncio.run(run(EngineCount("2", 10 * second, 1), lambda parts: parts.log.last_seq == 5))
    parts = Parts(tmp_path / "facts")
    (gap,) = [fact for fact in parts.log.read() if fact.kind is FactKind.GAP]
    parts.close()
    assert (gap.code, gap.missing) == ("FACTS_MISSING", 2)


def test_two_sources_of_one_name_are_a_mistake(parts):
    with pytest.raises(ValueError, match="share a name"):
        Collector(parts.log, parts.trail, parts.subjects, [Failing(), Failing()])
