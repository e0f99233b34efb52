"""One id, one event: a used id that comes with other content is refused, and kept with its reason."""

import asyncio

import httpx
import orjson
import pytest
from nats.js.errors import APIError

from treadle.bus import dlq, intake
from treadle.bus.backends.memory import MemoryBackend
from treadle.bus.backends.nats import DUPLICATES_S
from treadle.bus.door import door
from treadle.bus.guard import Accepted, compile_guard
from treadle.bus.intake import Intake, arrive
from treadle.bus.partition import encode_key, partition_of
from treadle.bus.reason import Reason, Refused
from treadle.bus.subjects import channel_stream
from treadle.contract.model import Enforcement


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(clock, small):
    def make(**changes):
        bus = small.bus(topics=(small.topic(**changes), small.topic(small.PROFILES)))
        return Intake(MemoryBackend(), compile_guard(bus)[0], now=clock)

    return make


@pytest.fixture
def judge(make, small):
    """Judge bodies in their order by one intake."""
    shared = make()

    def judge(body, *, channel=small.ORDERS, key="k1", by=shared, headers=None):
        token = encode_key(key)
        subject = f"ingress.{partition_of(token, 8)}.{channel}.{token}"
        return by.judge(arrive(subject, headers or {}, body, "demo-app"))

    return judge


def test_the_same_event_passes_and_another_one_does_not(judge, small):
    assert isinstance(judge(small.body()), Accepted)
    assert isinstance(judge(small.body()), Accepted)
    refused = judge(small.body(amount=13))
    assert (refused.reason, refused.code, refused.pointer) == (Reason.ID_REUSED, 90010, "/eventId")
    assert refused.text.startswith('ID_REUSED /eventId: "e1" ')
    assert "e1" not in refused.detail
    assert isinstance(judge(small.body()), Accepted), "the first one still counts"
    assert isinstance(judge(small.body("e2", amount=13)), Accepted)


def test_an_attempt_may_differ_in_what_each_attempt_makes_anew(judge, small):
    first = small.event()
    assert isinstance(judge(orjson.dumps(first)), Accepted)
    again = {**dict(reversed(first.items())), "occurredAt": "2026-11-22T10:00:01Z", "schemaVersion": "1.3.0"}
    assert isinstance(judge(orjson.dumps(again, option=orjson.OPT_INDENT_2)), Accepted)


@pytest.mark.parametrize(
    "changes", [{"customerId": "c-8"}, {"note": "x"}, {"lines": []}, {"amount": None}, {"amount": "12.5"}]
)
def test_any_other_difference_is_another_event(make, judge, small, changes):
    loose = make(schema={})
    assert isinstance(judge(small.body(), by=loose), Accepted)
    assert judge(small.body(**changes), by=loose).reason is Reason.ID_REUSED


def test_another_key_is_another_event_and_another_channel_has_ids_of_its_own(judge, small):
    assert isinstance(judge(small.body()), Accepted)
    assert judge(small.body(key="k2"), key="k2").reason is Reason.ID_REUSED
    assert isinstance(judge(small.body(amount=13), channel=small.PROFILES), Accepted)


def test_a_refused_event_uses_no_id(judge, small):
    assert judge(small.body(amount="x")).reason is Reason.CONTRACT_VIOLATION
    assert isinstance(judge(small.body(amount=1)), Accepted)


@pytest.mark.parametrize("enforcement", [Enforcement.OBSERVE, Enforcement.WARN])
def test_it_is_never_soft_and_goes_by_what_the_broker_goes_by(make, judge, small, enforcement):
    soft = make(enforcement=enforcement)
    nameless = {name: value for name, value in small.event().items() if name != "eventId"}
    for amount in (1, 2):
        assert isinstance(judge(orjson.dumps(nameless | {"amount": amount}), by=soft), Accepted)
    given = {"Nats-Msg-Id": "m1"}
    assert isinstance(judge(small.body("e1"), by=soft, headers=given), Accepted)
    assert judge(small.body("e2"), by=soft, headers=given).reason is Reason.ID_REUSED


def test_nesting_that_no_writer_follows(make, judge, small):
    loose = make(schema={})
    deep = b"[" * 900 + b"%d" + b"]" * 900
    bodies = [small.body()[:-1] + b',"deep":' + deep % n + b"}" for n in (1, 1, 2)]
    verdicts = [judge(each, by=loose) for each in bodies]
    assert [isinstance(each, Refused) for each in verdicts] == [False, False, True]


