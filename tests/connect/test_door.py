"""The door over real HTTP, and what lies in the spool afterwards."""

import asyncio
import contextlib
import time

import httpx
import pytest
from starlette.applications import Starlette

from treadle.base.errors import EngineError
from treadle.connect.database import Database
from treadle.connect.door import BODY_BYTES_MAX, routes
from treadle.connect.settings import read_settings
from treadle.connect.spool import Spool

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def opened(tmp_path, crm, serving):
    @contextlib.asynccontextmanager
    async def open(waiting_max=100):
        database = Database(tmp_path / "connect.sqlite")
        spool = Spool(database, waiting_max=waiting_max)
        settings = read_settings(crm()).source
        woken = []
        app = Starlette(routes=routes({"crm": settings}.get, spool, woken.append))
        try:
            async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
                yield client, spool, woken
        finally:
            database.close()

    return open


def play(opened, story, **options):
    async def run():
        async with opened(**options) as parts:
            await story(*parts)

    asyncio.run(run())


def test_a_signed_webhook_is_stored_before_it_is_answered(opened, webhook):
    async def story(client, spool, woken):
        body, headers = webhook()
        answer = await client.post("/v1/webhooks/crm", content=body, headers=headers | {"traceparent": TRACE})
        assert (answer.status_code, answer.json()) == (202, {"id": "msg_1", "stored": True})
        (stored,) = spool.waiting("crm")
        assert (stored.id, stored.body, stored.traceparent) == ("msg_1", body, TRACE)
        assert woken == ["crm"]
        again = await client.post("/v1/webhooks/crm", content=body, headers=headers)
        assert (again.status_code, again.json()["stored"]) == (202, False)
        assert spool.depth("crm") == 1

    play(opened, story)


def test_refusals_are_in_the_envelope_and_store_nothing(opened, webhook):
    async def story(client, spool, _):
        body, headers = webhook()
        cases = [
            ("/v1/webhooks/crm", body + b" ", headers, 401, "UNAUTHENTICATED"),
            ("/v1/webhooks/crm", body, {}, 401, "UNAUTHENTICATED"),
            ("/v1/webhooks/crm", *webhook(at=int(time.time()) - 3_600), 401, "UNAUTHENTICATED"),
            ("/v1/webhooks/erp", body, headers, 404, "NOT_FOUND"),
            ("/v1/webhooks/crm", *webhook(email="x" * BODY_BYTES_MAX), 413, "PAYLOAD_TOO_LARGE"),
        ]
        for path, content, given, status, code in cases:
            answer = await client.post(path, content=content, headers=given | {"traceparent": TRACE})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.json()["traceId"] == TRACE.split("-")[1]
            assert set(answer.json()) == {"traceId", "code", "message", "details"}
        assert spool.depth("crm") == 0

    play(opened, story)


def test_a_body_that_hides_its_length_is_cut_off(opened):
    async def story(client, spool, _):
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"POST /v1/webhooks/crm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        # One byte too many, and no end in sight: the answer does not wait for it.
        for size in [65_536] * (BODY_BYTES_MAX // 65_536) + [1]:
            writer.write(b"%x\r\n" % size + b"x" * size + b"\r\n")
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 413")
        assert spool.depth("crm") == 0

    play(opened, story)


def test_a_full_spool_is_not_answered_2xx(opened, webhook):
    async def story(client, spool, _):
        for number, status in ((1, 202), (2, 503)):
            body, headers = webhook(f"msg_{number}")
            answer = await client.post("/v1/webhooks/crm", content=body, headers=headers)
            assert answer.status_code == status
        assert answer.headers["retry-after"] == "5"
        assert spool.depth("crm") == 1

    play(opened, story, waiting_max=1)


def test_a_full_disk_is_not_answered_2xx_and_forgotten_once_there_is_room(tmp_path, crm, serving, webhook):
    async def run():
        database = Database(tmp_path / "connect.sqlite")
        database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (pages,) = database._connection.execute("PRAGMA page_count").fetchone()
        (room,) = database._connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        assert room == pages
        spool, woken = Spool(database), []
        app = Starlette(routes=routes({"crm": read_settings(crm()).source}.get, spool, woken.append))
        body, headers = webhook("msg_1", note="x" * 8192)
        async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
            for _ in range(2):
                refused = await client.post("/v1/webhooks/crm", content=body, headers=headers)
                assert (refused.status_code, refused.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
            assert (spool.depth("crm"), woken) == (0, [])
            database._connection.execute("PRAGMA max_page_count = 1000000")
            taken = await client.post("/v1/webhooks/crm", content=body, headers=headers)
            assert (taken.status_code, spool.depth("crm"), woken) == (202, 1, ["crm"])
        with pytest.raises(EngineError, match="no such table"), database.transaction() as rows:
            rows.execute("INSERT INTO nowhere VALUES (1)")
        database.close()

    asyncio.run(run())


def test_a_repeat_is_known_after_it_was_published_and_forgotten_after_a_day(tmp_path):
    database = Database(tmp_path / "connect.sqlite")
    spool = Spool(database)
    day_us = 24 * 3600 * 1_000_000
    assert spool.put("crm", "a", b"1", traceparent="", received_us=1)
    (stored,) = spool.waiting("crm")
    spool.done([stored.seq], now_us=10)
    assert not spool.put("crm", "a", b"1", traceparent="", received_us=2)
    assert spool.put("itsm", "a", b"1", traceparent="", received_us=2)
    assert spool.waiting("crm") == []
    spool.done([], now_us=11 + day_us)
    assert spool.put("crm", "a", b"1", traceparent="", received_us=3)
    database.close()
