"""A control plane and nodes without an Envoy, over real TLS: who may be a node, and what becomes of a refusal."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from treadle.base.errors import EngineError, InputError
from treadle.contract.model import Idempotency, Limit
from treadle.control.certificates import Certificates
from treadle.control.fleet import Fleet, FleetSettings, fact_of, node_settings
from treadle.control.node import Joining, name_in, renewed, start_files
from treadle.control.rules import Rules
from treadle.control.shipping import answer
from treadle.control.state import State
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.line import encode
from treadle.gateway.ads.client import AdsClient
from treadle.gateway.ads.conversation import Verdict
from treadle.gateway.ads.tls import Credentials
from treadle.gateway.ads.wire import Wire
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, compile_gateway
from treadle.gateway.envoy.snapshot import Moving, Snapshot
from treadle.gateway.ir import Api, Gateway, Guard, Issuer, Route, Upstream
from treadle.gateway.schema import Schema
from treadle.secrets.authority import LIFETIME_S, spiffe_id

DOMAIN = "acme.treadle"
ENVOY = EnvoyEngine.find({})
SCHEMA = Schema.of(ENVOY.binary)
LOCAL = NodeSettings(folder="/nowhere", port=8080, admin_port=9901, tls="/nowhere/tls")


@dataclass
class Live:
    """What a fleet needs of what went live."""

    gateway: Gateway
    snapshot: Snapshot
    settings: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(gateway=SimpleNamespace(idempotency_store=""))
    )


def api(name, port, edit="0"):
    contract = f"acme.{name}.v1"
    stamp = f"{contract}@1.0.{edit}#0123456789ab"
    route = Route(
        operation=name,
        method="GET",
        template=f"/v1/{name}",
        upstream=f"{name}-service",
        contract=contract,
        timeout_ms=1_000,
        public=False,
        scopes=("read",),
        limit=None,
        idempotency_key=False,
        cost_weight=1,
        domain="acme",
        stamp=stamp,
    )
    return Api(contract, (route,), (Upstream(f"{name}-service", "127.0.0.1", port),))


def live(*apis):
    issuer = Issuer("http://127.0.0.1/issuer", "acme", '{"keys": [{"kty": "EC"}]}')
    gateway = Gateway(apis=apis, consumers=(), default_limit=Limit(1), issuers=(issuer,), edge_limit=Limit(100))
    return Live(gateway, compile_gateway(gateway, LOCAL))


class Node:
    """Takes everything but what names a port it does not like."""

    def __init__(self, name, address, folder, dislikes=b"\0nothing"):
        self.held = {kind: {} for kind in Moving}
        self.dislikes = dislikes
        files = (folder / each for each in ("tls.crt", "tls.key", "ca.crt"))
        self.client = AdsClient(Wire(SCHEMA), name, address, self.have, self.judge, Credentials(*files))

    def have(self):
        return {kind: {name: each.version for name, each in group.items()} for kind, group in self.held.items()}

    async def judge(self, response):
        for each in response.put:
            if response.kind is Moving.CLUSTERS and self.dislikes in each.entry:
                return f"Error adding/updating cluster(s) {each.name}: no such port here"
        self.held[response.kind] |= {each.name: each for each in response.put}
        for name in response.gone:
            self.held[response.kind].pop(name, None)
        return ""

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.client.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - there are many things to wait for, and no event for them
            await asyncio.sleep(0.005)


@pytest.fixture
def certificates(tmp_path):
    state = State(tmp_path)
    state.prepare()
    return Certificates(state, DOMAIN)


@asynccontextmanager
async def fleet_of(certificates, compiled):
    facts = []

    async def record(found):
        facts.extend(found)

    settings = FleetSettings("127.0.0.1:0", ("127.0.0.1", "localhost"))
    folder = certificates.state.certificates / "control"
    fleet = Fleet(SCHEMA, certificates, folder, settings, record)
    if compiled:
        fleet.live(compiled)
    async with fleet.running():
        yield fleet, facts


def node_of(certificates, fleet, name="n1", **other):
    folder = certificates.state.root / name
    certificates.of(spiffe_id(DOMAIN, "node", name), folder)
    return Node(name, f"127.0.0.1:{fleet.port}", folder, **other)


def holds(node, wanted):
    """Whether a node has just this."""
    catalog = {kind: dict(wanted.server.catalog.of(kind)) for kind in Moving} if wanted.server.catalog else None
    return node.held == catalog


async def test_what_goes_live_reaches_every_node_and_is_a_fact(certificates):
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, facts):
        first, second = node_of(certificates, fleet, "n1"), node_of(certificates, fleet, "n2")
        async with first.running(), second.running():
            await until(lambda: holds(first, fleet) and holds(second, fleet))
            fleet.live(live(api("one", 7002, "1")))
            await until(lambda: b"@1.0.1#" in first.held[Moving.ROUTES]["treadle"].entry)
            await until(lambda: [each["settled"] for each in fleet.status()] == [True, True])
            assert [each["node"] for each in fleet.status()] == ["n1", "n2"]
        await until(lambda: {each.node for each in facts if each.operation == "rds"} == {"n1", "n2"})
        assert {(each.kind, each.code, each.outcome) for each in facts} == {
            (FactKind.ENGINE, "CONFIG_TAKEN", Outcome.OK)
        }


async def test_a_contract_that_a_node_refuses_goes_back_alone(certificates):
    """The other contract's edit of the same time goes live, and the refused one serves on in its old version."""
    async with fleet_of(certificates, live(api("one", 7001), api("two", 7002))) as (fleet, facts):
        node = node_of(certificates, fleet, dislikes=b"\x18\xdb\x36")  # port_value 7003, as it is on the wire
        async with node.running():
            await until(lambda: holds(node, fleet))
            await until(lambda: any(each.operation == "rds" for each in facts))
            old = node.held[Moving.CLUSTERS]["two-service"]
            fleet.live(live(api("one", 7004, "1"), api("two", 7003, "1")))
            await until(lambda: b"one.v1@1.0.1#" in node.held[Moving.ROUTES]["treadle"].entry)
            assert b"two.v1@1.0.0#" in node.held[Moving.ROUTES]["treadle"].entry
            assert node.held[Moving.CLUSTERS]["two-service"] == old
            refused = [each for each in facts if each.code == "CONFIG_REFUSED"]
            assert [(each.node, each.operation, each.outcome) for each in refused] == [("n1", "cds", Outcome.REFUSED)]
            assert "no such port here" in refused[0].detail
            fleet.live(live(api("one", 7004, "2"), api("two", 7005, "2")))
            await until(lambda: b"two.v1@1.0.2#" in node.held[Moving.ROUTES]["treadle"].entry)


