"""The HTTP door: CloudEvents in, receipts and refusals out. On the memory backend, and over a real socket."""

import asyncio
import stat

import httpx
import orjson
import pytest

from treadle.base.errors import EngineError
from treadle.bus import dlq
from treadle.bus import headers as h
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.door import door
from treadle.bus.guard import compile_guard
from treadle.bus.intake import Intake
from treadle.bus.subjects import channel_stream
from treadle.contract.model import Enforcement

TRACE = "0af7651916cd43dd8448eb211c80319c"
ALLOWED = {
    "x-treadle-consumer": "demo-app",
    "x-treadle-scope": "orders:read sales.events:publish",
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
}
ONE = {"content-type": "application/cloudevents+json; charset=utf-8"}
MANY = {"content-type": "application/cloudevents-batch+json"}


def cloud(small, id="e1", key="k1", **changes):
    made = {
        "specversion": "1.0",
        "id": id,
        "source": "/shop",
        "type": small.ORDERS,
        "time": "2026-11-22T10:00:00Z",
        "partitionkey": key,
        "data": {"amount": 5, "customerId": "c-7"},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
def post(small):
    """Post documents one after the other; gives the answers and the backend."""

    def post(*documents, headers=None, topics=None, connected=True, backend=None):
        async def scenario():
            kept = backend or MemoryBackend()
            made = small.bus(topics=topics) if topics else small.bus()
            await kept.ensure(made)
            app = door(Intake(kept, compile_guard(made)[0]), lambda: connected)
            answers = []
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as client:
                for document in documents:
                    sent = document if isinstance(document, bytes) else orjson.dumps(document)
                    given = {**ALLOWED, **(MANY if isinstance(document, list) else ONE), **(headers or {})}
                    answers.append(await client.post("/v1/events", content=sent, headers=given))
            stored = [each async for each in kept.read(channel_stream(small.ORDERS))]
            return answers, stored, await dlq.entries(kept)

        return asyncio.run(scenario())

    return post


def test_an_event_is_kept_with_its_metadata(post, small):
    (first, again), (stored,), _ = post(cloud(small), cloud(small))
    assert first.status_code == 202
    assert first.json() == {"id": "e1", "channel": small.ORDERS, "sequence": 1, "duplicate": False}
    assert again.json()["duplicate"] is True
    assert orjson.loads(stored.body) == {
        "eventId": "e1",
        "occurredAt": "2026-11-22T10:00:00Z",
        "partitionKey": "k1",
        "schemaVersion": "1.2.0",
        "amount": 5,
        "customerId": "c-7",
    }
    assert (stored.headers[h.PRODUCER], stored.headers["ce-source"]) == ("demo-app", "/shop")
    assert (stored.headers[h.TRACEPARENT][3:35], stored.headers[h.PARENT_SPAN]) == (TRACE, "b7ad6b7169203331")


def test_metadata_in_the_data_is_enough(post, small):
    document = cloud(small, time=None, partitionkey=None, data=small.event())
    (answer,), (stored,), _ = post(document, headers={"content-type": "application/json"})
    assert answer.status_code == 202
    assert orjson.loads(stored.body) == small.event()


def test_the_contracts_own_key(post, small):
    topics = (small.topic(partition_key="/customerId"), small.topic(small.PROFILES))
    (answer,), (stored,), _ = post(cloud(small, partitionkey=None), topics=topics)
    assert answer.status_code == 202
    assert stored.subject.endswith(".c-7")


@pytest.mark.parametrize(
    ("changes", "reason", "pointer"),
    [
        ({"data": {"amount": "x", "customerId": "c"}}, "CONTRACT_VIOLATION", "/amount"),
        ({"type": "sales.order.creatd.v1"}, "UNKNOWN_CHANNEL", ""),
        ({"type": "sales.order.creatd.v1", "partitionkey": None}, "UNKNOWN_CHANNEL", ""),
        ({"data": {"amount": 1, "customerId": "c", "schemaVersion": "2.0.0"}}, "VERSION_MISMATCH", "/schemaVersion"),
    ],
)
def test_a_refused_event(post, small, changes, reason, pointer):
    (answer,), stored, letters = post(cloud(small, **changes))
    assert (answer.status_code, stored) == (422, [])
    said = answer.json()
    assert (said["code"], said["traceId"]) == (reason, TRACE)
    assert answer.headers["x-treadle-code"] == reason
    assert said["message"].startswith(reason)
    assert said["details"] == {"reason": reason, "pointer": pointer}
    assert [(each.reason, each.producer, each.trace_id) for each in letters] == [(reason, "demo-app", TRACE)]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"specversion": "0.3"}, 400),
        ({"id": ""}, 400),
        ({"id": 7}, 400),
        ({"source": None}, 400),
        ({"type": None}, 400),
        ({"type": "customer.profile.updated.v1"}, 403),
        ({"type": ".events:publish"}, 403),
        ({"data": "text"}, 422),
        ({"data": None}, 422),
        ({"data_base64": "e30="}, 422),
        ({"partitionkey": None}, 422),
        ({"partitionkey": "k" * 300}, 422),
        ({"data": {"amount": 1, "customerId": "c", "eventId": "other"}}, 422),
        ({"data": {"amount": 1, "customerId": "c", "partitionKey": "other"}}, 422),
        ({"data": {"amount": 1, "customerId": "c", "occurredAt": "2026-11-22T10:00:01Z"}}, 422),
    ],
)
def test_what_is_no_event_of_yours(post, small, changes, status):
    (answer,), stored, _ = post(cloud(small, **changes))
    assert (answer.status_code, stored) == (status, [])
    assert set(answer.json()) == {"traceId", "code", "message", "details"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"[]", MANY, 400),
        (b"{}", MANY, 400),
        (b"[" + b"{}," * 100 + b"{}]", MANY, 400),
        (b"[" * 5000, {}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b" " * (1024 * 1024 + 1), {}, 413),
        (b"{}", {"content-length": "99999999"}, 413),
    ],
)
def test_hostile_bodies(post, body, headers, status):
    (answer,), stored, _ = post(body, headers=headers)
    assert (answer.status_code, stored) == (status, [])


