"""The native door, with stock nats-py clients and a real server."""

import asyncio
import signal

import nats as stock
import orjson
import pytest
from nats.js.errors import APIError

from treadle.base.errors import EngineError
from treadle.bus import dlq, headers
from treadle.bus.guard import compile_guard
from treadle.bus.partition import encode_key, partition_of
from treadle.bus.reason import EventRefusedError
from treadle.bus.subjects import channel_stream

pytestmark = pytest.mark.engine


async def stock_client(nats, user, errors=None):
    """What a producer who has never heard of treadle writes, but for the name of its inbox."""

    async def note(error):
        if errors is not None:
            errors.append(str(error))

    return await stock.connect(
        nats.url, user=user, password=f"pw-{user}", inbox_prefix=f"_INBOX.{user}", error_cb=note, allow_reconnect=False
    )


def test_stock_client_gets_true_acks_and_typed_refusals(nats, small):
    async def scenario():
        async with nats.guarded() as fabric:
            nc = await stock_client(nats, "demo-app")
            js = nc.jetstream()
            ack = await js.publish(f"{small.ORDERS}.k1", small.body())
            assert (ack.stream, ack.seq, bool(ack.duplicate)) == ("SALES_ORDER_CREATED_V1", 1, False)
            again = await js.publish(f"{small.ORDERS}.k1", small.body())
            assert (again.seq, again.duplicate) == (1, True)
            with pytest.raises(APIError) as refused:
                await js.publish(f"{small.ORDERS}.k1", small.body("e2", amount="x"))
            assert (refused.value.code, refused.value.err_code) == (422, 90001)
            assert refused.value.description == 'CONTRACT_VIOLATION /amount: "x" is not of type "number"'
            await nc.close()
            (letter,) = await dlq.entries(fabric.backend)
            assert (letter.reason, letter.pointer, letter.event_id) == ("CONTRACT_VIOLATION", "/amount", "e2")
            assert (letter.producer, letter.key, letter.by) == ("demo-app", "k1", "guard")
            assert letter.body == small.body("e2", amount="x")
            assert "x" not in letter.detail.split(), "the reason quotes no value of the event"
            (stored,) = [each async for each in fabric.backend.read("SALES_ORDER_CREATED_V1")]
            assert stored.body == small.body()
            assert stored.headers[headers.PRODUCER] == "demo-app"
            assert stored.headers[headers.CONTRACT] == small.topic().stamp

    asyncio.run(scenario())


def test_broker_partitions_as_we_do(nats, small):
    keys = ["k1", "ORD-1", "a b", "ü/é", "x.y.z", "*", ">", "%", "日本", "_-9" * 20]

    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            client = small.Client(nc)
            for n, key in enumerate(keys):
                await client.publish(small.ORDERS, key, small.body(f"e{n}", key))
            seen = [each.subject async for each in fabric.backend.read(channel_stream(small.ORDERS))]
            tokens = [encode_key(key) for key in keys]
            assert seen == [f"bus.{small.ORDERS}.{partition_of(token, 8)}.{token}" for token in tokens]
            for key in keys:
                assert orjson.loads((await fabric.backend.latest(small.ORDERS, key)).body)["partitionKey"] == key

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "subject",
    [
        "bus.sales.order.created.v1.3.k1",
        "customer.profile.updated.v1.k1",
        "ingress.1.customer.profile.updated.v1.k1",
        "dlq.sales.sales.order.created.v1.guard.POISON",
        "facts.delivery.billing",
        "$JS.API.STREAM.DELETE.SALES_ORDER_CREATED_V1",
        "_INBOX.control.x",
    ],
)
def test_producer_cannot_write_elsewhere(nats, small, subject):
    async def scenario():
        async with nats.guarded() as fabric:
            errors = []
            nc = await stock_client(nats, "demo-app", errors)
            await nc.publish(subject, b"{}", reply=nc.new_inbox())
            await small.until(lambda: "permissions violation for publish" in str(errors), "the broker refuses")
            await nc.close()
            for name in await fabric.backend.streams():
                assert await _count(fabric.backend, name) == 0

    asyncio.run(scenario())