async def test_a_new_control_plane_that_knows_of_no_good_version_unloads_nothing(certificates):
    """It has just started, and the first thing that it publishes is refused: nodes go on with what they have."""
    async with fleet_of(certificates, live(api("one", 7001), api("two", 7002))) as (fleet, _):
        node = node_of(certificates, fleet, dislikes=b"\x18\xdb\x36")
        async with node.running():
            await until(lambda: holds(node, fleet))
    had = {kind: dict(group) for kind, group in node.held.items()}
    async with fleet_of(certificates, live(api("one", 7001), api("two", 7003, "1"))) as (fleet, facts):
        again = node_of(certificates, fleet, dislikes=b"\x18\xdb\x36")
        again.held = node.held
        async with again.running():
            await until(lambda: any(each.code == "CONFIG_REFUSED" for each in facts))
            await until(lambda: [each["settled"] for each in fleet.status()] == [True])
            assert again.held == had
            assert fleet.status()[0]["refused"]
            fleet.live(live(api("one", 7001), api("two", 7004, "2")))
            await until(lambda: b"two.v1@1.0.2#" in again.held[Moving.ROUTES]["treadle"].entry)


async def test_a_new_contract_that_a_node_refuses_stays_out_alone(certificates):
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, _):
        node = node_of(certificates, fleet, dislikes=b"\x18\xdb\x36")
        async with node.running():
            await until(lambda: holds(node, fleet))
            await until(lambda: [each["settled"] for each in fleet.status()] == [True])
            fleet.live(live(api("one", 7004, "1"), api("two", 7003)))
            await until(lambda: b"one.v1@1.0.1#" in node.held[Moving.ROUTES]["treadle"].entry)
            assert b"two.v1" not in node.held[Moving.ROUTES]["treadle"].entry
            assert "two-service" not in node.held[Moving.CLUSTERS]


