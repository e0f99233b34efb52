"""What becomes of a call at the guard hop, with an upstream that writes everything down."""

import asyncio
import json

import pytest

from treadle.gateway.hop.idempotency import State
from treadle.gateway.hop.stores.store import StoreAwayError

pytestmark = pytest.mark.anyio
ORDER = b'{"sku":"AB-1","quantity":2}'


def saying(status, body=b"{}", *headers):
    async def play(recorder, call, writer):
        recorder.play_seen = call
        hop_answer(writer, status, body, *headers)
        await writer.drain()

    return play


def hop_answer(writer, status, body, *headers):
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    writer.write("\r\n".join(lines).encode() + body)


async def hang_up(recorder, call, writer):
    return True


async def cut(recorder, call, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await writer.drain()
    return True


async def held(recorder, call, writer):
    recorder.waiting.set()
    await recorder.go.wait()
    hop_answer(writer, 201, b'{"late":true}')
    await writer.drain()


async def never(recorder, call, writer):
    recorder.waiting.set()
    await recorder.writers[writer].read()  # until whoever asked goes
    recorder.go.set()
    return True


def gateways(status, reason):
    """What the way onward answers by itself."""
    envelope = {"traceId": "0" * 32, "code": "UPSTREAM_UNAVAILABLE", "message": "", "details": {"reason": reason}}
    return saying(status, json.dumps(envelope).encode(), "x-treadle-code: UPSTREAM_UNAVAILABLE")


async def test_a_call_passes_unchanged(hop):
    said = await hop.call("plain", "/v1/plain?a=%20b", x_request_id="r-1", connection="close, x-own", x_own="1")
    assert said.status == 201
    assert said["x-upstream"] == "yes"
    assert [value for name, value in said.headers if name == "set-cookie"] == ["a=1", "b=2"]
    (seen,) = hop.upstream.seen
    assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/v1/plain?a=%20b", ORDER)
    assert seen["headers"]["x-request-id"] == "r-1"
    assert seen["headers"]["x-treadle-operation"] == "sales.orders.v1/plain"
    assert not {"connection", "x-own", "transfer-encoding"} & seen["headers"].keys()


async def test_a_reply_is_given_again(hop):
    first = await hop.order("k-1")
    again = await hop.order('"k-1"')
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert [each for each in again.headers if each[0] != "idempotency-replayed"] == first.headers
    assert (first["idempotency-replayed"], again["idempotency-replayed"]) == (None, "true")
    assert hop.upstream.keys() == ["k-1"]


async def test_an_error_of_the_upstream_is_final(hop):
    hop.upstream.play = saying(503, b'{"code":"BUSY"}', "retry-after: 9")
    assert (await hop.order("k-1")).status == 503
    hop.upstream.play = None
    again = await hop.order("k-1")
    assert (again.status, again.body, again["retry-after"]) == (503, b'{"code":"BUSY"}', "9")
    assert again["idempotency-replayed"] == "true"
    assert len(hop.upstream.seen) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"args": (b'{"sku":"AB-1","quantity":3}',)},
        {"target": "/v1/orders?dry=1"},
        {"content_type": "application/json; charset=utf-8"},
        {"x_treadle_subject": "bob"},
    ],
)
async def test_one_key_is_one_request(hop, other):
    await hop.order("k-1")
    said = await hop.order("k-1", *other.pop("args", ()), **other)
    assert (said.status, said.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(hop.upstream.seen) == 1


async def test_a_key_is_its_consumers_and_operations(hop):
    await hop.order("k-1")
    assert (await hop.order("k-1", x_treadle_consumer="other"))["idempotency-replayed"] is None
    assert (await hop.order("k-1", operation="maybeOrder", target="/v1/maybe"))["idempotency-replayed"] is None
    assert len(hop.upstream.seen) == 3


async def test_a_client_of_the_same_name_at_another_issuer_is_another(hop):
    await hop.order("k-1", x_treadle_issuer="https://one.example")
    said = await hop.order("k-1", x_treadle_issuer="https://two.example")
    assert (said.status, said["idempotency-replayed"]) == (201, None)
    assert len(hop.upstream.seen) == 2


@pytest.mark.parametrize("shown", [{"authorization": "Basic YTpi"}, {"cookie": "session=1"}, {"x_api_key": "s"}])
async def test_whoever_the_upstream_alone_knows_is_given_no_answer_of_another(hop, shown):
    nobody = {"x_treadle_consumer": None, "x_treadle_subject": None}
    await hop.order("k-1", **nobody, **shown)
    assert (await hop.order("k-1", **nobody, **shown))["idempotency-replayed"] == "true"
    said = await hop.order("k-1", **nobody)
    assert (said.status, said.code) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_second_call_does_not_wait_for_the_first(hop):
    hop.upstream.play = held
    first = asyncio.create_task(hop.order("k-1"))
    await hop.until(hop.upstream.waiting.is_set)
    second = await hop.order("k-1")
    assert (second.status, second.code, second["retry-after"]) == (409, "IDEMPOTENCY_IN_PROGRESS", "1")
    hop.upstream.go.set()
    assert (await first).json == {"late": True}
    assert (await hop.order("k-1")).json == {"late": True}
    assert len(hop.upstream.seen) == 1


async def test_of_many_at_once_one_is_sent(hop):
    hop.upstream.play = held
    calls = [asyncio.create_task(hop.order("k-1")) for _ in range(20)]
    await hop.until(lambda: sum(call.done() for call in calls) == 19)
    hop.upstream.go.set()
    statuses = sorted([(await call).status for call in calls])
    assert statuses == [201] + [409] * 19
    assert len(hop.upstream.seen) == 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "BAD_REQUEST"),
        ("", "IDEMPOTENCY_KEY_INVALID"),
        ("a b", "IDEMPOTENCY_KEY_INVALID"),
        ('"open', "IDEMPOTENCY_KEY_INVALID"),
        ("a, b", "IDEMPOTENCY_KEY_INVALID"),
        ("k" * 256, "IDEMPOTENCY_KEY_INVALID"),
        ("ключ", "IDEMPOTENCY_KEY_INVALID"),
    ],
)
async def test_what_is_no_key_is_refused(hop, value, code):
    said = await hop.order(value)
    assert (said.status, said.code, said["x-treadle-code"]) == (400, code, code)
    assert not hop.upstream.seen


