"""The reference services: without a bus, and with the real one."""

import asyncio

import orjson
import pytest

from treadle.base.errors import EngineError
from treadle.bus.jetstream import connect
from treadle.bus.producer import Producer
from treadle.connect.run import Connectors
from treadle.connect.source import Published
from treadle.contract.model import Connector

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def customer(number, **more):
    return {
        "eventId": f"e-{number}",
        "occurredAt": "2026-03-01T09:30:00Z",
        "partitionKey": f"C-{number}",
        "schemaVersion": "1.0.0",
        "customerId": f"C-{number}",
        "name": f"Customer {number}",
        "email": f"c{number}@example.com",
        "country": "DE",
        "segment": "business",
    } | more


def order(number, **more):
    return {
        "eventId": f"o-{number}",
        "occurredAt": "2026-03-01T09:30:00Z",
        "partitionKey": f"O-{number}",
        "schemaVersion": "1.0.0",
        "orderId": f"O-{number}",
        "customerId": "C-1",
        "amount": 12.5,
        "currency": "EUR",
    } | more


@pytest.mark.parametrize(
    ("script", "path"), [("services/customers.py", "/v1/customers"), ("services/orders.py", "/v1/orders")]
)
def test_an_api_answers_before_there_is_a_bus(start, http, script, path):
    env = {"TREADLE_NATS_URL": "nats://127.0.0.1:9", "TREADLE_NATS_USER": "u", "TREADLE_NATS_PASSWORD": "p"}
    service = start(script, env=env)
    assert http.get(f"{service.url}/healthz").json() == {"status": "ok"}
    assert http.get(f"{service.url}{path}").json() == {"items": []}
    answer = http.get(f"{service.url}{path}/none", headers={"traceparent": TRACE})
    assert (answer.status_code, answer.headers["traceparent"]) == (404, TRACE)
    assert set(answer.json()) == {"traceId", "code", "message", "details"}
    assert (answer.json()["code"], answer.json()["traceId"]) == ("NOT_FOUND", TRACE.split("-")[1])
    assert http.get(f"{service.url}/elsewhere").json()["code"] == "NOT_FOUND"
    for query in ("limit=0", "limit=101", "limit=x", "cursor=%21%21"):
        assert http.get(f"{service.url}{path}?{query}").json()["code"] == "BAD_REQUEST"


def test_orders_fail_when_they_are_told_to(start, http):
    orders = start("services/orders.py")
    fault = f"{orders.url}/admin/faults"
    assert http.post(fault, json={"status": 500}).status_code == 200
    assert http.get(f"{orders.url}/v1/orders").status_code == 500
    assert http.get(f"{orders.url}/v1/orders/O-1").json()["code"] == "INTERNAL"
    assert http.get(f"{orders.url}/healthz").status_code == 200
    for wrong in ({"status": 200}, {"status": "500"}, {"status": True}, {}, []):
        assert http.post(fault, json=wrong).status_code == 400
    http.post(fault, json={"status": None})
    assert http.get(f"{orders.url}/v1/orders").status_code == 200


@pytest.mark.engine
def test_events_become_customers_orders_and_invoices(start, http, nats):
    customers = start("services/customers.py", env=nats.env("customers-api"))
    orders = start("services/orders.py", env=nats.env("orders-api"))
    billing = start("services/billing.py", env=nats.env("billing"))

    async def until(condition):
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(condition):  # noqa: ASYNC110  - it is in another process
                await asyncio.sleep(0.05)

    async def story():
        async with nats.guarded():
            crm = await connect(nats.url, "crm", "pw-crm", name="crm")
            erp = await connect(nats.url, "erp", "pw-erp", name="erp")
            try:
                for number in range(1, 4):
                    await Producer(crm).publish(
                        "customer.profile.updated.v1", f"C-{number}", orjson.dumps(customer(number))
                    )
                later = customer(1, eventId="e-1b", email="new@example.com", occurredAt="2026-03-01T09:31:00Z")
                older = customer(1, eventId="e-1c", email="old@example.com", occurredAt="2026-03-01T08:00:00.5Z")
                for event in (later, older):
                    await Producer(crm).publish("customer.profile.updated.v1", "C-1", orjson.dumps(event))
                for number in range(1, 6):
                    await Producer(erp).publish("sales.order.created.v1", f"O-{number}", orjson.dumps(order(number)))
                # The same order under another event id: one invoice, all the same.
                await Producer(erp).publish("sales.order.created.v1", "O-1", orjson.dumps(order(1, eventId="o-1b")))
                await Producer(erp).publish("sales.order.created.v1", "O-6", orjson.dumps(order(6)))
                await until(lambda: len(http.get(f"{customers.url}/v1/customers").json()["items"]) == 3)
                await until(lambda: http.get(f"{orders.url}/v1/orders/O-6").status_code == 200)
                await until(lambda: http.get(f"{billing.url}/status").json()["invoices"] == 6)
                email = f"{customers.url}/v1/customers/C-1"
                await until(lambda: http.get(email).json()["email"] == "new@example.com")
            finally:
                await crm.close()
                await erp.close()

    asyncio.run(story())
    first = http.get(f"{orders.url}/v1/orders?limit=4").json()
    second = http.get(f"{orders.url}/v1/orders", params={"limit": 4, "cursor": first["nextCursor"]}).json()
    assert [each["orderId"] for each in first["items"] + second["items"]] == [f"O-{n}" for n in range(1, 7)]
    assert "nextCursor" not in second


def test_the_erp_is_polled_as_its_connector_says(start, http, until, acme, tmp_path):
    """The real ERP, the real settings: every confirmed order becomes one event, drafts none."""
    erp = start("systems/erp.py")
    (configured,) = [each for each in acme[0].settings.connectors if each.name == "erp"]
    source = {**configured.settings["source"], "url": erp.url, "every_s": 0.05, "page_size": 2}
    connector = Connector("erp", "ERP", {**configured.settings, "source": source}, configured.place)
    got = []
    away = [True]

    async def publish(outgoing):
        if away:
            away.pop()
            raise EngineError("bus-unreachable", "not yet", "")
        got.append(outgoing.event)
        return Published()

    async def quarantine(kept):
        raise AssertionError(kept.detail)

    async def story():
        with Connectors(
            [connector],
            state_path=tmp_path / "connect.sqlite",
            publish=publish,
            quarantine=quarantine,
            schema_version_of=lambda _: "1.0.0",
        ) as connectors:
            task = asyncio.create_task(connectors.run())
            try:
                await asyncio.to_thread(until, lambda: len(got) == 3)
                for number in range(4, 6):
                    url = f"{erp.url}/api/orders/O-500{number}"
                    await asyncio.to_thread(http.patch, url, json={"status": "confirmed"})
                await asyncio.to_thread(until, lambda: len(got) == 5)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert {each["orderId"]: each["amount"] for each in got} == {
        "O-5001": 129.9,
        "O-5002": 4870,
        "O-5003": 59,
        "O-5004": 18400,
        "O-5005": 310.25,
    }
    assert len({each["eventId"] for each in got}) == 5
