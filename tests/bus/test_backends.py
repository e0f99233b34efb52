"""One suite for every backend: what the bus may count on."""

import asyncio
import contextlib

import pytest

from treadle.base.errors import EngineError, PolicyError, UsageError
from treadle.bus.backends import BACKENDS, backend
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.record import Lag

STREAM = "SALES_ORDER_CREATED_V1"


@contextlib.asynccontextmanager
async def memory(_request):
    made = MemoryBackend()
    yield made, made, made


@contextlib.asynccontextmanager
async def nats(request):
    """As control, guard and group, each with its own rights."""
    server = request.getfixturevalue("nats")
    async with (
        server.client("control") as control,
        server.client("guard") as guard,
        server.client("group_billing") as group,
    ):
        yield NatsBackend(control, ack_wait_s=1.5, pin_s=1.0), NatsBackend(guard), NatsBackend(group)


MAKERS = {"memory": memory, "nats": nats}
assert MAKERS.keys() == BACKENDS.keys(), "a backend of the table is not in the suite"


@pytest.fixture(params=[pytest.param("memory"), pytest.param("nats", marks=pytest.mark.engine)])
def run(request, small):
    """Run `scenario(control, guard, group)` on a backend that holds the small bus."""
    if request.param == "nats":
        request.getfixturevalue("nats")

    def run(scenario):
        async def whole():
            async with MAKERS[request.param](request) as (control, guard, group):
                await control.ensure(small.bus())
                await scenario(control, guard, group)

        asyncio.run(whole())

    return run


def subject(key="k1", partition=0):
    return f"bus.sales.order.created.v1.{partition}.{key}"


async def fill(guard, count, keys=1):
    for n in range(count):
        await guard.publish(subject(f"k{n % keys}"), {"Nats-Msg-Id": f"e{n}"}, b"%d" % n)


def test_ensure_twice_changes_nothing(run, small):
    async def scenario(control, _guard, _group):
        before = await control.streams()
        await control.ensure(small.bus())
        assert await control.streams() == before
        assert {"FACTS", "DLQ_SALES", "DLQ_CUSTOMER", "DLQ_UNROUTED", STREAM} <= set(before)

    run(scenario)


def test_ensure_changes_what_can_be_changed_and_keeps_the_events(run, small):
    async def scenario(control, guard, _group):
        await fill(guard, 2)
        changed = small.topic(retention_days=3, stamp="sales.thing.v1@1.3.0#ffffffffffff")
        await control.ensure(small.bus(topics=(changed, small.topic(small.PROFILES))))
        assert [each.body async for each in control.read(STREAM)] == [b"0", b"1"]

    run(scenario)


def test_partitions_are_fixed(run, small):
    async def scenario(control, _guard, _group):
        with pytest.raises(PolicyError) as refused:
            await control.ensure(small.bus(topics=(small.topic(partitions=4), small.topic(small.PROFILES))))
        assert refused.value.code == "partitions-fixed"
        assert "new major" in refused.value.hint

    run(scenario)


def test_publish_once_for_each_id(run):
    async def scenario(control, guard, _group):
        first = await guard.publish(subject(), {"Nats-Msg-Id": "e1", "X-Mine": "ü"}, b"{}")
        again = await guard.publish(subject(), {"Nats-Msg-Id": "e1"}, b"{}")
        assert (first.stream, first.sequence, first.duplicate) == (STREAM, 1, False)
        assert (again.sequence, again.duplicate) == (1, True)
        (stored,) = [each async for each in control.read(STREAM)]
        assert (stored.sequence, stored.subject, stored.headers["X-Mine"], stored.body) == (1, subject(), "ü", b"{}")
        assert stored.at_us > 1_700_000_000_000_000

    run(scenario)


def test_nothing_keeps_an_unknown_channel(run):
    async def scenario(_control, guard, _group):
        with pytest.raises(EngineError) as refused:
            await guard.publish("bus.sales.nothing.v1.0.k1", {}, b"{}")
        assert refused.value.code == "stream-missing"

    run(scenario)


def test_read_is_finite_and_starts_after_a_sequence(run):
    async def scenario(control, guard, _group):
        await fill(guard, 600)
        assert [each.body async for each in control.read(STREAM, after=590)] == [b"%d" % n for n in range(590, 600)]
        assert [each.sequence async for each in control.read(STREAM)] == list(range(1, 601))
        assert [each async for each in control.read("NOTHING")] == []
        assert [each async for each in control.read(STREAM, after=600)] == []

    run(scenario)