async def test_two_keys_are_no_key(hop):
    said = await hop.order("a\r\nidempotency-key: b")
    assert said.code == "IDEMPOTENCY_KEY_INVALID"


async def test_a_key_that_may_be_left_out(hop):
    assert (await hop.order(None, operation="maybeOrder", target="/v1/maybe")).status == 201
    assert (await hop.order(None, operation="maybeOrder", target="/v1/maybe")).status == 201
    assert len(hop.upstream.seen) == 2


@pytest.mark.parametrize("play", [hang_up, cut, gateways(503, "upstream_reset_before_response_started{x}")])
async def test_a_lost_answer_leaves_a_doubt(hop, play):
    hop.upstream.play = play
    assert (await hop.order("k-1")).status in {502, 503}
    hop.upstream.play = None
    said = await hop.order("k-1")
    assert (said.status, said.code) == (409, "IDEMPOTENCY_IN_DOUBT")
    assert len(hop.upstream.seen) == 1


async def test_an_answer_that_does_not_come_leaves_a_doubt(hop):
    hop.upstream.play = never
    said = await hop.order("k-1", operation="quickOrder", target="/v1/quick")
    assert (said.status, said.code) == (504, "UPSTREAM_TIMEOUT")
    said = await hop.order("k-1", operation="quickOrder", target="/v1/quick")
    assert said.code == "IDEMPOTENCY_IN_DOUBT"
    assert len(hop.upstream.seen) == 1


@pytest.mark.parametrize(
    "reason",
    ["no_healthy_upstream", "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error}"],
)
async def test_what_never_arrived_may_be_sent_again(hop, reason):
    hop.upstream.play = gateways(503, reason)
    assert (await hop.order("k-1")).status == 503
    hop.upstream.play = None
    assert (await hop.order("k-1"))["idempotency-replayed"] is None
    assert (await hop.order("k-1"))["idempotency-replayed"] == "true"


async def test_a_closed_way_onward_releases_the_key(hop):
    await hop.upstream.stop()
    hop.upstream.path.unlink()
    said = await hop.order("k-1")
    assert (said.status, said.code, said["retry-after"]) == (503, "UPSTREAM_UNAVAILABLE", "1")
    await hop.upstream.start()
    assert (await hop.order("k-1")).status == 201


