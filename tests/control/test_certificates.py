"""A node's certificates: made, kept while they are good, renewed before they are not."""

import asyncio
import shutil
import ssl
import time
from dataclasses import replace

import pytest

from treadle.base.errors import PolicyError
from treadle.contract.model import Consumer, Place
from treadle.control.certificates import Certificates, Owners, validity_of
from treadle.control.state import State

HOSTS = ("127.0.0.1", "localhost", "[::1]")
GATEWAY = "spiffe://acme.treadle/gateway/gateway"
HOUR = 3_600
CONSUMERS = {"demo-app": Consumer("demo-app", "platform", "gold", Place("treadle.yaml"))}


class Clock:
    def __init__(self):
        self.at = time.time()

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def certificates(tmp_path, clock):
    return Certificates(State(tmp_path), "acme.treadle", clock)


def loaded(folder):
    """Whether a server could use what lies there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    context.load_verify_locations(folder / "ca.crt")
    return True


def test_they_are_made_for_the_names_of_the_gateway(certificates):
    folder = certificates.state.node_certificates
    assert certificates.ensure(Owners(HOSTS))
    assert loaded(folder)
    assert validity_of(folder / "tls.crt").names == {
        "127.0.0.1",
        "localhost",
        "::1",
        "spiffe://acme.treadle/gateway/gateway",
    }
    assert certificates.state.authority_file.read_bytes() == (folder / "ca.crt").read_bytes()
    assert (folder / "tls.key").stat().st_mode & 0o077 == 0


def test_they_are_kept_for_half_of_their_life_and_renewed_then(certificates, clock):
    folder = certificates.state.node_certificates
    certificates.ensure(Owners(HOSTS))
    first = (folder / "tls.crt").read_bytes()
    for hours, renewed in ((1, False), (10.5, False), (1, True), (1, False), (30, True)):
        clock.at += hours * HOUR
        assert bool(certificates.ensure(Owners(HOSTS))) is renewed
        found = validity_of(folder / "tls.crt")
        assert found.since <= clock.at < found.until - 11 * HOUR
        assert loaded(folder)
    assert (folder / "tls.crt").read_bytes() != first
    assert certificates.state.authority_file.read_bytes() == (folder / "ca.crt").read_bytes()


def test_a_clock_that_was_wrong_is_no_trouble_for_long(certificates, clock):
    clock.at += 1_000 * HOUR
    certificates.ensure(Owners(HOSTS))
    clock.at -= 1_000 * HOUR
    assert certificates.ensure(Owners(HOSTS))


def test_other_names_are_another_certificate(certificates):
    certificates.ensure(Owners(HOSTS))
    assert certificates.ensure(Owners((*HOSTS, "api.acme.example")))
    assert "api.acme.example" in validity_of(certificates.state.node_certificates / "tls.crt").names


@pytest.mark.parametrize("lost", ["tls.crt", "tls.key", "ca.crt"])
def test_what_is_lost_is_made_again(certificates, lost):
    folder = certificates.state.node_certificates
    certificates.ensure(Owners(HOSTS))
    (folder / "..data" / lost).unlink()
    assert certificates.ensure(Owners(HOSTS))
    assert loaded(folder)


def test_a_file_of_nonsense_is_replaced(certificates):
    folder = certificates.state.node_certificates
    certificates.ensure(Owners(HOSTS))
    (folder / "..data" / "tls.crt").write_text("nonsense")
    assert certificates.ensure(Owners(HOSTS))
    assert loaded(folder)


def test_services_of_our_own_trust_domain_have_theirs(certificates, clock):
    services = {"orders-api": "spiffe://acme.treadle/service/orders-api", "partner": "spiffe://partner.example/api"}
    owners = Owners(HOSTS, services)
    assert certificates.ensure(owners) == (GATEWAY, services["orders-api"])
    folder = certificates.state.service_certificates
    assert loaded(folder / "orders-api")
    assert validity_of(folder / "orders-api" / "tls.crt").names == {services["orders-api"]}
    assert not (folder / "partner").exists()
    assert certificates.ensure(owners) == ()
    clock.at += 13 * HOUR
    assert certificates.ensure(owners) == (GATEWAY, services["orders-api"])


@pytest.mark.parametrize(
    "name", ["gateway/gateway", "node/edge-1", "fabric/own", "control/control", "consumer/demo-app"]
)
def test_no_service_is_given_the_name_of_a_part_of_ours(certificates, name):
    owners = Owners(HOSTS, {"evil-api": f"spiffe://acme.treadle/{name}"})
    assert certificates.ensure(owners) == (GATEWAY,)
    assert not (certificates.state.service_certificates / "evil-api").exists()


def test_the_fabrics_own_programs_have_one_where_it_is_demanded(certificates):
    assert certificates.ensure(Owners(HOSTS)) == (GATEWAY,)
    assert not certificates.state.own_certificates.exists()
    assert certificates.ensure(Owners(HOSTS, ours=True)) == ("spiffe://acme.treadle/fabric/own",)
    assert loaded(certificates.state.own_certificates)


def test_old_ones_do_not_pile_up(certificates):
    for number in range(5):
        certificates.ensure(Owners((*HOSTS, f"host-{number}.example")))
    assert len(list(certificates.state.node_certificates.glob("..[0-9]*"))) == 2


def test_a_consumer_keeps_its_certificate_while_it_is_good(certificates, clock, tmp_path):
    folder = tmp_path / "mine"
    first = certificates.of_consumer("demo-app", CONSUMERS, folder)
    assert loaded(folder)
    assert validity_of(folder / "tls.crt").names == {"spiffe://acme.treadle/consumer/demo-app"}
    assert (folder / "tls.key").stat().st_mode & 0o077 == 0
    assert certificates.of_consumer("demo-app", CONSUMERS, folder) == first
    clock.at += 13 * HOUR
    assert certificates.of_consumer("demo-app", CONSUMERS, folder) != first


def test_nobody_else_gets_one(certificates, tmp_path):
    with pytest.raises(PolicyError, match="demo-ap ") as caught:
        certificates.of_consumer("demo-ap", CONSUMERS, tmp_path / "mine")
    assert "demo-app" in caught.value.hint
    assert not (tmp_path / "mine").exists()


async def test_renewals_go_on_by_themselves_and_are_told(certificates, clock):
    """Also after one that failed: here, because the place of the files is taken."""
    quick = replace(certificates, look_s=0.001)
    certificates.ensure(Owners(HOSTS))
    told = asyncio.Queue()
    running = asyncio.create_task(quick.run(lambda: Owners(HOSTS), told.put))
    try:
        clock.at += 13 * HOUR
        assert await asyncio.wait_for(told.get(), 20) == GATEWAY
        shutil.rmtree(certificates.state.node_certificates)
        certificates.state.node_certificates.write_text("in the way")
        await asyncio.sleep(0.05)
        certificates.state.node_certificates.unlink()
        assert await asyncio.wait_for(told.get(), 20) == GATEWAY
    finally:
        running.cancel()