def test_without_scope_and_without_identity(post, small):
    (answer,), _, letters = post(
        cloud(small), headers={"x-treadle-scope": "salesXevents:publish sales.events:publish2"}
    )
    assert (answer.status_code, answer.json()["code"], letters) == (403, "FORBIDDEN", [])


def test_a_batch_says_what_came_of_each(post, small):
    documents = [
        cloud(small, "e1"),
        cloud(small, "e2", data={"amount": "x", "customerId": "c"}),
        cloud(small, "e3", type=small.PROFILES),
        "nonsense",
        cloud(small, "e4", "other"),
    ]
    (answer,), stored, letters = post(documents)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [202, 422, 403, 400, 202]
    assert results[1]["details"] == {"reason": "CONTRACT_VIOLATION", "pointer": "/amount"}
    assert len(stored) == 2
    assert len(letters) == 1


def test_a_whole_batch(post, small):
    documents = [cloud(small, f"e{n}", f"k{n % 3}", data={"amount": n, "customerId": "c"}) for n in range(100)]
    (answer,), stored, _ = post(documents)
    assert answer.status_code == 202
    for key in ("k0", "k1", "k2"):
        amounts = [orjson.loads(each.body)["amount"] for each in stored if each.subject.endswith(key)]
        assert amounts == sorted(amounts)
    (answer,), stored, _ = post([cloud(small, type="sales.nothing.v1")])
    assert (answer.status_code, answer.json()["code"], stored) == (422, "UNKNOWN_CHANNEL", [])
    assert answer.json()["details"]["results"][0]["status"] == 422


def test_a_warned_contract_says_so(post, small):
    topics = (small.topic(enforcement=Enforcement.WARN), small.topic(small.PROFILES))
    (answer,), _, _ = post(cloud(small, data={"amount": "x", "customerId": "c"}), topics=topics)
    assert answer.status_code == 202
    assert answer.json()["warning"].startswith("CONTRACT_VIOLATION /amount")


class Full(MemoryBackend):
    """A broker that fails at the second event."""

    async def publish(self, subject, headers, body):
        if orjson.loads(body)["eventId"] == "e2":
            raise EngineError("bus-unreachable", "NATS did not answer", "")
        return await super().publish(subject, headers, body)


def test_a_later_event_does_not_overtake_one_that_may_come_again(post, small):
    documents = [cloud(small, "e1"), cloud(small, "e2"), cloud(small, "e3"), cloud(small, "e4", "other")]
    (answer,), stored, _ = post(documents, backend=Full())
    assert [each["status"] for each in answer.json()["results"]] == [202, 503, 503, 202]
    assert {each.headers[h.MSG_ID] for each in stored} == {"e1", "e4"}


def test_the_bus_is_away(post, small):
    (answer,), _, _ = post(cloud(small), connected=False)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["code"] == "UPSTREAM_UNAVAILABLE"


@pytest.mark.engine
def test_the_guard_process(nats, small):
    """Both doors in one process: killed in mid-traffic, given other contracts, stopped by SIGTERM."""

    async def scenario():
        async with nats.client("control") as control, nats.client("demo-app") as nc:
            backend = NatsBackend(control)
            await backend.ensure(nats.bus)
            socket = nats.folder / "door.sock"
            process = nats.guard_process()
            transport = httpx.AsyncHTTPTransport(uds=str(socket))
            async with httpx.AsyncClient(transport=transport, base_url="http://door") as web:

                async def ready():
                    try:
                        return (await web.get("/healthz")).status_code == 200
                    except httpx.HTTPError:
                        return False

                try:
                    await small.until(ready, "the guard is ready")
                    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
                    answer = await web.post("/v1/events", json=cloud(small, "h0", "h"), headers={**ALLOWED, **ONE})
                    assert (answer.status_code, answer.json()["sequence"]) == (202, 1)

                    client = small.Client(nc, timeout_s=0.5)
                    acked = []
                    for n in range(60):
                        if n == 20:
                            process.kill()
                            process.wait()
                            process = nats.guard_process()

                        async def published(n=n):
                            try:
                                return await client.publish(small.ORDERS, "k1", small.body(f"e{n}", amount=n))
                            except EngineError:
                                return None

                        await small.until(published, "the event is kept")
                        acked.append(n)
                    kept = [orjson.loads(each.body) async for each in backend.read(channel_stream(small.ORDERS))]
                    assert [each["amount"] for each in kept if each["partitionKey"] == "k1"] == acked

                    nats.snapshot.write_bytes(b"{ half a file")
                    log = nats.folder / "guard.log"
                    await small.until(lambda: b"the old contracts stay in force" in log.read_bytes(), "it says so")
                    assert (await client.publish(small.ORDERS, "k1", small.body("e60"))).sequence == 62
                    nats.write(
                        small.bus(topics=(small.topic(schema={"required": ["never"]}), small.topic(small.PROFILES)))
                    )

                    async def refused():
                        answer = await web.post("/v1/events", json=cloud(small, "h1"), headers={**ALLOWED, **ONE})
                        return answer.status_code == 422

                    await small.until(refused, "the new contract is in force")
                finally:
                    process.terminate()
                    ended = process.wait(20)
            assert ended == 0, (nats.folder / "guard.log").read_text()
            assert not socket.exists()

    asyncio.run(scenario())