def test_group_cannot_write_the_log_through_an_answer(nats, small):
    """Who may ask JetStream for a message also says where it goes: not into the log."""

    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc, nats.client("group_billing") as group:
            await small.Client(nc).publish(small.ORDERS, "k1", small.body())
            ask = orjson.dumps({"batch": 1, "expires": 500_000_000, "group": "one"})
            for target in (f"bus.{small.PROFILES}.0.k1", "$JS.API.STREAM.PURGE.SALES_ORDER_CREATED_V1"):
                pull = "$JS.API.CONSUMER.MSG.NEXT.SALES_ORDER_CREATED_V1.billing"
                await group.publish(pull, ask, reply=target)
                await group.publish("facts.delivery.billing", b"{}", reply=target)
            await group.flush()
            await small.until(lambda: _count(fabric.backend, "FACTS"), "the group's own facts are kept")
            assert await _count(fabric.backend, channel_stream(small.PROFILES)) == 0
            assert await _count(fabric.backend, channel_stream(small.ORDERS)) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "reply", ["bus.customer.profile.updated.v1.0.k1", "$JS.API.STREAM.PURGE.DLQ_SALES", "_INBOX.zz.1"]
)
def test_answers_go_to_inboxes_of_clients_only(nats, small, reply):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            await nc.publish(f"{small.ORDERS}.k1", small.body(), reply=reply)
            await nc.publish(f"{small.ORDERS}.k1", small.body("e2", amount="x"), reply=reply)
            await small.until(lambda: _count(fabric.backend, "DLQ_SALES"), "the bad one is in the DLQ")
            await small.until(lambda: _count(fabric.backend, channel_stream(small.ORDERS)), "the good one is kept")
            assert await _count(fabric.backend, channel_stream(small.PROFILES)) == 0

    asyncio.run(scenario())


async def _count(backend, stream):
    return len([each async for each in backend.read(stream)])


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (f"ingress.{(partition_of('k1', 8) + 1) % 8}.sales.order.created.v1.k1", "WRONG_PARTITION"),
        ("ingress.x.sales.order.created.v1.k1", "BAD_SUBJECT"),
        ("sales.order.creatd.v1.k1", "UNKNOWN_CHANNEL"),
        ("ingress.3.sales.nothing.v1.k1", "UNKNOWN_CHANNEL"),
        ("sales.order.created.v1", "BAD_SUBJECT"),
        ("sales.order.created.v1.a.b", "BAD_SUBJECT"),
        ("sales.order.created.v1.%6b1", "BAD_SUBJECT"),
        ("sales.order.created.v1.k%", "BAD_SUBJECT"),
        ("sales.order.created.v1.ümlaut", "BAD_SUBJECT"),
        ("sales." + "x" * 3000 + ".v1.k1", "UNKNOWN_CHANNEL"),
    ],
)
def test_wrong_subjects_are_named_and_kept(nats, subject, reason):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            answer = orjson.loads((await nc.request(subject, b"{}", timeout=5)).data)
            assert answer["error"]["code"] == 422
            assert answer["error"]["description"].startswith(reason + ":")
            (letter,) = await dlq.entries(fabric.backend)
            assert (letter.reason, letter.producer, letter.body) == (reason, "demo-app", b"{}")

    asyncio.run(scenario())