def test_it_is_remembered_as_long_as_the_broker_does(judge, clock, small):
    assert isinstance(judge(small.body()), Accepted)
    clock.now += DUPLICATES_S
    assert isinstance(judge(small.body()), Accepted)
    assert judge(small.body(amount=13)).reason is Reason.ID_REUSED
    clock.now += intake.REMEMBERED_S - DUPLICATES_S
    assert isinstance(judge(small.body(amount=13)), Accepted), "a repetition makes the window no longer"
    assert judge(small.body()).reason is Reason.ID_REUSED


def test_the_memory_is_bounded_and_forgets_the_oldest_first(monkeypatch, judge, small):
    monkeypatch.setattr(intake, "REMEMBERED_MAX", 3)
    for id in ("e1", "e2", "e3", "e4"):
        assert isinstance(judge(small.body(id)), Accepted)
    assert judge(small.body("e2", amount=13)).reason is Reason.ID_REUSED
    assert isinstance(judge(small.body("e1", amount=13)), Accepted)


def test_another_guard_does_not_forget(make, judge, small):
    ours = make()
    assert isinstance(judge(small.body(), by=ours), Accepted)
    ours.guard = compile_guard(small.bus(topics=(small.topic(stamp="sales.thing.v1@1.3.0#1"),)), ours.guard)[0]
    assert judge(small.body(amount=13), by=ours).reason is Reason.ID_REUSED


def test_at_the_http_door(small):
    cloud = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/shop",
        "type": small.ORDERS,
        "partitionkey": "k1",
        "data": {"amount": 5, "customerId": "c-7"},
    }
    other = {**cloud, "data": {"amount": 6, "customerId": "c-7"}}
    caller = {"x-treadle-consumer": "demo-app", "x-treadle-scope": "sales.events:publish"}

    async def scenario():
        backend = MemoryBackend()
        await backend.ensure(small.bus())
        app = door(Intake(backend, compile_guard(small.bus())[0]))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as web:
            first, again, third = [
                await web.post("/v1/events", json=each, headers=caller) for each in (cloud, cloud, other)
            ]
            assert [first.status_code, again.status_code] == [202, 202]
            assert [first.json()["duplicate"], again.json()["duplicate"]] == [False, True]
            assert (third.status_code, third.json()["code"]) == (422, "ID_REUSED")
            assert third.json()["details"] == {"reason": "ID_REUSED", "pointer": "/eventId"}
            assert third.headers["x-treadle-code"] == "ID_REUSED"
        (stored,) = [each async for each in backend.read(channel_stream(small.ORDERS))]
        assert orjson.loads(stored.body)["amount"] == 5
        (letter,) = await dlq.entries(backend)
        assert (letter.reason, letter.pointer, letter.event_id) == ("ID_REUSED", "/eventId", "e1")
        assert orjson.loads(letter.body)["amount"] == 6

    asyncio.run(scenario())


@pytest.mark.engine
def test_at_the_native_door_and_across_doors(nats, small):
    async def scenario():
        async with nats.guarded() as fabric, nats.client("demo-app") as nc:
            js = nc.jetstream()
            subject = f"{small.ORDERS}.k1"
            assert (await js.publish(subject, small.body())).seq == 1
            assert (await js.publish(subject, small.body())).duplicate
            with pytest.raises(APIError) as refused:
                await js.publish(subject, small.body(amount=13))
            assert (refused.value.code, refused.value.err_code) == (422, 90010)
            assert refused.value.description.startswith("ID_REUSED /eventId:")
            crossing = await fabric.intake.offer(small.ORDERS, "k1", {}, small.body(amount=14), "demo-app")
            assert crossing.reason is Reason.ID_REUSED
            _, receipt = await fabric.intake.offer(small.ORDERS, "k1", {}, small.body(), "demo-app")
            assert receipt.duplicate
            letters = await dlq.entries(fabric.backend)
            assert [orjson.loads(each.body)["amount"] for each in letters] == [13, 14]
            assert {each.reason for each in letters} == {"ID_REUSED"}
            stored = [each async for each in fabric.backend.read(channel_stream(small.ORDERS))]
            assert [each.body for each in stored] == [small.body()]

    asyncio.run(scenario())