async def test_whoever_leaves_does_not_end_a_keyed_call(hop):
    hop.upstream.play = held
    _, writer = await hop.open()
    writer.write(hop.bytes("createOrder", "/v1/orders", idempotency_key="k-1"))
    await hop.until(hop.upstream.waiting.is_set)
    writer.transport.abort()
    hop.upstream.go.set()
    await hop.until(lambda: [each.state for each in hop.store.records.values()] == [State.DONE])
    said = await hop.order("k-1")
    assert (said.json, said["idempotency-replayed"]) == ({"late": True}, "true")
    assert len(hop.upstream.seen) == 1


async def test_whoever_leaves_ends_another_call(hop):
    hop.upstream.play = never
    _, writer = await hop.open()
    writer.write(hop.bytes("plain", "/v1/plain"))
    await hop.until(hop.upstream.waiting.is_set)
    writer.transport.abort()
    await hop.until(hop.upstream.go.is_set)


async def test_an_answer_too_large_to_keep_is_given_once(hop):
    body = bytes(range(256)) * 2_000
    hop.upstream.play = saying(200, body, "content-type: application/octet-stream")
    first = await hop.order("k-1")
    assert (first.status, first.body == body) == (200, True)
    again = await hop.order("k-1")
    assert (again.status, again.code, again.json["details"]) == (409, "IDEMPOTENCY_REPLY_NOT_KEPT", {"status": 200})
    assert len(hop.upstream.seen) == 1


async def test_a_doubt_is_looked_up(hop):
    hop.upstream.play = hang_up
    await hop.order("k:1_?", operation="lookedUp", target="/v1/looked")
    hop.upstream.play = saying(200, b'{"id":"O-1"}', "content-type: application/json")
    said = await hop.order("k:1_?", operation="lookedUp", target="/v1/looked")
    assert (said.status, said.json, said["idempotency-replayed"]) == (200, {"id": "O-1"}, "lookup")
    asked = hop.upstream.seen[-1]
    assert (asked["method"], asked["target"]) == ("GET", "/v1/orders/by-key/k%3A1_%3F?Idempotency-Key=k%3A1_%3F")
    assert asked["headers"]["x-treadle-operation"] == "sales.orders.v1/findOrder"
    assert asked["headers"]["idempotency-key"] == "k:1_?"
    assert asked["headers"]["x-treadle-consumer"] == "app"
    assert len(hop.upstream.keys()) == 1


@pytest.mark.parametrize("key", [".", "..", "..;a", "k/../../admin", "k/1", r"k\1", "k%2f1"])
async def test_no_key_leads_a_lookup_elsewhere(hop, key):
    hop.upstream.play = hang_up
    await hop.order(key, operation="lookedUp", target="/v1/looked")
    hop.upstream.play = saying(200, b"{}")
    said = await hop.order(key, operation="lookedUp", target="/v1/looked")
    assert (said.status, said.code) == (409, "IDEMPOTENCY_IN_DOUBT")
    assert [call["method"] for call in hop.upstream.seen] == ["POST"]


async def test_a_lookup_that_finds_nothing_settles_nothing(hop):
    hop.upstream.play = hang_up
    await hop.order("k-1", operation="lookedUp", target="/v1/looked")
    hop.upstream.play = saying(404)
    said = await hop.order("k-1", operation="lookedUp", target="/v1/looked")
    assert (said.status, said.code, said.json["details"]) == (409, "IDEMPOTENCY_IN_DOUBT", {"lookup": 404})
    hop.upstream.play = gateways(503, "no_healthy_upstream")
    said = await hop.order("k-1", operation="lookedUp", target="/v1/looked")
    assert (said.json["details"], said["retry-after"]) == ({"lookup": "unavailable"}, "1")
    assert len(hop.upstream.keys()) == 1


class Away:
    """A store that does not answer until `back`; what it was asked may have happened all the same."""

    def __init__(self, store, *, kept):
        self.store = store
        self.kept = kept
        self.back = False

    async def claim(self, claim):
        if not self.back and self.kept:
            await self.store.claim(claim)
        if not self.back:
            raise StoreAwayError("the disk is full")
        return await self.store.claim(claim)

    async def settle(self, said):
        if not self.back:
            raise StoreAwayError("the disk is full")
        await self.store.settle(said)

    async def sweep(self, _):
        return 0

    async def close(self):
        pass


