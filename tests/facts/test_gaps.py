"""What an engine owes is said, and nothing that it does not owe."""

import asyncio

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.facts.made import call

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.gaps import CountedSource, EngineCount, GapCounter

S = 1_000_000


def lines(*at_s):
    return [call(int(at * S)) for at in at_s]


def missing(gaps):
    return [gap.missing for gap in gaps]


def quiet(counter):
    return missing([gap for _ in range(10) for gap in counter.saw([], 0)])


def test_a_run_whose_lines_are_all_there_owes_nothing():
    counter = GapCounter("gateway")
    assert counter.counted(EngineCount("1", 0, 0), 0) == ()
    assert counter.saw(lines(1, 2, 3), 0) == ()
    assert counter.counted(EngineCount("1", 0, 3), 0) == ()
    assert counter.counted(EngineCount("2", 10 * S, 0), 0) == ()
    assert quiet(counter) == []


def test_lines_that_died_with_their_engine_are_a_gap():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5), 0)
    counter.saw(lines(1, 2), 0)
    counter.counted(EngineCount("2", 10 * S, 0), 77)
    (gap,) = [gap for _ in range(9) for gap in counter.saw([], 99)]
    assert (gap.kind, gap.outcome, gap.code, gap.missing, gap.at_us) == (
        FactKind.GAP,
        Outcome.FAILED,
        "FACTS_MISSING",
        3,
        99,
    )
    assert gap.operation == "gateway"
    assert quiet(counter) == []


def test_a_busy_successor_does_not_hide_the_gap_nor_owe_its_own_lines():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5), 0)
    # Lines of the new run are read before anybody knows that there is one.
    counter.saw(lines(1, 2, 11, 12, 13, 14, 15), 0)
    assert missing(counter.counted(EngineCount("2", 10 * S, 6), 0)) == [3]
    counter.saw(lines(16), 0)
    counter.counted(EngineCount("2", 10 * S, 6), 0)
    assert counter.counted(EngineCount("3", 20 * S, 0), 0) == ()
    assert quiet(counter) == []


def test_late_lines_of_the_old_run_are_waited_for():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5), 0)
    assert counter.counted(EngineCount("2", 10 * S, 1), 0) == ()
    assert counter.saw(lines(1, 2), 0) == ()
    assert counter.saw([], 0) == ()
    assert counter.saw(lines(3, 4), 0) == ()
    assert missing(counter.saw(lines(11), 0)) == [1]


def test_a_counter_that_went_back_is_a_new_run():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5), 0)
    counter.counted(EngineCount("1", 0, 1), 0)
    assert quiet(counter) == [5]


def test_a_line_that_could_not_be_read_is_not_missing_twice():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5), 0)
    counter.saw([*lines(1, 2), Fact(FactKind.GAP, 3 * S, Outcome.FAILED, missing=3)], 0)
    counter.counted(EngineCount("2", 10 * S, 0), 0)
    assert quiet(counter) == []


def test_lines_that_could_not_be_written_are_told_while_the_engine_runs_on():
    counter = GapCounter("gateway")
    counter.counted(EngineCount("1", 0, 5, 3), 0)
    counter.saw(lines(1, 2), 0)
    assert counter.counted(EngineCount("1", 0, 6, 3), 0) == ()  # the end of the log was not read yet
    counter.saw([], 0)
    (gap,) = counter.counted(EngineCount("1", 0, 6, 3), 7)
    assert (gap.code, gap.missing, gap.at_us) == ("FACTS_MISSING", 4, 7)
    counter = GapCounter("gateway", orjson.loads(orjson.dumps(counter.state())))
    counter.saw([], 0)
    assert counter.counted(EngineCount("1", 0, 9, 3), 0) == ()  # what was completed since may be on its way
    assert counter.counted(EngineCount("1", 0, 9, 3), 0) == ()  # and the log was not read since
    counter.saw([], 0)
    assert missing(counter.counted(EngineCount("1", 0, 9, 3), 0)) == [3]
    counter.counted(EngineCount("2", 10 * S, 0), 0)
    assert quiet(counter) == []  # nothing is missing twice


def test_lines_on_their_way_are_not_missing_while_nothing_failed():
    counter = GapCounter("gateway")
    for _ in range(5):
        assert counter.counted(EngineCount("1", 0, 5), 0) == ()
        counter.saw([], 0)
    counter.counted(EngineCount("2", 10 * S, 0), 0)
    assert quiet(counter) == [5]


def test_a_state_of_an_earlier_version_is_understood():
    counter = GapCounter("gateway", {"now": ["1", 0, 5], "seen": 2, "waiting": [], "over": None})
    counter.counted(EngineCount("2", 10 * S, 0), 0)
    assert quiet(counter) == [3]


def test_an_engine_that_does_not_answer_for_long_takes_no_memory():
    counter = GapCounter("gateway")
    for second in range(5000):
        counter.saw(lines(second), 0)
    assert len(orjson.dumps(counter.state())) < 20_000


RUNS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5)


@given(RUNS, st.integers(1, 4), st.booleans())
def test_the_sum_of_the_gaps_is_what_was_lost(runs, batch, restart):
    """Each run writes some lines and loses some; the reader's batches and its own restarts make no difference."""
    counter, gaps = GapCounter("gateway"), []
    for run, (written, lost) in enumerate(runs):
        start = run * 100
        at = [start + 1 + n for n in range(written)]
        for begin in range(0, written, batch):
            gaps += counter.saw(lines(*at[begin : begin + batch]), 0)
            if restart:
                counter = GapCounter("gateway", orjson.loads(orjson.dumps(counter.state())))
        gaps += counter.counted(EngineCount(str(run), start * S, written + lost), 0)
    gaps += counter.counted(EngineCount("last", 1000 * S, 0), 0)
    gaps += [gap for _ in range(9) for gap in counter.saw([], 0)]
    assert sum(missing(gaps)) == sum(lost for _, lost in runs)


def test_the_source_asks_the_engine_and_survives_its_silence():
    class Three:
        name = "gateway"
        closed = False

        async def batches(self, offset):
            try:
                for at in range(offset or 0, 10):
                    yield lines(at) if at < 2 else [], at + 1
            finally:
                Three.closed = True

    counts = [ConnectionError("down"), None, EngineCount("1", 0, 3), EngineCount("2", 50 * S, 0)]

    async def ask():
        each = counts.pop(0) if len(counts) > 1 else counts[0]
        if isinstance(each, Exception):
            raise each
        return each

    async def run(offset, until):
        seen = []
        batches = CountedSource(Three(), ask, now_us=lambda: 5, every_s=0).batches(offset)
        async for facts, at in batches:
            seen += facts
            offset = orjson.loads(orjson.dumps(at))
            if offset["at"] == until:
                break
        await batches.aclose()
        assert Three.closed
        return seen, offset

    seen, offset = asyncio.run(run(None, 4))
    assert [fact.kind for fact in seen] == [FactKind.CALL] * 2
    seen, _ = asyncio.run(run(offset, 10))
    assert missing(seen) == [1]
