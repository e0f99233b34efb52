"""What a poll makes of answers: good ones, bad ones, and none."""

import asyncio

import httpx
import orjson
import pytest

from treadle.base.errors import EngineError
from treadle.connect import poll
from treadle.connect.cursor import Mark, Query
from treadle.connect.poll import HttpSource, SourceBusyError, http_client
from treadle.connect.settings import read_settings

QUERY = Query("2026-03-01T00:00:00.000000Z", None, 2)
ONE = {"id": "O-1", "updated_at": "2026-03-01T09:30:00.000001Z", "status": "confirmed", "total": "1"}


def answered(content, status=200, headers=None):
    """As it comes off the wire: not read yet."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def fetch(erp, answer, query=QUERY):
    async def ask():
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=False) as client:
            return await HttpSource(read_settings(erp("http://erp.example")).source, client).fetch(query)

    return asyncio.run(ask())


def test_a_page(erp):
    asked = []

    def answer(request):
        asked.append(str(request.url))
        headers = {"date": "Sun, 01 Mar 2026 10:00:00 GMT"}
        return answered(orjson.dumps({"records": [ONE, {"id": "O-2"}, ONE | {"updated_at": 5}]}), headers=headers)

    page = fetch(erp, answer, Query(QUERY.since, Mark("2026-03-01T09:30:00Z", "O-0"), 2))
    assert asked == [
        "http://erp.example/api/orders?updated_since=2026-03-01T00%3A00%3A00.000000Z&limit=2&after=2026-03-01T09%3A30%3A00Z%2CO-0",
    ]
    assert [row.mark for row in page.rows] == [Mark("2026-03-01T09:30:00.000001Z", "O-1")]
    assert page.rows[0].at_us == 1_772_357_400_000_001
    assert page.source_us == 1_772_359_200_000_000
    assert len(page.misplaced) == 2
    assert page.full


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        (429, "7", 7),
        (503, None, 0),
        (500, "-1", 0),
        (429, "1e9", 0),
        (429, "9" * 30, 600),
        (503, "Sun, 01 Mar 2026", 0),
    ],
)
def test_busy_says_when_to_come_back(erp, status, header, wait_s):
    with pytest.raises(SourceBusyError) as seen:
        fetch(erp, lambda _: httpx.Response(status, headers={"retry-after": header} if header else {}))
    assert seen.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (httpx.Response(302, headers={"location": "http://169.254.169.254/"}), "redirects are not followed"),
        (httpx.Response(404), "status 404"),
        (answered(b"<html>"), "not JSON"),
        (answered(b'{"records":{}}'), "no list"),
        (answered(b"[]"), "no list"),
        (answered(b"[" * 2_000), "not JSON"),
        (answered(b"x", headers={"content-encoding": "br"}), "compressed"),
        (answered(b" " * (8 * 1024 * 1024 + 1)), "over 8388608 bytes"),
    ],
)
def test_an_answer_that_cannot_be_used(erp, response, says):
    with pytest.raises(EngineError, match=says) as seen:
        fetch(erp, lambda _: response)
    assert seen.value.code == "source-unusable"


def test_nobody_there(erp):
    def answer(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(SourceBusyError, match="not reachable"):
        fetch(erp, answer)


def test_too_slow(erp, monkeypatch):
    monkeypatch.setattr(poll, "RESPONSE_TIME_S", 0.01)

    async def answer(_):
        await asyncio.sleep(60)

    with pytest.raises(SourceBusyError, match="took longer"):
        fetch(erp, answer)


def test_the_shared_client_takes_nothing_from_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")

    async def made():
        async with http_client() as client:
            return client.follow_redirects, client.trust_env, client.headers["accept-encoding"]

    assert asyncio.run(made()) == (False, False, "identity")
