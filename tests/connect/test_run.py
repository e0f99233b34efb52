"""All connectors at work: webhooks through the real door, a poll over real HTTP, failures and changes of settings."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from treadle.connect.run import Connectors, State
from treadle.contract.model import Connector, Place

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def at_work(tmp_path, bus, serving):
    """Connectors that run, and a client for their door."""

    @contextlib.asynccontextmanager
    async def start(*connectors):
        with Connectors(
            connectors,
            state_path=tmp_path / "connect.sqlite",
            publish=bus.publish,
            quarantine=bus.quarantine,
            schema_version_of=lambda _: "1.0.0",
        ) as whole:
            task = asyncio.create_task(whole.run())
            try:
                async with (
                    serving(Starlette(routes=whole.routes())) as url,
                    httpx.AsyncClient(base_url=url) as client,
                ):
                    yield whole, client
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    return start


async def send(client, webhook, message, /, **data):
    body, headers = webhook(message, **data)
    answer = await client.post("/v1/webhooks/crm", content=body, headers=headers | {"traceparent": TRACE})
    assert answer.status_code == 202


def of(whole, name):
    return next(each for each in whole.status() if each.name == name)


def test_a_webhook_becomes_an_event_in_the_trace_of_its_call(at_work, crm, bus, webhook, until):
    async def story():
        async with at_work(crm()) as (whole, client):
            await send(client, webhook, "m1")
            await until(lambda: of(whole, "crm").published == 1)
            status = of(whole, "crm")
            assert (status.state, status.kind, status.waiting) == (State.RUNNING, "webhook", 0)

    asyncio.run(story())
    assert [each["customerId"] for each in bus.events] == ["C-1"]
    assert bus.outgoing[0].trace.header() == TRACE


def test_the_order_of_a_key_survives_an_outage(at_work, crm, bus, webhook, until):
    async def story():
        async with at_work(crm(map={"revision": "data.revision"})) as (whole, client):
            bus.away = True
            for number in range(12):
                await send(client, webhook, f"m{number}", id=f"C-{number % 3}", revision=number)
            await until(lambda: of(whole, "crm").state is State.RETRYING)
            assert of(whole, "crm").waiting == 12
            assert "nobody there" in of(whole, "crm").detail
            bus.away = False
            await until(lambda: of(whole, "crm").waiting == 0)

    asyncio.run(story())
    for key in range(3):
        assert [out.event["revision"] for out in bus.outgoing if out.key == f"C-{key}"] == list(range(key, 12, 3))


def test_bad_bodies_are_quarantined_and_refusals_counted(at_work, crm, bus, webhook, until):
    async def story():
        async with at_work(crm()) as (whole, client):
            bus.refuses.add("C-7")
            await send(client, webhook, "m1", id="C-7")
            body, headers = webhook("m2", body=b"not json, but signed")
            assert (await client.post("/v1/webhooks/crm", content=body, headers=headers)).status_code == 202
            await send(client, webhook, "m3")
            await until(lambda: of(whole, "crm").waiting == 0)
            status = of(whole, "crm")
            assert (status.published, status.refused, status.quarantined) == (1, 1, 1)
            assert status.last_refusal.startswith("CONTRACT_VIOLATION")

    asyncio.run(story())
    (kept,) = bus.quarantined
    assert (kept.record, kept.channel) == (b"not json, but signed", "customer.profile.updated.v1")


def test_a_failing_connector_fails_alone(at_work, crm, erp, webhook, until):
    async def story():
        settings = {"connector": "odd", "system": "ODD", "source": {"type": "ftp"}, "emit": []}
        odd = Connector("odd", "ODD", settings, Place("connectors/odd.yaml"))
        async with at_work(crm(), erp("http://127.0.0.1:1"), odd) as (whole, client):
            await send(client, webhook, "m1")
            await until(lambda: of(whole, "crm").published == 1)
            await until(lambda: of(whole, "erp").state is State.RETRYING)
            assert "not reachable" in of(whole, "erp").detail
            assert of(whole, "odd").state is State.BROKEN
            assert "connectors/odd.yaml" in of(whole, "odd").detail

    asyncio.run(story())


def test_a_poll_over_http_and_a_change_of_its_address(at_work, erp, serving, until, bus):
    began = datetime.now(UTC) - timedelta(hours=1)
    orders = [
        {
            "id": f"O-{n}",
            "updated_at": (began + timedelta(seconds=n // 3)).isoformat(),
            "status": "confirmed",
            "total": "2.50",
        }
        for n in range(25)
    ]

    async def listing(request):
        asked = request.query_params
        since = datetime.fromisoformat(asked["updated_since"])
        stamp, _, id = asked.get("after", "").partition(",")
        after = (datetime.fromisoformat(stamp), id) if stamp else (datetime.min.replace(tzinfo=UTC), "")
        found = [
            each
            for each in sorted(orders, key=lambda o: (o["updated_at"], o["id"]))
            if datetime.fromisoformat(each["updated_at"]) >= since
            and (datetime.fromisoformat(each["updated_at"]), each["id"]) > after
        ]
        headers = {"date": format_datetime(datetime.now(UTC), usegmt=True)}
        return JSONResponse({"records": found[: int(asked["limit"])]}, headers=headers)

    async def story():
        app = Starlette(routes=[Route("/api/orders", listing)])
        async with serving(app) as url, at_work(erp("http://127.0.0.1:1", page_size=4)) as (whole, _):
            await until(lambda: of(whole, "erp").state is State.RETRYING)
            whole.update([erp(url, page_size=4)])
            await until(lambda: of(whole, "erp").published == 25)
            orders.append(orders[0] | {"id": "O-99", "updated_at": datetime.now(UTC).isoformat()})
            await until(lambda: of(whole, "erp").published == 26)
            whole.update([])
            assert whole.status() == ()

    asyncio.run(story())
    assert {each["orderId"] for each in bus.events} == {each["id"] for each in orders}
    assert bus.attempts == 26


def test_a_restart_goes_on_where_the_last_run_ended(at_work, crm, bus, webhook, until):
    async def before():
        async with at_work(crm()) as (whole, client):
            bus.away = True
            await send(client, webhook, "m1")
            await until(lambda: of(whole, "crm").state is State.RETRYING)

    async def after():
        async with at_work(crm()) as (whole, _):
            await until(lambda: of(whole, "crm").waiting == 0)

    asyncio.run(before())
    bus.away = False
    asyncio.run(after())
    assert orjson.dumps(bus.events[0]["customerId"]) == b'"C-1"'