async def test_who_is_no_node_is_told_nothing(certificates):
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, _):
        address = f"127.0.0.1:{fleet.port}"
        consumer = certificates.state.root / "consumer"
        certificates.of(spiffe_id(DOMAIN, "consumer", "n1"), consumer)
        other = Certificates(State(certificates.state.root / "other"), DOMAIN)
        other.state.prepare()
        forged = certificates.state.root / "forged"
        other.of(spiffe_id(DOMAIN, "node", "n1"), forged)
        (forged / "ca.crt").write_bytes((consumer / "ca.crt").read_bytes())
        for folder in (consumer, forged):
            stranger = Node("n1", address, folder)
            with pytest.raises(EngineError):
                await stranger.client.join(b'{"port": 1, "admin_port": 2}')
            async with stranger.running():
                await asyncio.sleep(0.3)
            assert stranger.held == {kind: {} for kind in Moving}
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary("/treadle.Fleet/Join")(b"{}", timeout=5)
        impostor = node_of(certificates, fleet, "n1")
        impostor.client.node = "n2"
        async with impostor.running():
            await asyncio.sleep(0.3)
        assert impostor.held == {kind: {} for kind in Moving}
        assert fleet.status() == []


async def test_a_node_is_started_with_what_it_asked_for_and_nothing_odd(certificates):
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, _):
        node = node_of(certificates, fleet)
        answer = json.loads(await node.client.join(b'{"port": 8443, "admin_port": 9902}'))
        assert answer.keys() == {"bootstrap", "ledger"}
        bootstrap = answer["bootstrap"]
        assert bootstrap["node"]["id"] == "n1"
        assert bootstrap["admin"]["address"]["socket_address"]["port_value"] == 9902
        assert "/nowhere" not in json.dumps(bootstrap), "it names no folder of ours"
        for said in (b"", b"[]", b"{}", b'{"port": 0, "admin_port": 2}', b'{"port": "x", "admin_port": 2}'):
            with pytest.raises(EngineError):
                await node.client.join(said)


async def test_a_node_renews_its_certificate_with_the_one_that_it_has(certificates):
    """Half of its life is over; after that it is a node by the new one, and its own name is all it gets."""
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, _):
        node = node_of(certificates, fleet)
        folder = certificates.state.root / "n1"
        first = (folder / "tls.crt").read_bytes()
        assert await renewed(node.client, folder, time.time()) is False
        assert (folder / "tls.crt").read_bytes() == first
        assert await renewed(node.client, folder, time.time() + LIFETIME_S / 2) is True
        assert (folder / "tls.crt").read_bytes() != first
        assert name_in(folder / "tls.crt") == "n1"
        assert (folder / "tls.key").stat().st_mode & 0o077 == 0
        again = Node("n1", f"127.0.0.1:{fleet.port}", folder)
        async with again.running():
            await until(lambda: holds(again, fleet))


