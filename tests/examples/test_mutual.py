"""A service of the demo over mutual TLS, as a real process: the gateway is answered, and nobody else."""

import http.client
import json
import socket
import ssl

import pytest

from treadle.control.certificates import Certificates, Owners
from treadle.control.state import State

ORDERS = "spiffe://acme.treadle/service/orders-api"


@pytest.fixture
def certificates(tmp_path):
    made = Certificates(State(tmp_path), "acme.treadle")
    made.ensure(Owners(("localhost",), {"orders-api": ORDERS}))
    return made


@pytest.fixture
def orders(start, certificates, until):
    """The service, and the port where it answers the gateway."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = certificates.state.service_certificates / "orders-api"
    found = start("services/orders.py", "--tls-port", port, "--certificates", folder)

    def listens():
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(listens)
    return found, port


def get(port, path, certificates, folder):
    """A call over TLS that shows what lies in a folder, if anything."""
    context = ssl.create_default_context(cafile=certificates.state.authority_file)
    context.check_hostname = False  # it is known by its SPIFFE id
    if folder:
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("GET", path)
        named = [value for kind, value in connection.sock.getpeercert()["subjectAltName"] if kind == "URI"]
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read()), named
    finally:
        connection.close()


def test_the_gateway_is_answered(orders, certificates):
    _, port = orders
    status, said, named = get(port, "/v1/orders", certificates, certificates.state.node_certificates)
    assert (status, said["items"], named) == (200, [], [ORDERS])


def test_nobody_else_is(orders, certificates, tmp_path):
    """Not without a certificate, and not with a good one of somebody else: a consumer, or the service itself."""
    _, port = orders
    consumer = tmp_path / "consumer"
    certificates.of("spiffe://acme.treadle/consumer/demo-app", consumer)
    for folder in (None, consumer, certificates.state.service_certificates / "orders-api"):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            get(port, "/v1/orders", certificates, folder)


def test_its_other_port_is_for_those_who_look_after_it(orders, http):
    found, _ = orders
    assert http.get(f"{found.url}/healthz").status_code == 200
    assert http.get(f"{found.url}/v1/orders").status_code == 404
    assert http.post(f"{found.url}/admin/faults", json={"status": None}).status_code == 200
