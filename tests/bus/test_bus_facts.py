"""What streams keep becomes facts, and a source of facts goes on where it was left."""

import asyncio
import contextlib

import orjson
import pytest

from treadle.base.ids import read_traceparent
from treadle.bus import dlq
from treadle.bus import headers as h
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.guard import compile_guard
from treadle.bus.intake import Intake
from treadle.bus.logs import fact_of
from treadle.bus.record import Stored
from treadle.bus.tail import StreamSource, streams
from treadle.facts.fact import FactKind, Outcome
from treadle.facts.source import Source

CALL = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def pointer_of(_channel):
    return "/customerId"


def told(small, offers):
    """Facts of what a guard on the memory backend makes of some events."""

    async def scenario():
        backend = MemoryBackend()
        await backend.ensure(small.bus())
        intake = Intake(backend, compile_guard(small.bus())[0])
        for headers, body in offers:
            await intake.offer(small.ORDERS, "k1", headers, body, "demo-app")
        return [fact_of(each, pointer_of) for name in await backend.streams() async for each in backend.read(name)]

    return asyncio.run(scenario())


def test_an_accepted_event(small):
    (fact,) = told(small, [({h.TRACEPARENT: CALL}, small.body())])
    call = read_traceparent(CALL)
    assert (fact.kind, fact.outcome, fact.event_id, fact.subject) == (FactKind.EVENT, Outcome.OK, "e1", "c-7")
    assert (fact.trace_id, fact.parent_span_id, fact.consumer) == (call.trace_id, call.span_id, "demo-app")
    assert fact.span_id not in ("", call.span_id)
    assert (fact.domain, fact.operation, fact.contract) == ("sales", small.ORDERS, small.topic().stamp)
    assert fact.at_us > 1_700_000_000_000_000
    assert fact.bytes_in == len(small.body())


def test_a_refused_event(small):
    (fact,) = told(small, [({h.TRACEPARENT: "00-junk"}, small.body(amount="secret"))])
    assert (fact.kind, fact.outcome, fact.code, fact.status) == (
        FactKind.REFUSAL,
        Outcome.REFUSED,
        "CONTRACT_VIOLATION",
        422,
    )
    assert fact.detail == '/amount: the value is not of type "number"'
    assert (fact.event_id, fact.subject, fact.consumer, fact.parent_span_id) == ("e1", "c-7", "demo-app", "")
    assert len(fact.trace_id) == 32, "a trace begins here"


def test_a_dead_letter_of_a_body_nobody_can_read(small):
    (fact,) = told(small, [({}, b"\xff not json")])
    assert (fact.code, fact.event_id, fact.subject) == ("NOT_JSON", "", "")


def stored(subject, body=b"", **headers):
    return Stored("FACTS", 7, subject, headers, body, 1_795_000_000_000_000)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nonsense", b'{"outcome": "marvellous"}', b"\xff", b'"x"', b"{}"],
)
def test_a_group_that_writes_nonsense_leaves_a_gap(body):
    fact = fact_of(stored("facts.delivery.billing", body), pointer_of)
    assert (fact.kind, fact.consumer, fact.code) == (FactKind.GAP, "billing", "FACT_UNREADABLE")


def test_a_group_speaks_for_itself_only():
    forged = {
        "kind": "decision",
        "outcome": "ok",
        "consumer": "somebody-else",
        "at_us": -5,
        "duration_us": True,
        "detail": "a\r\nb" + "x" * 5000,
        "seq": 99,
        "bytes_in": 2**70,
    }
    fact = fact_of(stored("facts.delivery.billing", orjson.dumps({**forged, "bytes_in": 12.5})), pointer_of)
    assert (fact.kind, fact.consumer, fact.seq, fact.bytes_in, fact.duration_us) == (
        FactKind.DELIVERY,
        "billing",
        0,
        0,
        0,
    )
    assert fact.at_us == 1_795_000_000_000_000
    assert len(fact.detail) <= 256
    assert "\n" not in fact.detail