def test_follow_gives_what_comes_later(run, small):
    async def scenario(control, guard, _group):
        await fill(guard, 3)
        seen = []

        async def follow():
            async for batch in control.follow(STREAM, after=1):
                seen.extend(each.body for each in batch)
                if len(seen) == 5:
                    return

        following = asyncio.create_task(follow())
        await small.until(lambda: len(seen) == 2, "what is there comes first")
        for n in (3, 4, 5):
            await guard.publish(subject(), {"Nats-Msg-Id": f"e{n}"}, b"%d" % n)
        await asyncio.wait_for(following, 10)
        assert seen == [b"1", b"2", b"3", b"4", b"5"]

    run(scenario)


def test_latest_of_a_key(run):
    async def scenario(control, guard, _group):
        await fill(guard, 6, keys=2)
        assert (await control.latest("sales.order.created.v1", "k1")).body == b"5"
        assert (await control.latest("sales.order.created.v1", "k0")).sequence == 5
        assert await control.latest("sales.order.created.v1", "nobody") is None
        assert await control.latest("sales.nothing.v1", "k1") is None

    run(scenario)


def test_a_compacted_channel_keeps_the_newest_of_each_key(run, small):
    compacted = small.bus(topics=(small.topic(compaction=True), small.topic(small.PROFILES)))

    async def scenario(control, guard, _group):
        await control.ensure(compacted)
        await control.ensure(compacted)
        await fill(guard, 6, keys=2)

        async def newest():
            found = await control.latest("sales.order.created.v1", "k1")
            return found and found.body == b"5"

        await small.until(newest, "the newest of a key is there")
        assert len([each async for each in control.read(STREAM)]) == 6

    run(scenario)


async def take(group, count, *, finish=None):
    """The first `count` leases of an instance that then leaves; `finish` says which of them are done."""
    seen = []
    async with group.consume("sales.order.created.v1", "billing") as claim:
        async for lease in claim:
            seen.append((lease.stored.body, lease.deliveries))
            if finish is None or finish(len(seen)):
                await lease.done()
            if len(seen) == count:
                break
    return claim.terms, seen


def test_leases_come_in_order_and_once(run, small):
    async def scenario(control, guard, group):
        await fill(guard, 10, keys=3)
        terms, seen = await take(group, 10)
        assert (terms.max_attempts, terms.domain, terms.subject_pointer) == (3, "sales", "/customerId")
        assert seen == [(b"%d" % n, 1) for n in range(10)]
        await small.until(lambda: _settled(control), "nothing is left")
        await guard.publish(subject(), {"Nats-Msg-Id": "e10"}, b"10")
        assert (await control.lag("sales.order.created.v1", "billing")).waiting == 1
        assert (await take(group, 1))[1] == [(b"10", 1)]

    async def _settled(control):
        return await control.lag("sales.order.created.v1", "billing") == Lag(0, 0)

    run(scenario)


def test_what_is_not_done_comes_again_first_and_in_order(run):
    async def scenario(_control, guard, group):
        await fill(guard, 6)
        await take(group, 4, finish=lambda n: n in (1, 3))
        _, seen = await take(group, 4)
        assert [body for body, _ in seen] == [b"1", b"3", b"4", b"5"]
        assert [n for _, n in seen][:2] == [2, 2]

    run(scenario)


def test_one_instance_at_a_time(run):
    async def scenario(_control, guard, group):
        await fill(guard, 2)
        got = asyncio.Event()
        leave = asyncio.Event()

        async def holder():
            async with group.consume("sales.order.created.v1", "billing") as claim:
                async for lease in claim:
                    assert lease.stored.body == b"0"
                    got.set()
                    await leave.wait()
                    await lease.done()
                    return

        first = asyncio.create_task(holder())
        await asyncio.wait_for(got.wait(), 10)
        second = asyncio.create_task(take(group, 1))
        done, _ = await asyncio.wait({second}, timeout=2.5)  # longer than the broker waits for a sign of life
        assert not done, "a second instance was given an event while the first held one"
        leave.set()
        await first
        assert (await asyncio.wait_for(second, 10))[1][0][0] == b"1"

    run(scenario)


def test_group_that_is_not_subscribed(run):
    async def scenario(control, _guard, _group):
        with pytest.raises(EngineError) as refused:
            async with control.consume("sales.order.created.v1", "nobody"):
                pass
        assert refused.value.code == "group-missing"

    run(scenario)


def test_the_table_is_explicit():
    assert backend("memory") is MemoryBackend
    assert backend("nats") is NatsBackend
    with pytest.raises(UsageError) as refused:
        backend("nat")
    assert "did you mean nats" in refused.value.hint