async def test_a_bootstrap_that_its_envoy_refuses_leaves_a_node_what_it_had(certificates, tmp_path, monkeypatch):
    """Of a control plane of another release. A node that never had one says why it does not start."""
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "bootstrap.json"
    async with fleet_of(certificates, live(api("one", 7001))) as (fleet, _):
        node = node_of(certificates, fleet)
        joining = Joining("", tmp_path, 8080, 9901)
        ours = fleet.server.bootstrap
        fleet.server.bootstrap = lambda _name, _said: b'{"bootstrap": {"admin": {"later": true}}}'
        with pytest.raises(InputError, match="later"):
            await start_files(node.client, ENVOY, joining)
        assert not kept.exists()
        fleet.server.bootstrap = ours
        await start_files(node.client, ENVOY, joining)
        had = kept.read_bytes()
        assert json.loads(had)["node"]["id"] == "n1"
        fleet.server.bootstrap = lambda _name, _said: b'{"bootstrap": {"admin": {"later": true}}}'
        await start_files(node.client, ENVOY, joining)
        assert kept.read_bytes() == had


async def test_before_anything_is_live_a_node_waits(certificates):
    async with fleet_of(certificates, None) as (fleet, _):
        node = node_of(certificates, fleet)
        async with node.running():
            await until(lambda: fleet.server.nodes)
            assert node.held == {kind: {} for kind in Moving}
            with pytest.raises(EngineError, match="nothing is live yet"):
                await node.client.join(b'{"port": 1, "admin_port": 2}')
            fleet.live(live(api("one", 7001)))
            await until(lambda: holds(node, fleet))


@pytest.mark.parametrize(
    "said", [{}, {"listen": 7}, {"listen": "7110"}, {"listen": "a:b"}, "0.0.0.0:1", {"listen": ":1"}]
)
def test_settings_that_say_nothing_are_refused(said):
    with pytest.raises(InputError) as refusal:
        FleetSettings.of({"fleet": said})
    assert refusal.value.code == "fleet-settings-invalid"


def test_settings_are_read():
    assert FleetSettings.of({}) is None
    found = FleetSettings.of({"fleet": {"listen": "0.0.0.0:7110", "hosts": ["control.acme.example"]}})
    assert found == FleetSettings("0.0.0.0:7110", ("127.0.0.1", "localhost", "control.acme.example"))


def test_nodes_do_not_differ_in_what_travels():
    gateway = live(api("one", 7001)).gateway
    one, other = node_settings(LOCAL, "n1", 8080, 9901), node_settings(LOCAL, "n2", 8443, 9902)
    assert dict(compile_gateway(gateway, one).moving()) == dict(compile_gateway(gateway, other).moving())
    assert "/nowhere" not in json.dumps({kind: dict(group) for kind, group in compile_gateway(gateway, one).moving()})


def test_a_node_is_named_by_its_certificate(certificates, tmp_path):
    certificates.of(spiffe_id(DOMAIN, "node", "edge-1"), tmp_path / "n")
    assert name_in(tmp_path / "n" / "tls.crt") == "edge-1"
    certificates.of(spiffe_id(DOMAIN, "consumer", "edge-1"), tmp_path / "c")
    for file in (tmp_path / "c" / "tls.crt", tmp_path / "none", Path("/dev/null")):
        with pytest.raises(InputError) as refusal:
            name_in(file)
        assert refusal.value.code == "not-a-node"


def test_a_verdict_with_many_names_is_one_short_fact():
    many = Verdict("n1", Moving.CLUSTERS, {f"c{index}": "0" * 16 for index in range(500)}, "x" * 9_000)
    fact = fact_of(replace(many), 1)
    assert len(fact.detail) <= 1_000
    assert "495 more" in fact.detail


GUARD = Guard(Idempotency(required=True, ttl_s=60, lookup=""), {}, False, ())


