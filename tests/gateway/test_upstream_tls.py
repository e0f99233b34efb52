"""Upstreams over TLS, seen at a real Envoy: who is whom they should be gets a call, anybody else nothing."""

import http.client
import json
import ssl
import time
from dataclasses import replace

import pytest

from treadle.contract.model import Settings
from treadle.contract.read import read_contract
from treadle.gateway.build import build
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, InvalidGatewayError, Upstream
from treadle.secrets.authority import make_authority, spiffe_id

pytestmark = pytest.mark.engine
DOMAIN = "acme.treadle"
ORDERS = f"spiffe://{DOMAIN}/service/orders-api"
CONTRACT = "sales.orders.v1"


@pytest.fixture(scope="module")
def authority():
    return make_authority(DOMAIN, time.time())


@pytest.fixture
def serve(tmp_path, echo):
    """How to start an upstream with a certificate; it demands one of the caller where it is told whose."""
    servers = []

    def start(credential, demands=None, **limits):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        files = tmp_path / f"upstream-{len(servers)}.pem"
        files.write_bytes(credential.certificate + credential.key.reveal())
        context.load_cert_chain(files)
        for name, value in limits.items():
            setattr(context, name, value)
        if demands:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=demands.certificate.decode())
        servers.append(echo(tls=context))
        return servers[-1]

    yield start
    for each in servers:
        each.stop()


@pytest.fixture
def node(serve, fresh, tmp_path, authority):
    """The usual node, with certificates of its own and no TLS at the front. It ends before its upstreams do."""
    assert callable(serve)
    for process in fresh.processes:
        process.kill()
        process.wait(10)
    folder = tmp_path / "certificates"
    folder.mkdir()
    own = authority.issue(spiffe_id(DOMAIN, "gateway", "gateway"), time.time())
    for name, data in {
        "tls.crt": own.certificate,
        "tls.key": own.key.reveal(),
        "ca.crt": authority.certificate,
    }.items():
        (folder / name).write_bytes(data)
    fresh.node = replace(fresh.node, tls=str(folder), plain=True)
    fresh.engine.prepare(compile_gateway(fresh.base, fresh.node))
    fresh.start()
    return fresh


def orders(world, server, **upstream):
    """The usual gateway with one more API, whose upstream is spoken to over TLS."""
    host = upstream.pop("host", "127.0.0.1")
    route = world.route(
        "listOrders", "GET", "/v1/orders", contract=CONTRACT, upstream="orders-api", public=True, scopes=()
    )
    where = Upstream("orders-api", host, server.port, tls=True, **upstream)
    return replace(world.base, apis=(*world.base.apis, Api(CONTRACT, (route,), (where,))))


def get(world, path="/v1/orders"):
    connection = http.client.HTTPConnection("127.0.0.1", world.node.port, timeout=10)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def test_a_spiffe_id_is_demanded_and_our_own_is_shown(node, serve, authority):
    server = serve(authority.issue(ORDERS, time.time()), demands=authority)
    node.push(orders(node, server, spiffe_id=ORDERS))
    status, seen = get(node)
    assert status == 200
    assert seen["path"] == "/v1/orders"


def stranger(kind, authority):
    now = time.time()
    return {
        "another service": lambda: authority.issue(f"spiffe://{DOMAIN}/service/billing", now),
        "a name that begins so": lambda: authority.issue(f"{ORDERS}-2", now),
        "of another authority": lambda: make_authority(DOMAIN, now).issue(ORDERS, now),
        "expired": lambda: authority.issue(ORDERS, now - 7_200, lifetime_s=3_600),
    }[kind]()


def refused(world, server):
    """The call ends at the gateway, in the envelope, and the upstream has seen nothing of it."""
    status, said = get(world)
    assert status == 503
    assert set(said) == {"traceId", "code", "message", "details"}
    assert server.seen == []
    # Nobody else feels it.
    assert get(world, "/v1/public")[0] == 200


@pytest.mark.parametrize("kind", ["another service", "a name that begins so", "of another authority", "expired"])
def test_who_is_somebody_else_gets_nothing(node, serve, authority, kind):
    server = serve(stranger(kind, authority))
    node.push(orders(node, server, spiffe_id=ORDERS))
    refused(node, server)