@pytest.mark.parametrize("kept", [False, True])
async def test_without_a_store_nothing_is_sent(hop, kept):
    await hop.down()
    away = Away(hop.store, kept=kept)
    await hop.up(away)
    said = await hop.order("k-1")
    assert (said.status, said.code, said["retry-after"]) == (503, "UPSTREAM_UNAVAILABLE", "1")
    assert not hop.upstream.seen
    away.back = True
    await hop.until(lambda: not hop.store.records)
    assert (await hop.order("k-1")).status == 201


async def test_a_store_that_goes_while_a_call_is_out_costs_no_answer(hop):
    await hop.down()
    away = Away(hop.store, kept=True)
    away.back = True
    await hop.up(away)
    hop.upstream.play = held
    first = asyncio.create_task(hop.order("k-1"))
    await hop.until(hop.upstream.waiting.is_set)
    away.back = False
    hop.upstream.go.set()
    assert (await first).json == {"late": True}
    away.back = True
    await hop.until(lambda: [each.state for each in hop.store.records.values()] == [State.DONE])
    assert (await hop.order("k-1"))["idempotency-replayed"] == "true"
    assert len(hop.upstream.seen) == 1


async def test_a_stream_passes_as_it_comes(hop):
    async def slowly(recorder, call, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await recorder.go.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    hop.upstream.play = slowly
    reader, writer = await hop.open()
    writer.write(hop.bytes("plain", "/v1/plain"))
    assert (await reader.readuntil(b"first")).endswith(b"5\r\nfirst")
    hop.upstream.go.set()
    assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"6\r\nsecond\r\n0\r\n\r\n")
    writer.close()


async def test_an_answer_that_is_cut_does_not_look_whole(hop):
    hop.upstream.play = cut
    reader, writer = await hop.open()
    writer.write(hop.bytes("plain", "/v1/plain"))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await hop.read(reader)
    writer.close()


async def test_a_reader_that_is_slow_holds_the_upstream_back(hop):
    sent = 0

    async def flood(recorder, call, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 64000000\r\n\r\n")
        for _ in range(1_000):
            writer.write(bytes(64_000))
            await writer.drain()
            sent += 1

    hop.upstream.play = flood
    reader, writer = await hop.open()
    writer.write(hop.bytes("plain", "/v1/plain"))
    await reader.readuntil(b"\r\n\r\n")
    last = -1
    while sent != last:
        last = sent
        await asyncio.sleep(0.2)
    assert sent < 200
    rest = 64_000_000
    while rest:
        rest -= len(await reader.read(1 << 20))
    writer.close()


async def test_a_connection_takes_one_call_after_the_other(hop):
    reader, writer = await hop.open()
    for number in range(3):
        writer.write(hop.bytes("createOrder", "/v1/orders", idempotency_key=f"k-{number}"))
        assert (await hop.read(reader)).status == 201
    writer.close()
    assert hop.upstream.keys() == ["k-0", "k-1", "k-2"]


async def test_a_call_in_pieces_and_chunks(hop):
    reader, writer = await hop.open()
    head, _, _ = hop.bytes("plain", "/v1/plain", None).partition(b"\r\n\r\n")
    for piece in (head[:20], head[20:], b"\r\ntransfer-encoding: chunked\r\n\r\n", b"1b\r\n", ORDER, b"\r\n0\r\n\r\n"):
        writer.write(piece)
        await asyncio.sleep(0.01)
    assert (await hop.read(reader)).status == 201
    (seen,) = hop.upstream.seen
    assert (seen["body"], seen["headers"]["content-length"]) == (ORDER, "27")
    writer.close()


async def test_a_pipelined_call_is_not_taken(hop):
    reader, writer = await hop.open()
    writer.write(hop.bytes("plain", "/v1/plain") + hop.bytes("plain", "/v1/other"))
    assert (await hop.read(reader)).status == 201
    assert await reader.read() == b""
    assert [each["target"] for each in hop.upstream.seen] == ["/v1/plain"]
    writer.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"POST /v1/plain HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/plain HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
        (b"POST /v1/plain HTTP/1.1\r\ncontent-length: 70000\r\n\r\n" + bytes(70_000), 413),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
    ],
)
async def test_what_is_no_call_is_refused_and_the_connection_closed(hop, data, status):
    reader, writer = await hop.open()
    writer.write(data)
    said = await hop.read(reader)
    assert (said.status, said["connection"]) == (status, "close")
    assert {"traceId", "code", "message", "details"} == said.json.keys()
    writer.close()
    assert not hop.upstream.seen