def test_order_of_every_key_survives_refusals_between(nats, small):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            client = small.Client(nc)
            sent = []
            for n in range(120):
                key = f"k{n % 5}"
                bad = n % 7 == 0
                sent.append((key, n, bad))
            tasks = [
                asyncio.create_task(
                    client.publish(small.ORDERS, key, small.body(f"e{n}", key, amount="x" if bad else n))
                )
                for key, n, bad in sent
            ]
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(each, EventRefusedError) for each in results] == [bad for _, _, bad in sent]
            kept = [orjson.loads(each.body) async for each in fabric.backend.read(channel_stream(small.ORDERS))]
            for key in {key for key, _, _ in sent}:
                assert [each["amount"] for each in kept if each["partitionKey"] == key] == [
                    n for k, n, bad in sent if k == key and not bad
                ]
            assert await _count(fabric.backend, "DLQ_SALES") == sum(bad for _, _, bad in sent)

    asyncio.run(scenario())


def test_mended_event_goes_through_the_guard_again(nats, small):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc, nats.client("control") as control:
            with pytest.raises(EventRefusedError):
                await small.Client(nc).publish(small.ORDERS, "a b", small.body(key="a b", amount="x"))
            (letter,) = await dlq.entries(fabric.backend)
            publish = small.Client(control).publish
            with pytest.raises(EventRefusedError):
                await dlq.resubmit(fabric.backend, publish, letter.id)
            mended = small.body(key="a b", amount=1)
            receipt = await dlq.resubmit(fabric.backend, publish, letter.id, body=mended)
            assert receipt.sequence == 1
            assert (await fabric.backend.latest(small.ORDERS, "a b")).body == mended
            closed = await dlq.entry(fabric.backend, letter.id)
            assert closed.state is dlq.State.RESUBMITTED
            left = await dlq.entries(fabric.backend)
            assert [(each.reason, each.producer) for each in left] == [("CONTRACT_VIOLATION", "control")]

    asyncio.run(scenario())


def test_reload_adds_a_channel_to_a_running_bus(nats, small):
    added = small.topic("sales.order.shipped.v1")

    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            client = small.Client(nc)
            with pytest.raises(EventRefusedError, match="UNKNOWN_CHANNEL"):
                await client.publish(added.channel, "k1", small.body())
            nats.write(small.bus(topics=(*small.bus().topics, added)))
            await fabric.backend.ensure(nats.bus)
            await fabric.service.swap(compile_guard(nats.bus, fabric.intake.guard)[0])
            await nats.engine.reload(nats.process.pid, nats.conf, nats.monitor)
            assert (await client.publish(added.channel, "k1", small.body())).stream == "SALES_ORDER_SHIPPED_V1"
            assert (await client.publish(small.ORDERS, "k1", small.body())).sequence == 1

    asyncio.run(scenario())


def test_kill_of_the_server_loses_no_acknowledged_event(nats, small):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            client = small.Client(nc, timeout_s=1.0)
            acked = set()
            stop = asyncio.Event()

            async def produce(line):
                n = 0
                while not stop.is_set():
                    id = f"{line}-{n}"
                    try:
                        await client.publish(small.ORDERS, f"k{line}", small.body(id, f"k{line}", amount=n))
                    except EngineError:
                        await asyncio.sleep(0.05)  # the outbox of a producer: again, under the same id
                        continue
                    acked.add(id)
                    n += 1

            lines = [asyncio.create_task(produce(line)) for line in range(4)]
            await small.until(lambda: len(acked) > 60, "traffic flows")
            await asyncio.to_thread(nats.end, signal.SIGKILL)
            before = len(acked)
            await asyncio.to_thread(nats.start)
            await small.until(lambda: len(acked) > before + 60, "traffic flows again")
            stop.set()
            await asyncio.gather(*lines)
            kept = [orjson.loads(each.body) async for each in fabric.backend.read(channel_stream(small.ORDERS))]
            ids = [each["eventId"] for each in kept]
            assert acked <= set(ids)
            assert len(ids) == len(set(ids)), "an event was kept twice"
            for line in range(4):
                numbers = [each["amount"] for each in kept if each["partitionKey"] == f"k{line}"]
                assert numbers == sorted(numbers), "a key lost its order"

    asyncio.run(scenario())
