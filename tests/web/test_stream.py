import asyncio
import json
import socket
import threading
from dataclasses import replace

import httpx
import pytest

from treadle.insight.state import Run
from treadle.web import stream as stream_module
from treadle.web.moment import Lens
from treadle.web.stream import Stream, TooManyClients


def parsed(chunk):
    lines = [line for line in chunk.decode().splitlines() if line and not line.startswith("retry:")]
    fields = dict(line.split(": ", 1) for line in lines)
    return fields["event"], json.loads(fields["data"])


def run(made):
    """A coroutine in a loop of its own, which leaves no task behind."""
    return asyncio.run(asyncio.wait_for(made, 20))


def test_everything_first_and_changes_after(busy):
    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.01)
        chunks = stream.open()
        first = parsed(await anext(chunks))
        busy.engines = [replace(each, run=Run.DOWN, since_us=busy.now_us) for each in busy.engines]
        second = parsed(await anext(chunks))
        stream.close()
        await chunks.aclose()
        return first, second

    (full, everything), (delta, changed) = run(watch())
    assert (full, delta) == ("full", "delta")
    assert everything["values"]["tile.calls.state"] == "ok"
    assert changed["values"]["tile.calls.state"] == "no-data"
    assert "now" not in changed["values"], "what did not change is not sent"
    assert set(changed["values"]) < set(everything["values"])
    assert changed["lists"]["attention"][0]["what"] == "nats is down"
    assert "recent" not in changed["lists"]


def test_one_encoding_serves_every_page(busy, monkeypatch):
    encoded = []
    original = Stream._encode

    def counting(self, event, values, lists):
        encoded.append(event)
        return original(self, event, values, lists)

    monkeypatch.setattr(Stream, "_encode", counting)

    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.01)
        pages = [stream.open() for _ in range(20)]
        for page in pages:
            await anext(page)
        before = encoded.count("delta")
        chunks = [await anext(page) for page in pages]
        ticks = encoded.count("delta") - before
        stream.close()
        for page in pages:
            await page.aclose()
        return chunks, ticks

    chunks, ticks = run(watch())
    assert chunks[0].startswith(b"id: ")
    assert all(chunk is chunks[0] for chunk in chunks)
    assert ticks < 10


def test_nothing_is_computed_while_nobody_looks(busy):
    looked = []

    async def watch():
        lens = Lens(busy.view())
        original = lens.moment
        lens.moment = lambda: looked.append(1) or original()
        stream = Stream(lens, tick_s=0.001)
        page = stream.open()
        await anext(page)
        await page.aclose()
        while stream._ticker is not None:  # noqa: ASYNC110 - the end of the ticker sets no event
            await asyncio.sleep(0.001)
        seen = len(looked)
        await asyncio.sleep(0.02)
        assert len(looked) == seen
        assert stream.clients == 0
        again = stream.open()
        await anext(again)
        assert len(looked) == seen + 1
        stream.close()
        await again.aclose()

    run(watch())


def test_a_slow_page_is_given_everything_anew(busy):
    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.001)
        slow = stream.open()
        await anext(slow)
        (client,) = stream._clients
        sizes = set()
        while not any(parsed(chunk)[0] == "full" for chunk in client.pending):
            sizes.add(len(client.pending))
            await asyncio.sleep(0.001)
        stream.close()
        await slow.aclose()
        return sizes

    assert max(run(watch())) <= stream_module.PENDING_MAX


def test_there_is_an_end_to_how_many_may_look(busy, monkeypatch):
    monkeypatch.setattr(stream_module, "CLIENTS_MAX", 3)

    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.01)
        pages = [stream.open() for _ in range(3)]
        for page in pages:
            await anext(page)
        with pytest.raises(TooManyClients):
            stream.open()
        await pages[0].aclose()
        await anext(stream.open())
        stream.close()

    run(watch())


def test_a_tick_that_fails_does_not_end_the_stream(busy, caplog):
    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.005)
        page = stream.open()
        await anext(page)
        workspace, busy.workspace = busy.workspace, None
        while not caplog.records:  # noqa: ASYNC110 - a log record sets no event
            await asyncio.sleep(0.005)
        busy.workspace = workspace
        event, _ = parsed(await anext(page))
        stream.close()
        await page.aclose()
        return event

    assert run(watch()) == "delta"


def test_a_closed_stream_opens_no_more(busy):
    async def watch():
        stream = Stream(Lens(busy.view()), tick_s=0.01)
        page = stream.open()
        await anext(page)
        stream.close()
        assert [chunk async for chunk in page] == []
        with pytest.raises(TooManyClients):
            stream.open()

    run(watch())


def test_over_http_the_stream_is_not_buffered_nor_packed(served):
    origin, _, _ = served
    with httpx.stream("GET", f"{origin}/events/stream", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "content-encoding" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        seen = []
        while "event: delta" not in seen:
            seen.append(next(lines))


def test_the_server_stops_at_once_though_pages_are_open(busy, serve, until):
    """Shutdown waits for no browser: open streams end as whole responses."""
    ended = []

    def watch(origin):
        with httpx.stream("GET", f"{origin}/events/stream", timeout=30) as answer:
            ended.append(b"".join(answer.iter_raw()))

    with serve(busy) as (origin, console, _):
        readers = [threading.Thread(target=watch, args=(origin,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        until(lambda: console.stream.clients == 3)
    for reader in readers:
        reader.join(10)
    assert len(ended) == 3, "each reader saw the end of its response, not a broken connection"
    assert all(body.endswith(b"\n\n") for body in ended)


def test_a_reader_that_never_reads_does_not_hold_the_server(busy, serve, until):
    with serve(busy, tick_s=0.005) as (origin, console, _):
        host, _, port = origin.removeprefix("http://").partition(":")
        sleeper = socket.create_connection((host, int(port)))
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sleeper.sendall(f"GET /events/stream HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        until(lambda: console.stream.clients == 1)
    sleeper.close()


def test_a_page_that_goes_away_is_forgotten(busy, serve, until):
    with serve(busy, tick_s=0.02) as (origin, console, _):
        with httpx.stream("GET", f"{origin}/events/stream"):
            until(lambda: console.stream.clients == 1)
        until(lambda: console.stream.clients == 0)


def test_too_many_pages_are_told_so(busy, serve, monkeypatch):
    monkeypatch.setattr(stream_module, "CLIENTS_MAX", 0)
    with serve(busy) as (origin, _, _):
        answer = httpx.get(f"{origin}/events/stream")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert answer.json()["code"] == "UPSTREAM_UNAVAILABLE"


def test_a_head_request_ends(served):
    assert httpx.head(f"{served[0]}/events/stream").status_code == 200
