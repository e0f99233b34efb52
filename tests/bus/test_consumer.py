"""The consumer runtime: order for each key, retry, dead letters, facts. On memory, and across real crashes."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections import defaultdict

import pytest

from treadle.base.ids import read_traceparent
from treadle.bus import dlq, headers
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.consumer import Consumer, PoisonError
from treadle.bus.logs import fact_of
from treadle.bus.record import Lag
from treadle.bus.subjects import channel_stream
from treadle.facts.fact import FactKind, Outcome

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Bench:
    """A memory bus with one running consumer."""

    def __init__(self, small):
        self.small = small
        self.backend = MemoryBackend()

    async def publish(self, id, key="k1", **data):
        given = {headers.MSG_ID: id, headers.TRACEPARENT: TRACE, headers.CONTRACT: "sales.thing.v1@1.2.0#0123456789ab"}
        body = self.small.body(id, key, **data)
        return await self.backend.publish(f"bus.{self.small.ORDERS}.0.{key}", given, body)

    @contextlib.asynccontextmanager
    async def consuming(self, handler, **more):
        given = {"backoff_s": (0.01,), **more}
        consumer = Consumer(self.backend, channel=self.small.ORDERS, group="billing", handler=handler, **given)
        task = asyncio.create_task(consumer.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def settled(self):
        async def nothing_left():
            return await self.backend.lag(self.small.ORDERS, "billing") == Lag(0, 0)

        await self.small.until(nothing_left, "everything is finished")

    async def facts(self):
        return [fact_of(each, lambda _: None) async for each in self.backend.read("FACTS")]


@pytest.fixture
def bench(small):
    def run(scenario):
        async def whole():
            bench = Bench(small)
            await bench.backend.ensure(small.bus())
            await asyncio.wait_for(scenario(bench), 30)

        asyncio.run(whole())

    return run


def test_event_is_handed_over_whole(bench):
    seen = []

    async def handler(event):
        seen.append(event)

    async def scenario(bench):
        await bench.publish("e1", "a%20b")
        async with bench.consuming(handler):
            await bench.settled()
        (event,) = seen
        assert (event.id, event.key, event.attempt, event.data["amount"]) == ("e1", "a b", 1, 12.5)
        assert event.position == "SALES_ORDER_CREATED_V1:1"
        (fact,) = await bench.facts()
        assert (fact.kind, fact.outcome, fact.event_id, fact.consumer) == (
            FactKind.DELIVERY,
            Outcome.OK,
            "e1",
            "billing",
        )
        assert (fact.trace_id, fact.parent_span_id) == (
            read_traceparent(TRACE).trace_id,
            read_traceparent(TRACE).span_id,
        )
        assert (fact.span_id, fact.subject, fact.operation) == (event.trace.span_id, "c-7", bench.small.ORDERS)

    bench(scenario)


def test_a_failing_event_is_tried_again_while_other_keys_go_on(bench):
    seen = []

    async def handler(event):
        seen.append((event.key, event.id, event.attempt))
        if event.id == "a1" and event.attempt < 3:
            raise KeyError("not yet")

    async def scenario(bench):
        for id, key in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")):
            await bench.publish(id, key)
        async with bench.consuming(handler, backoff_s=(0.05,)):
            await bench.settled()
        assert [each[1:] for each in seen if each[0] == "a"] == [("a1", 1), ("a1", 2), ("a1", 3), ("a2", 1)]
        assert seen.index(("b", "b2", 1)) < seen.index(("a", "a1", 2)), "another key waited for the failing one"
        assert await dlq.entries(bench.backend) == []
        told = [(fact.event_id, fact.outcome, fact.code, fact.detail) for fact in await bench.facts()]
        assert ("a1", Outcome.FAILED, "HANDLER_ERROR", "attempt 1: KeyError") in told
        assert ("a1", Outcome.OK, "", "attempt 3") in told

    bench(scenario)


class HandlerError(Exception):
    """What a handler of a test raises."""


async def _raise(_event):
    raise HandlerError("secret 4711")


async def _poison(_event):
    raise PoisonError("never")


async def _hang(_event):
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("handler", "reason", "attempts"),
    [(_raise, "HANDLER_ERROR", 3), (_poison, "POISON", 1), (_hang, "TIMEOUT", 3)],
)
def test_an_event_that_cannot_be_handled_ends_in_the_dlq(bench, handler, reason, attempts):
    async def only_first(event):
        if event.id == "e1":
            await handler(event)

    async def scenario(bench):
        await bench.publish("e1")
        await bench.publish("e2")
        async with bench.consuming(only_first, timeout_s=0.05):
            await bench.settled()
        (letter,) = await dlq.entries(bench.backend)
        assert (letter.reason, letter.by, letter.attempts, letter.event_id) == (reason, "billing", attempts, "e1")
        assert (letter.key, letter.headers[headers.KEY_GAP]) == ("k1", "SALES_ORDER_CREATED_V1:1")
        facts = await bench.facts()
        assert [fact.code for fact in facts] == [reason] * attempts + [""]
        assert all("4711" not in fact.detail for fact in facts), "a fact must not quote what a handler says"
        (stored,) = [each async for each in bench.backend.read("DLQ_SALES")]
        refusal = fact_of(stored, lambda _: "/customerId")
        assert (refusal.kind, refusal.outcome, refusal.consumer) == (FactKind.REFUSAL, Outcome.FAILED, "billing")
        assert (refusal.parent_span_id, refusal.subject) == (facts[attempts - 1].span_id, "c-7")

    bench(scenario)


def test_what_is_in_hand_goes_back_when_the_consumer_stops(bench):
    started = asyncio.Event()
    seen = []

    async def stuck(event):
        seen.append(event.id)
        started.set()
        await asyncio.Event().wait()

    async def fine(event):
        seen.append(event.id)

    async def scenario(bench):
        for n in range(3):
            await bench.publish(f"e{n}")
        async with bench.consuming(stuck):
            await started.wait()
        assert await bench.facts() == [], "an attempt that was broken off is no attempt"
        async with bench.consuming(fine):
            await bench.settled()
        assert seen == ["e0", "e0", "e1", "e2"]

    bench(scenario)


class Killed(BaseException):
    """Stands for SIGKILL: the process ends at once."""


def test_an_event_that_kills_the_process_is_found_and_innocent_ones_are_kept(bench, small):
    """Every crash gives all events in hand one more delivery: only the culprit may end in the DLQ."""
    seen = []

    async def handler(event):
        if event.id == "e2":
            raise Killed
        seen.append(event.id)
        await asyncio.sleep(0.001)

    async def scenario(bench):
        for n in range(5):
            await bench.publish(f"e{n}", f"k{n}")
        for _ in range(12):
            consumer = Consumer(bench.backend, channel=small.ORDERS, group="billing", handler=handler)
            run = asyncio.create_task(_outlive(consumer))
            done, _ = await asyncio.wait({run}, timeout=0.3)
            if not done:
                break
        await bench.settled()
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        (letter,) = await dlq.entries(bench.backend)
        assert (letter.event_id, letter.reason) == ("e2", "MAX_DELIVERIES")
        assert set(seen) == {"e0", "e1", "e3", "e4"}

    bench(scenario)


async def _outlive(consumer):
    try:
        await consumer.run()
    except BaseExceptionGroup as group:
        if not group.subgroup(Killed):
            raise
    except Killed:
        pass


CRASHING = """
import asyncio, sys
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.consumer import Consumer

