"""Connectors' way out: a record that cannot be mapped is kept whole, once, with its reason."""

from datetime import UTC, datetime

from treadle.base.ids import TraceContext
from treadle.bus import dlq
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.ir import Bus, Producer
from treadle.bus.logs import fact_of
from treadle.bus.subjects import dlq_stream
from treadle.connect.source import Quarantined
from treadle.control.publishers import Publishers
from treadle.facts.fact import FactKind

RECORD = Quarantined(
    connector="erp",
    channel="sales.order.created.v1",
    entity="order",
    id="O-1",
    version="3",
    record=b'{"total": "a lot"}',
    detail="amount: not a number",
    identity="fixed",
    observed_at=datetime(2026, 11, 22, tzinfo=UTC),
    trace=TraceContext("1" * 32, "2" * 16),
)


async def test_a_quarantined_record_is_a_dead_letter_and_a_fact():
    backend = MemoryBackend()
    await backend.ensure(Bus((), (), (Producer("erp", ("sales",)),)))
    publishers = Publishers("nats://unused", None, backend, lambda channel: f"{channel}@1.0.0#x")
    await publishers.quarantine(RECORD)
    await publishers.quarantine(RECORD)  # a restart between keeping and noting
    (letter,) = await dlq.entries(backend, "sales")
    assert (letter.body, letter.reason, letter.by) == (RECORD.record, "UNMAPPABLE", "erp")
    assert letter.detail == "amount: not a number"
    (stored,) = [each async for each in backend.read(dlq_stream("sales"))]
    fact = fact_of(stored, lambda _: None)
    assert (fact.kind, fact.code, fact.trace_id) == (FactKind.REFUSAL, "UNMAPPABLE", "1" * 32)
    await publishers.close()