def test_a_name_and_a_ca_of_the_workspace(node, serve):
    partner = make_authority("partner.example", time.time())
    named = "spiffe://partner.example/service/api"
    right = serve(partner.issue(named, time.time(), hosts=["127.0.0.1", "localhost"]))
    ca = partner.certificate.decode()
    node.push(orders(node, right, ca=ca))
    assert get(node)[0] == 200
    node.push(orders(node, right, ca=ca, host="localhost"))
    assert get(node)[0] == 200
    wrong = serve(partner.issue(named, time.time(), hosts=["elsewhere.example", "127.0.0.2"]))
    node.push(orders(node, wrong, ca=ca, host="localhost"))
    refused(node, wrong)
    node.push(orders(node, wrong, ca=ca))
    refused(node, wrong)


def test_without_a_ca_only_whom_the_system_trusts(node, serve, authority):
    server = serve(authority.issue(ORDERS, time.time(), hosts=["127.0.0.1"]))
    node.push(orders(node, server))
    refused(node, server)


def test_an_upstream_that_speaks_only_an_older_tls_gets_nothing(node, serve, authority):
    server = serve(authority.issue(ORDERS, time.time()), maximum_version=ssl.TLSVersion.TLSv1_2)
    node.push(orders(node, server, spiffe_id=ORDERS))
    refused(node, server)


def test_certificates_that_the_engine_cannot_read_are_the_fault_of_their_contract(node, serve, authority):
    server = serve(authority.issue(ORDERS, time.time()))
    text = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    (fault,) = node.engine.judge(orders(node, server, ca=text), node.node)
    assert fault.contract == CONTRACT
    assert "inline" in fault.message


def test_a_node_without_certificates_cannot_show_one(node, serve, authority):
    server = serve(authority.issue(ORDERS, time.time()))
    gateway = orders(node, server, spiffe_id=ORDERS)
    with pytest.raises(InvalidGatewayError) as caught:
        compile_gateway(gateway, replace(node.node, tls=""))
    assert [fault.contract for fault in caught.value.faults] == [CONTRACT]


def test_a_renewed_identity_is_shown_to_upstreams_too(node, serve, tmp_path, authority):
    """The upstream's authority changes, and with it what the gateway must show; only files change."""
    server = serve(authority.issue(ORDERS, time.time()), demands=authority)
    stale = authority.issue(spiffe_id(DOMAIN, "gateway", "gateway"), time.time() - 7_200, lifetime_s=3_600)
    renew(tmp_path / "certificates", stale)
    node.push(orders(node, server, spiffe_id=ORDERS))
    node.until(lambda: get(node)[0] == 503)
    renew(tmp_path / "certificates", authority.issue(spiffe_id(DOMAIN, "gateway", "gateway"), time.time()))
    node.until(lambda: get(node)[0] == 200)


def renew(folder, credential):
    """Each file on its own: the pair does not fit for a moment, and Envoy waits until it does."""
    for name, data in {"tls.key": credential.key.reveal(), "tls.crt": credential.certificate}.items():
        beside = folder.parent / f"{name}.new"
        beside.write_bytes(data)
        beside.replace(folder / name)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no file of the workspace"),
        ({"domains/customer/ca.pem": b"hello"}, "not a PEM file"),
        (
            {"domains/customer/ca.pem": b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"},
            "certificates alone",
        ),
    ],
)
def test_a_ca_file_that_is_none_is_a_fault_of_the_contract(settings: Settings, issuer, contract, files, said):
    (service,) = settings.services
    secured = replace(service, upstream="https://127.0.0.1:7101", ca="domains/customer/ca.pem")
    with pytest.raises(InvalidGatewayError, match=said) as caught:
        build([contract], replace(settings, services=(secured,)), [issuer], {}, files=files)
    assert [fault.contract for fault in caught.value.faults] == [contract.id]


@pytest.fixture
def contract():
    file = "domains/customer/customers.v1.openapi.yaml"
    text = b"""openapi: 3.1.0
info: {title: Customers, version: 1.0.0, x-treadle: {domain: customer, owner: team}}
paths: {/v1/customers: {get: {operationId: listCustomers, responses: {'200': {description: All.}}}}}
"""
    read, findings = read_contract(file, {file: text})
    assert read, findings
    return read
