"""A node of a fleet: control plane, relay and a real Envoy, each of which can be away."""

import asyncio
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest

from treadle.gateway.ads.catalog import encode
from treadle.gateway.ads.client import AdsClient
from treadle.gateway.ads.relay import Relay
from treadle.gateway.ads.server import AdsServer
from treadle.gateway.ads.wire import Wire
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.ir import Api, Upstream
from treadle.gateway.schema import Schema

pytestmark = pytest.mark.engine


class Loop:
    """An event loop in a thread, with what can be started and ended in it."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def run(self, work, seconds=30):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def loop():
    it = Loop()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def schema(running):
    return Schema.of(running.engine.binary)


class Fleet:
    """The control plane of the test, which can go away and come again on the same socket."""

    def __init__(self, loop, schema, socket):
        self.loop, self.schema, self.socket = loop, schema, socket
        self.verdicts = []
        self.server = None

    def up(self, catalog):
        self.server = AdsServer(self.schema, self.verdicts.append)
        self.server.publish(catalog)
        self.loop.run(self.server.start(unix=self.socket))

    def down(self):
        if self.server:
            self.loop.run(self.server.stop())
            self.server = None

    def publish(self, catalog):
        self.loop.loop.call_soon_threadsafe(self.server.publish, catalog)

    def settled(self, node="gateway"):
        """Waits until the node has come as far as it will; whether it did."""
        check = lambda: self.server.settled().get(node, False)  # noqa: E731
        return self.loop.run(self.server.until(check, 15))


@contextmanager
def relay_at(loop, schema, folder, target, socket):
    relay = Relay(schema, "gateway", f"unix:{target}", folder)
    running = relay.running(socket)
    loop.run(running.__aenter__())
    try:
        yield relay
    finally:
        loop.run(running.__aexit__(None, None, None))


class Node:
    """An Envoy that is served by a relay."""

    def __init__(self, world, folder):
        folder.mkdir()
        port, admin = world.free_port(), world.free_port()
        self.node = replace(world.node, folder=str(folder), port=port, admin_port=admin, carrier="ads")
        self.engine, self.world, self.folder, self.process = world.engine, world, folder, None
        self.snapshot(world.base)

    def snapshot(self, gateway):
        snapshot = compile_gateway(gateway, self.node)
        Path(self.node.bootstrap).write_bytes(orjson.dumps(snapshot.bootstrap))
        return snapshot

    def start(self):
        with (self.folder / "envoy.log").open("ab") as log:
            self.process = subprocess.Popen(self.engine.argv(self.folder), stdout=log, stderr=log)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def status(self, path="/v1/customers"):
        try:
            url = f"http://127.0.0.1:{self.node.port}{path}"
            return httpx.get(url, headers=self.world.bearer(), trust_env=False, timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def serves(self, path="/v1/customers", status=200):
        self.world.until(lambda: self.status(path) == status)


def other(world, version="0", upstream="other", template="/v1/other"):
    stamp = f"other.other.v1@1.0.{version}#0123456789ab"
    route = world.route("other", "GET", template, contract="other.other.v1", upstream=upstream, stamp=stamp)
    return Api("other.other.v1", (route,), (Upstream(upstream, "127.0.0.1", world.upstream.port),))


@pytest.fixture
def fleet(loop, schema, tmp_path):
    it = Fleet(loop, schema, tmp_path / "fleet.sock")
    yield it
    it.down()


@pytest.fixture
def node(running, tmp_path):
    it = Node(running, tmp_path / "node")
    yield it
    it.stop()


def test_an_envoy_is_served_while_the_control_plane_is_away(*, running, loop, schema, fleet, node, tmp_path):
    """Also after the Envoy was restarted, and after the relay was too; what changed meanwhile arrives later."""
    good = tmp_path / "good"
    fleet.up(encode(node.snapshot(running.base), schema))
    with relay_at(loop, schema, good, fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()
        assert fleet.settled()
        fleet.down()
        assert node.status() == 200
        node.stop()
        node.start()
        node.serves()
    node.stop()
    with relay_at(loop, schema, good, fleet.socket, Path(node.node.ads)) as relay:
        node.start()
        node.serves()
        assert not relay.client.connected
        both = replace(running.base, apis=(*running.base.apis, other(running)))
        fleet.up(encode(node.snapshot(both), schema))
        node.serves("/v1/other")
        assert fleet.settled()


def test_what_a_node_has_is_not_sent_again_when_its_control_plane_comes_back(
    *, running, loop, schema, fleet, node, tmp_path
):
    catalog = encode(node.snapshot(running.base), schema)
    fleet.up(catalog)
    with relay_at(loop, schema, tmp_path / "good", fleet.socket, Path(node.node.ads)) as relay:
        node.start()
        node.serves()
        assert fleet.settled()
        first = relay.client.received_bytes
        fleet.down()
        fleet.up(catalog)
        assert fleet.settled()
        assert relay.client.received_bytes == first


def test_the_control_plane_hears_what_the_envoy_says(*, running, loop, schema, fleet, node, tmp_path):
    """One cluster is bad in a way that only a running Envoy finds; the others and the old routes serve on."""
    good = node.snapshot(running.base)
    fleet.up(encode(good, schema))
    with relay_at(loop, schema, tmp_path / "good", fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()
        assert fleet.settled()
        fleet.verdicts.clear()
        wanted = node.snapshot(replace(running.base, apis=(*running.base.apis, other(running))))
        bad = {**wanted.clusters["other"], "lb_policy": "CLUSTER_PROVIDED"}
        changed = {**wanted.clusters["customers-api"], "connect_timeout": "3s"}
        clusters = {**wanted.clusters, "other": bad, "customers-api": changed}
        fleet.publish(encode(replace(wanted, clusters=clusters), schema))
        running.until(lambda: any(not each.taken for each in fleet.verdicts))
        assert fleet.settled()
        (refused,) = fleet.server.nodes["gateway"].refused(fleet.server.catalog)
        assert (refused.kind, refused.name) == (Moving.CLUSTERS, "other")
        assert "cluster provided LB" in refused.words
        taken = [each for each in fleet.verdicts if each.taken and "customers-api" in each.versions]
        assert taken, "the good one beside it runs"
        assert node.status() == 200
        assert node.status("/v1/other") == 404
        fleet.publish(encode(wanted, schema))
        node.serves("/v1/other")


def test_a_node_that_refused_something_restarts_with_its_last_good(*, running, loop, schema, fleet, node, tmp_path):
    good = node.snapshot(running.base)
    fleet.up(encode(good, schema))
    with relay_at(loop, schema, tmp_path / "good", fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()
        assert fleet.settled()
        table = {**good.routes["treadle"], "virtual_hosts": [{"name": "nameless"}]}
        fleet.publish(encode(replace(good, routes={**good.routes, "treadle": table}), schema))
        running.until(lambda: any(not each.taken for each in fleet.verdicts))
        node.stop()
        node.start()
        node.serves()
    node.stop()
    fleet.down()
    with relay_at(loop, schema, tmp_path / "good", fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()


def test_a_damaged_last_good_is_left_out_and_sent_again(*, running, loop, schema, fleet, node, tmp_path):
    good = tmp_path / "good"
    fleet.up(encode(node.snapshot(running.base), schema))
    with relay_at(loop, schema, good, fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()
        assert fleet.settled()
    node.stop()
    for each in (good / "objects").iterdir():
        each.write_bytes(each.read_bytes()[:-3])
    with relay_at(loop, schema, good, fleet.socket, Path(node.node.ads)):
        node.start()
        node.serves()
        assert fleet.settled()


def test_many_nodes_come_to_one_edit(running, loop, schema, fleet, tmp_path):
    """Nodes without an Envoy, over one socket; each gets the whole once and the edit once."""
    wire, count = Wire(schema), 20
    held = [{kind: {} for kind in Moving} for _ in range(count)]
    sent = [0] * count

    def follower(index):
        async def judge(response):
            sent[index] += len(response.put)
            held[index][response.kind] |= {each.name: each.version for each in response.put}
            for name in response.gone:
                held[index][response.kind].pop(name, None)
            return ""

        return AdsClient(wire, f"node-{index}", f"unix:{fleet.socket}", lambda: held[index], judge)

    first = encode(compile_gateway(running.base, running.node), schema)
    second = encode(
        compile_gateway(replace(running.base, apis=(*running.base.apis, other(running))), running.node), schema, first
    )
    fleet.up(first)

    async def begin():
        return [asyncio.create_task(follower(index).run()) for index in range(count)]

    async def end(tasks):
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    tasks = loop.run(begin())
    everyone = lambda: sum(fleet.server.settled().values()) == count  # noqa: E731
    try:
        assert loop.run(fleet.server.until(everyone, 20))
        before = list(sent)
        fleet.publish(second)
        versions = {kind: {name: each.version for name, each in second.of(kind).items()} for kind in Moving}
        running.until(lambda: all(each == versions for each in held))
        assert [now - was for now, was in zip(sent, before, strict=True)] == [2] * count
    finally:
        loop.run(end(tasks))