async def test_an_operation_that_it_does_not_know_is_refused(hop):
    said = await hop.call("elsewhere", "/v1/plain", x_treadle_trace_id="ab" * 16)
    assert (said.status, said.json["traceId"]) == (503, "ab" * 16)
    assert not hop.upstream.seen


async def test_interim_answers_and_head(hop):
    async def early(recorder, call, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        hop_answer(writer, 200, b"ok")
        await writer.drain()

    hop.upstream.play = early
    said = await hop.call("plain", "/v1/plain")
    assert (said.status, said.body, said["link"]) == (200, b"ok", None)


async def test_on_its_way_out_it_answers_what_it_has_taken(hop):
    hop.upstream.play = held
    keyed = asyncio.create_task(hop.order("k-1"))
    await hop.until(hop.upstream.waiting.is_set)
    plain = asyncio.create_task(hop.call("plain", "/v1/plain"))
    await hop.until(lambda: len(hop.upstream.seen) == 2)
    idle, writer = await hop.open()
    hop.stop.set()
    assert await idle.read() == b""
    writer.close()
    hop.upstream.go.set()
    assert (await keyed).status == (await plain).status == 201
    await hop.task
    assert not hop.socket.exists()
    await hop.up()


async def test_rules_change_without_a_call_that_is_lost(hop):
    from treadle.gateway.hop.table import encode

    hop.upstream.play = held
    first = asyncio.create_task(hop.call("plain", "/v1/plain"))
    await hop.until(hop.upstream.waiting.is_set)
    hop.upstream.play = None
    hop.table.with_suffix(".new").write_bytes(encode(hop.gateway(hop.route("only", "POST", "/v1/only", hop.guard()))))
    hop.table.with_suffix(".new").replace(hop.table)

    async def known():
        return (await hop.call("only", "/v1/only")).status == 201

    while not await known():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert (await hop.call("plain", "/v1/plain")).status == 503
    hop.upstream.go.set()
    assert (await first).status == 201
    hop.table.write_bytes(b"{broken")
    await asyncio.sleep(0.3)
    assert (await hop.call("only", "/v1/only")).status == 201


async def test_a_call_that_is_here_before_the_news_of_its_operation_waits_for_it(hop, monkeypatch):
    from treadle.gateway.hop import process
    from treadle.gateway.hop.table import encode

    monkeypatch.setattr(process, "WATCH_S", 3_600)
    await asyncio.sleep(0.3)  # nobody looks by himself from here on
    hop.table.with_suffix(".new").write_bytes(encode(hop.gateway(hop.route("only", "POST", "/v1/only", hop.guard()))))
    hop.table.with_suffix(".new").replace(hop.table)
    assert [each.status for each in await asyncio.gather(*(hop.call("only", "/v1/only") for _ in range(3)))] == [
        201
    ] * 3
    assert (await hop.call("plain", "/v1/plain")).status == 503


async def test_all_bodies_at_once_have_a_limit(hop):
    hop.upstream.play = held
    body = b'"' + b"x" * 60_000 + b'"'
    calls = [asyncio.create_task(hop.call("files", "/v1/files", body, content_type="text/plain")) for _ in range(6)]
    await hop.until(lambda: sum(call.done() for call in calls) == 2 and len(hop.upstream.seen) == 4)
    hop.upstream.go.set()
    assert sorted([(await call).status for call in calls]) == [201] * 4 + [503] * 2
    assert (await hop.call("files", "/v1/files", body, content_type="text/plain")).status == 201


async def test_an_answer_is_stored_before_it_is_given(hop):
    """A process that dies right after it has answered must be able to answer again."""
    await hop.down()
    slow = Away(hop.store, kept=True)
    slow.back = True
    keep, may = slow.store.settle, asyncio.Event()

    async def settle(said):
        await may.wait()
        await keep(said)

    slow.settle = settle
    await hop.up(slow)
    call = asyncio.create_task(hop.order("k-1"))
    await hop.until(lambda: hop.upstream.seen)
    assert not (await asyncio.wait({call}, timeout=0.2))[0]
    may.set()
    assert (await call).status == 201
