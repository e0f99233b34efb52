"""Group commit: many wait for one sync, and nobody pays for another's mistake."""

import asyncio
import threading

import pytest
from tests.facts.made import call

from treadle.base.errors import EngineError, InputError
from treadle.facts.commit import GroupCommit
from treadle.facts.log import FactLog


class Counted:
    """A log's append that counts its groups, and that can be held back."""

    def __init__(self, log):
        self.log = log
        self.groups = []
        self.begun = asyncio.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, facts, offsets):
        self.loop.call_soon_threadsafe(self.begun.set)
        self.go.wait()
        self.groups.append(len(facts))
        return self.log.append(facts, offsets)


@pytest.fixture
def append(tmp_path):
    with FactLog(tmp_path) as log:
        yield Counted(log)


def test_those_who_come_during_a_sync_share_the_next_one(append):
    async def run():
        append.loop = asyncio.get_running_loop()
        told = []
        group = GroupCommit(append, stored=told.extend)
        append.go.clear()
        waiting = [asyncio.create_task(group.commit([call(0)], {"source": 0}))]
        await append.begun.wait()
        waiting += [asyncio.create_task(group.commit([call(n)], {"source": n})) for n in range(1, 50)]
        await asyncio.sleep(0)
        append.go.set()
        stored = await asyncio.gather(*waiting)
        await group.close()
        return stored, told

    stored, told = asyncio.run(run())
    assert append.groups == [1, 49]
    assert [(fact.seq, fact.at_us) for (fact,) in stored] == [(n + 1, n) for n in range(50)]
    assert told == [fact for (fact,) in stored]
    assert append.log.offsets() == {"source": 49}


def test_a_group_has_a_limit(append):
    async def run():
        append.loop = asyncio.get_running_loop()
        group = GroupCommit(append, facts_max=10)
        append.go.clear()
        waiting = [asyncio.create_task(group.commit([call(0)] * 4))]
        await append.begun.wait()
        waiting += [asyncio.create_task(group.commit([call(n)] * 4)) for n in range(1, 6)]
        waiting.append(asyncio.create_task(group.commit([call(9)] * 25)))
        await asyncio.sleep(0)
        append.go.set()
        stored = await asyncio.gather(*waiting)
        await group.close()
        return stored

    assert [len(facts) for facts in asyncio.run(run())] == [4] * 6 + [25]
    assert append.groups == [4, 8, 8, 4, 25]


def test_one_bad_fact_fails_alone(append):
    async def run():
        append.loop = asyncio.get_running_loop()
        group = GroupCommit(append)
        append.go.clear()
        facts = [call(1), call(2, status=2**70), call(3)]
        waiting = [asyncio.create_task(group.commit([fact])) for fact in [call(0), *facts]]
        await asyncio.sleep(0)
        append.go.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        await group.close()
        return results

    first, one, bad, three = asyncio.run(run())
    assert isinstance(bad, InputError)
    assert [fact.at_us for fact in append.log.read()] == [0, 1, 3]
    assert [facts[0].seq for facts in (first, one, three)] == [1, 2, 3]


def test_a_failed_write_reaches_everybody_who_waited_and_the_next_one_is_tried(append, monkeypatch):
    async def run():
        append.loop = asyncio.get_running_loop()
        group = GroupCommit(append)
        real = append.log.append
        monkeypatch.setattr(append.log, "append", full)
        failed = await asyncio.gather(*(group.commit([call(n)]) for n in range(3)), return_exceptions=True)
        monkeypatch.setattr(append.log, "append", real)
        stored = await group.commit([call(9)])
        await group.close()
        return failed, stored

    def full(*_):
        raise EngineError("facts-disk-full", "full")

    failed, stored = asyncio.run(run())
    assert [error.code for error in failed] == ["facts-disk-full"] * 3
    assert [fact.seq for fact in stored] == [1]


def test_who_stops_waiting_does_not_disturb_the_others(append):
    async def run():
        append.loop = asyncio.get_running_loop()
        group = GroupCommit(append)
        append.go.clear()
        one, two, three = (asyncio.create_task(group.commit([call(n)])) for n in range(3))
        await asyncio.sleep(0)
        two.cancel()
        append.go.set()
        stored = [await one, await three]
        await group.close()
        assert two.cancelled()
        return stored

    assert [facts[0].at_us for facts in asyncio.run(run())] == [0, 2]


def test_closing_writes_what_waits_and_refuses_more(append):
    async def run():
        append.loop = asyncio.get_running_loop()
        group = GroupCommit(append)
        waiting = asyncio.create_task(group.commit([call(1)]))
        await asyncio.sleep(0)
        await group.close()
        assert (await waiting)[0].seq == 1
        with pytest.raises(EngineError, match="facts-closed"):
            await group.commit([call(2)])

    asyncio.run(run())