def test_what_people_did_is_a_decision(small):
    async def scenario():
        backend = MemoryBackend()
        await backend.ensure(small.bus())
        intake = Intake(backend, compile_guard(small.bus())[0])
        await intake.offer(small.ORDERS, "k1", {h.TRACEPARENT: CALL}, small.body(amount="x"), "demo-app")
        await dlq.discard(backend, "sales:1")
        with pytest.raises(Exception, match="dead-letter-closed"):
            await dlq.discard(backend, "sales:1")
        with pytest.raises(Exception, match="dead-letter-unknown"):
            await dlq.discard(backend, "sales:9")
        assert await dlq.entries(backend) == []
        (closed,) = await dlq.entries(backend, "sales", state=None)
        assert closed.state is dlq.State.DISCARDED
        return [fact_of(each, pointer_of) async for each in backend.read("DLQ_SALES")]

    refusal, decision = asyncio.run(scenario())
    assert (decision.kind, decision.code, decision.event_id) == (FactKind.DECISION, "DLQ_DISCARDED", "e1")
    assert decision.trace_id == refusal.trace_id == read_traceparent(CALL).trace_id


def test_dead_letters_are_counted_by_cause(small):
    async def scenario():
        backend = MemoryBackend()
        await backend.ensure(small.bus())
        intake = Intake(backend, compile_guard(small.bus())[0])
        for n in range(3):
            await intake.offer(small.ORDERS, "k1", {}, small.body(f"e{n}", amount="x"), "demo-app")
        await intake.offer(small.ORDERS, "k1", {}, b"[]", "demo-app")
        await intake.offer("sales.nothing.v1", "k" * 2000, {}, b"{}", "demo-app")
        found = await dlq.entries(backend, "sales")
        return [(kind.channel, kind.reason, kind.pointer, kind.count) for kind in dlq.kinds(found)]

    assert asyncio.run(scenario()) == [
        (small.ORDERS, "CONTRACT_VIOLATION", "/amount", 3),
        ("sales.nothing.v1", "UNKNOWN_CHANNEL", "", 1),
        (small.ORDERS, "NOT_JSON", "", 1),
    ]


def test_an_accepted_event_is_sent_again_only_under_a_fresh_id(small):
    async def scenario():
        backend = MemoryBackend()
        await backend.ensure(small.bus())
        given = {
            h.MSG_ID: "x", h.EVENT_ID: "e1", h.DLQ_ORIGIN: f"bus.{small.ORDERS}.1.k1", h.DLQ_ATTEMPTS: "3"
        }  # fmt: skip
        await backend.publish(f"dlq.sales.{small.ORDERS}.billing.HANDLER_ERROR", given, small.body())
        sent = []

        async def publish(channel, key, body, *, trace=None):
            sent.append((channel, key, orjson.loads(body)["eventId"]))

        with pytest.raises(Exception, match="dead-letter-was-accepted"):
            await dlq.resubmit(backend, publish, "sales:1")
        await dlq.resubmit(backend, publish, "sales:1", fresh_id=True)
        return sent

    ((channel, key, id),) = asyncio.run(scenario())
    assert (channel, key) == (small.ORDERS, "k1")
    assert id not in ("", "e1")


@pytest.mark.engine
def test_the_source_goes_on_after_its_offset_and_through_a_restart(nats, small):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc, nats.client("control") as control:
            client = small.Client(nc)
            source: Source = StreamSource(NatsBackend(control), "SALES_ORDER_CREATED_V1", pointer_of)
            assert source.name == "bus:SALES_ORDER_CREATED_V1"
            seen = []

            async def collect(offset, until):
                async for facts, after in source.batches(offset):
                    seen.extend(fact.event_id for fact in facts)
                    if after == until:
                        return after
                return None

            for n in range(3):
                await client.publish(small.ORDERS, "k1", small.body(f"e{n}"))
            offset = await asyncio.wait_for(collect(None, 3), 10)
            following = asyncio.create_task(collect(offset, 6))
            await client.publish(small.ORDERS, "k1", small.body("e3"))
            await small.until(lambda: "e3" in seen, "the source follows")
            await asyncio.to_thread(nats.end)
            await asyncio.to_thread(nats.start)
            for n in (4, 5):

                async def published(n=n):
                    with contextlib.suppress(Exception):
                        return await client.publish(small.ORDERS, "k1", small.body(f"e{n}"))

                await small.until(published, "the bus is back")
            await asyncio.wait_for(following, 20)
            assert seen == [f"e{n}" for n in range(6)]
            await fabric.backend.nc.request("$JS.API.STREAM.PURGE.SALES_ORDER_CREATED_V1", b'{"seq": 6}')
            async for facts, _ in source.batches(2):
                assert [fact.kind for fact in facts] == [FactKind.GAP, FactKind.EVENT]
                assert "3 messages" in facts[0].detail
                break
            assert set(await fabric.backend.streams()) == set(streams(nats.bus))

    asyncio.run(scenario())
