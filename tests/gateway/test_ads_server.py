"""The delta ADS server against whoever speaks badly, slowly or twice."""

from contextlib import asynccontextmanager

import grpc
import pytest

from treadle.gateway.ads.catalog import TYPES, Catalog, Resource
from treadle.gateway.ads.server import REQUEST_BYTES_MAX, AdsServer
from treadle.gateway.ads.wire import METHOD, NAMES_MAX, SERVICE, ProtocolError, Request, Wire
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.schema import Schema

SCHEMA = Schema.of(EnvoyEngine.find({}).binary)
WIRE = Wire(SCHEMA)
C = Moving.CLUSTERS


def catalog(version, names=("a",), padding=0):
    entry = SCHEMA.message("envoy.service.discovery.v3.Resource")
    body = {"type_url": TYPES[C], "value": b"x" * padding}
    made = {name: entry(name=name, version=version, resource=body).SerializeToString() for name in names}
    return Catalog({C: {name: Resource(name, version, data) for name, data in made.items()}})


@pytest.fixture
async def server(tmp_path):
    it = AdsServer(SCHEMA)
    it.path = tmp_path / "ads.sock"
    await it.start(unix=it.path)
    yield it
    await it.stop()


@asynccontextmanager
async def stream(server, *first):
    async with grpc.aio.insecure_channel(
        f"unix:{server.path}", options=[("grpc.use_local_subchannel_pool", 1)]
    ) as channel:
        call = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        for each in first:
            await call.write(each if isinstance(each, bytes) else WIRE.write_request(each))
        yield call


async def told(call):
    return WIRE.read_response(await call.read())


async def ended(call):
    """The code with which the other side ends a stream."""
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as why:
        return why.code()
    return await call.code()


async def test_the_socket_is_for_its_owner_alone(server):
    assert server.path.stat().st_mode & 0o077 == 0


async def test_nobody_is_answered_before_something_is_published(server):
    async with stream(server, Request(C, "n1")) as call:
        assert await server.until(lambda: bool(server.nodes), 10)
        server.publish(catalog("1"))
        assert [each.name for each in (await told(call)).put] == ["a"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"", grpc.StatusCode.INVALID_ARGUMENT),
        (Request(C, ""), grpc.StatusCode.INVALID_ARGUMENT),
        (Request(C, "x" * 200), grpc.StatusCode.INVALID_ARGUMENT),
        (Request(C, "two\nlines"), grpc.StatusCode.INVALID_ARGUMENT),
        (
            Request(C, "n1", subscribe=tuple(str(number) for number in range(NAMES_MAX + 1))),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (bytes(REQUEST_BYTES_MAX + 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=["garbage", "nothing", "nameless", "long name", "lines", "many names", "too large"],
)
async def test_whoever_speaks_badly_is_cut_off_and_nobody_else(server, said, code):
    server.publish(catalog("1"))
    async with stream(server, Request(C, "good")) as good:
        assert (await told(good)).put
        async with stream(server, said) as call:
            assert await ended(call) is code
        server.publish(catalog("2"))
        await good.write(WIRE.write_request(Request(C, nonce="1")))
        assert [each.version for each in (await told(good)).put] == ["2"]


async def test_a_kind_that_is_not_served_ends_the_stream(server):
    listener = SCHEMA.message("envoy.service.discovery.v3.DeltaDiscoveryRequest")(
        type_url="type.googleapis.com/envoy.config.listener.v3.Listener"
    )
    async with stream(server, listener.SerializeToString()) as call:
        assert await ended(call) is grpc.StatusCode.INVALID_ARGUMENT


async def test_garbage_after_a_good_beginning_ends_that_stream(server):
    server.publish(catalog("1"))
    async with stream(server, Request(C, "n1")) as call:
        await told(call)
        await call.write(b"\xff\xff\xff")
        assert await ended(call) is grpc.StatusCode.INVALID_ARGUMENT
    assert await server.until(lambda: not server.nodes, 10)


async def test_a_node_that_answers_slowly_is_sent_the_newest_and_not_all_that_was(server):
    server.publish(catalog("0", padding=100_000))
    async with stream(server, Request(C, "slow")) as call:
        first = await told(call)
        for number in range(1, 200):
            server.publish(catalog(str(number), padding=100_000))
        await call.write(WIRE.write_request(Request(C, nonce=first.nonce)))
        assert [each.version for each in (await told(call)).put] == ["199"]


async def test_of_two_streams_with_one_name_the_newer_one_is_the_node(server):
    server.publish(catalog("1"))
    async with stream(server, Request(C, "n1")) as old:
        await told(old)
        async with stream(server, Request(C, "n1", have={"a": "1"})) as new:
            assert await ended(old) is grpc.StatusCode.OK
            server.publish(catalog("2"))
            assert [each.version for each in (await told(new)).put] == ["2"]
            assert list(server.nodes) == ["n1"]


async def test_a_table_larger_than_what_may_be_asked_arrives_whole(server):
    server.publish(catalog("1", padding=3 * REQUEST_BYTES_MAX))
    async with grpc.aio.insecure_channel(
        f"unix:{server.path}", options=[("grpc.max_receive_message_length", -1)]
    ) as channel:
        call = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        await call.write(WIRE.write_request(Request(C, "n1")))
        assert len((await told(call)).put[0].entry) > 3 * REQUEST_BYTES_MAX


def test_an_engines_words_are_told_without_what_it_quotes():
    refused = SCHEMA.message("envoy.service.discovery.v3.DeltaDiscoveryRequest")(type_url=TYPES[C])
    refused.error_detail.code = 3
    for said, kept in (
        ("no such cluster", "no such cluster"),
        ('goo.gle/debugproto  \nname: "t"\nvirtual_hosts {\n}\n: Proto constraint failed', "Proto constraint failed"),
        ('goo.gle/debugproto  \nname: "t"\n' + "x" * 9_000, "it does not keep to the engine's rules"),
        ("x" * 100_000, "x" * 8_192),
        ("", "it gave no reason"),
    ):
        refused.error_detail.message = said
        words = WIRE.read_request(refused.SerializeToString()).words
        assert words.startswith(kept)
        assert len(words) <= 8_192


def test_what_is_kept_on_disk_and_is_no_resource_is_refused():
    with pytest.raises(ProtocolError):
        WIRE.read_resource(b"\xff\xff")