async def handler(event):
    print(event.id, event.key, event.attempt, flush=True)
    await asyncio.sleep(0.01)

async def main():
    async with NatsBackend.connected(sys.argv[1], "group_billing", "pw-group_billing", name="billing") as backend:
        await Consumer(backend, channel=sys.argv[2], group="billing", handler=handler).run()

asyncio.run(main())
"""


@pytest.mark.engine
def test_kill_of_a_consumer_loses_nothing_and_keeps_the_order(nats, small):
    """Two instances; the one at work is killed; the other takes over while events go on coming."""

    def instance():
        command = [sys.executable, "-c", CRASHING, nats.url, small.ORDERS]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    async def lines(process, into):
        while line := await asyncio.to_thread(process.stdout.readline):
            into.append(line.decode().split())

    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            client = small.Client(nc)
            processes = [instance(), instance()]
            seen = [[], []]
            readers = [asyncio.create_task(lines(*pair)) for pair in zip(processes, seen, strict=True)]
            try:
                for n in range(150):
                    await client.publish(small.ORDERS, f"k{n % 4}", small.body(f"e{n}", f"k{n % 4}", amount=n))
                await small.until(lambda: len(seen[0]) + len(seen[1]) > 20, "one instance is at work")
                assert not (seen[0] and seen[1]), "two instances were at work at once"
                worker = 0 if seen[0] else 1
                processes[worker].kill()
                for n in range(150, 200):
                    await client.publish(small.ORDERS, f"k{n % 4}", small.body(f"e{n}", f"k{n % 4}", amount=n))

                async def finished():
                    return await fabric.backend.lag(small.ORDERS, "billing") == Lag(0, 0)

                await small.until(finished, "the other instance finishes", wait_s=30)
            finally:
                for process in processes:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                await asyncio.gather(*readers)
                for process in processes:
                    process.stdout.close()
            first, second = seen[worker], seen[1 - worker]
            assert {id for id, *_ in first + second} == {f"e{n}" for n in range(200)}
            order = defaultdict(list)
            for id, key, _ in second:
                order[key].append(int(id[1:]))
            assert all(numbers == sorted(set(numbers)) for numbers in order.values()), "a key lost its order"
            facts = [each async for each in fabric.backend.read("FACTS")]
            done = {fact.event_id for each in facts if (fact := fact_of(each, lambda _: None)).outcome is Outcome.OK}
            assert done == {f"e{n}" for n in range(200)}
            twice = {id for id, *_ in first} & {id for id, *_ in second}
            assert len(twice) <= 4, "more than the one event of each key that was at work was handled twice"

    asyncio.run(scenario())


@pytest.mark.engine
def test_kill_of_the_server_while_consuming(nats, small):
    seen = []

    async def handler(event):
        seen.append((event.key, event.data["amount"]))
        await asyncio.sleep(0.002)

    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc, nats.client("group_billing") as group:
            client = small.Client(nc)
            consumer = Consumer(NatsBackend(group), channel=small.ORDERS, group="billing", handler=handler)
            running = asyncio.create_task(consumer.run())
            for n in range(100):
                await client.publish(small.ORDERS, f"k{n % 4}", small.body(f"e{n}", f"k{n % 4}", amount=n))
            await small.until(lambda: len(seen) > 10, "events flow")
            await asyncio.to_thread(nats.end, signal.SIGKILL)
            await asyncio.to_thread(nats.start)

            async def finished():
                return (await fabric.backend.lag(small.ORDERS, "billing")) == Lag(0, 0)

            await small.until(finished, "everything is finished", wait_s=30)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            assert {amount for _, amount in seen} == set(range(100))
            assert len([each async for each in fabric.backend.read(channel_stream(small.ORDERS))]) == 100
            for key in {key for key, _ in seen}:
                firsts = list(dict.fromkeys(amount for each, amount in seen if each == key))
                assert firsts == sorted(firsts), "a key lost its order"

    asyncio.run(scenario())