def guarded(*names, timeout_ms=1_000):
    """An API of which these operations are guarded."""
    one = api("one", 7001)
    change = {"method": "POST", "guard": GUARD, "timeout_ms": timeout_ms, "idempotency_key": True}
    routes = [replace(one.routes[0], operation=name, template=f"/v1/one/{name}", **change) for name in names]
    return live(replace(one, routes=(*one.routes, *routes)))


def known(path):
    rows = json.loads(path.read_bytes())["operations"] if path.exists() else {}
    return {name.rpartition("/")[2]: row["timeout_ms"] for name, row in rows.items()}


async def test_a_node_knows_an_operation_before_its_route_and_until_none_leads_there(certificates, tmp_path):
    path = tmp_path / "hop.json"
    async with fleet_of(certificates, guarded("a")) as (fleet, _):
        node = node_of(certificates, fleet)
        rules = Rules(lambda: node.client, path)
        await rules.before_routes()
        await rules.after_routes()
        assert known(path) == {"a": 1_000}
        assert path.stat().st_mode & 0o777 == 0o600
        fleet.live(guarded("b"))
        await until(lambda: b"one.v1/b" in fleet._rules._table)
        await rules.before_routes()
        assert known(path) == {"a": 1_000, "b": 1_000}, "the old routes are still in force"
        fleet.live(guarded("c"))
        await until(lambda: b"one.v1/c" in fleet._rules._table)
        await rules.before_routes()
        assert known(path) == {"a": 1_000, "b": 1_000, "c": 1_000}, "its Envoy did not take those of b"
        await rules.after_routes()
        assert known(path) == {"b": 1_000, "c": 1_000}, "those of b may be on their way yet"


async def test_a_rule_that_changes_alone_reaches_a_node(certificates, tmp_path):
    """No route is pushed for it."""
    path = tmp_path / "hop.json"
    async with fleet_of(certificates, guarded("a")) as (fleet, _):
        node = node_of(certificates, fleet)
        following = asyncio.create_task(Rules(lambda: node.client, path).run())
        try:
            await until(lambda: known(path) == {"a": 1_000})
            fleet.live(guarded("a", timeout_ms=2_000))
            await until(lambda: known(path) == {"a": 2_000})
        finally:
            following.cancel()


async def test_routes_wait_for_their_rules_until_the_control_plane_is_there(certificates, tmp_path):
    path = tmp_path / "hop.json"
    async with fleet_of(certificates, None) as (fleet, _):
        node = node_of(certificates, fleet)
        waiting = asyncio.create_task(Rules(lambda: node.client, path).before_routes())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        fleet.live(guarded("a"))
        await waiting
        assert known(path) == {"a": 1_000}


class Kept:
    """A keeper as the collector is one."""

    def __init__(self):
        self.places, self.facts = {}, []

    def position(self, name):
        return self.places.get(name)

    async def take(self, name, after, facts, offset):
        if self.position(name) != after:
            return False
        self.facts += facts
        self.places[name] = offset
        return True


async def test_what_a_node_says_twice_is_kept_once_and_is_of_that_node():
    keeper = Kept()
    call = encode(Fact(FactKind.CALL, 1, Outcome.OK, node="gateway"))
    said = b'{"log": "gateway", "after": null, "offset": {"at": 7}}\n' + call
    assert json.loads(await answer(keeper, "n1", said)) == {"offset": {"at": 7}}
    assert json.loads(await answer(keeper, "n1", said)) == {"offset": {"at": 7}}
    assert [each.node for each in keeper.facts] == ["n1"]
    assert json.loads(await answer(keeper, "n2", b'{"log": "gateway"}')) == {"offset": None}
    decision = encode(Fact(FactKind.DECISION, 1, Outcome.OK))
    for wrong in (b"", b"[]", b'{"log": "other"}', said.replace(call, b"{}"), said.replace(call, decision)):
        with pytest.raises(ValueError):  # noqa: PT011 - it is sent to the node as it is
            await answer(keeper, "n1", wrong)
    assert len(keeper.facts) == 1
