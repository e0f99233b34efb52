"""Callers over TLS, seen at a real Envoy: who is let in, who is told of, and how certificates are renewed."""

import json
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from treadle.base.errors import EngineError
from treadle.control.certificates import Certificates, Owners
from treadle.control.state import State
from treadle.gateway.envoy import compile_gateway
from treadle.secrets.authority import make_authority, spiffe_id

pytestmark = pytest.mark.engine
DOMAIN = "acme.treadle"
HOSTS = ("127.0.0.1", "localhost")


def issued(authority, kind, name, now=None, **other):
    return authority.issue(spiffe_id(authority.trust_domain, kind, name), now or time.time(), **other)


class Caller:
    """A client that knows the authority, and may show a certificate."""

    def __init__(self, node, authority, folder, credential=None, **context):
        self.node = node
        self.context = ssl.create_default_context(cadata=authority.certificate.decode())
        for name, value in context.items():
            setattr(self.context, name, value)
        if credential:
            files = folder / f"caller-{time.time_ns()}.pem"
            files.write_bytes(credential.certificate + credential.key.reveal())
            self.context.load_cert_chain(files)

    def connect(self, host="localhost"):
        plain = socket.create_connection(("127.0.0.1", self.node.port), timeout=10)
        return self.context.wrap_socket(plain, server_hostname=host)

    def get(self, path, headers=""):
        """Status and body of one call."""
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n".encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(State(tmp_path), DOMAIN)


@pytest.fixture
def authority(certificates):
    return certificates.authority()


@pytest.fixture
def secured(fresh, tmp_path, certificates, authority):
    """How to start the node over TLS; returns how callers are made."""

    def start(**node):
        for process in fresh.processes:
            process.kill()
            process.wait(10)
        certificates.ensure(Owners(HOSTS))
        fresh.node = replace(fresh.node, tls=str(certificates.state.node_certificates), **node)
        fresh.base = replace(fresh.base, trust_domain=DOMAIN)
        fresh.engine.prepare(compile_gateway(fresh.base, fresh.node))
        fresh.start()
        return lambda credential=None, **context: Caller(fresh.node, authority, tmp_path, credential, **context)

    return start


def test_tls_1_3_and_nothing_older(secured):
    caller = secured()
    with caller().connect() as connection:
        assert connection.version() == "TLSv1.3"
    old = caller(maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol version"):
        old.connect()


def test_plain_http_gets_nothing(secured, fresh):
    secured()
    with socket.create_connection(("127.0.0.1", fresh.node.port), timeout=10) as plain:
        plain.sendall(b"GET /v1/public HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert plain.recv(100) == b""
    assert fresh.upstream.seen == []


def test_the_certificate_is_for_the_names_the_gateway_is_called_by(secured):
    caller = secured()
    for host in HOSTS:
        caller().connect(host).close()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        caller().connect("elsewhere.example")


def test_the_upstream_is_told_whose_certificate_it_was_and_nobody_can_say_so_themselves(secured, authority):
    caller = secured()
    forged = f"x-forwarded-client-cert: URI=spiffe://{DOMAIN}/consumer/boss\r\n"
    status, seen = caller(issued(authority, "consumer", "demo-app")).get("/v1/public", forged)
    assert status == 200
    said = seen["headers"]["x-forwarded-client-cert"]
    assert f"URI=spiffe://{DOMAIN}/consumer/demo-app" in said
    assert "boss" not in said
    status, seen = caller().get("/v1/public", forged)
    assert status == 200
    assert "x-forwarded-client-cert" not in seen["headers"]


def wrong(kind, authority):
    other = make_authority(DOMAIN, time.time())
    return {
        "of another authority": lambda: issued(other, "consumer", "demo-app"),
        "expired": lambda: issued(authority, "consumer", "demo-app", time.time() - 7200, lifetime_s=3600),
        "not yet valid": lambda: issued(authority, "consumer", "demo-app", time.time() + 7200),
        # The root's own constraint forbids it, and so does the gateway's.
        "of another trust domain": lambda: authority.issue("spiffe://evil.treadle/consumer/demo-app", time.time()),
        "of a longer trust domain": lambda: authority.issue(f"spiffe://{DOMAIN}.evil/consumer/x", time.time()),
    }[kind]()


WRONG = ("of another authority", "expired", "not yet valid", "of another trust domain", "of a longer trust domain")


@pytest.mark.parametrize("demanded", ["optional", "required"])
def test_a_certificate_that_is_wrong_is_never_passed_over(secured, fresh, authority, demanded):
    caller = secured(client_certificates=demanded)
    for kind in WRONG:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            caller(wrong(kind, authority)).get("/v1/public")
    assert fresh.upstream.seen == []
    assert caller(issued(authority, "consumer", "demo-app")).get("/v1/public")[0] == 200


def test_one_may_be_demanded(secured, fresh):
    caller = secured(client_certificates="required")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        caller().get("/v1/public")
    assert fresh.upstream.seen == []


def test_where_none_is_asked_for_none_is_told_of(secured, authority):
    caller = secured(client_certificates="none")
    status, seen = caller(issued(authority, "consumer", "demo-app")).get("/v1/public")
    assert status == 200
    assert "x-forwarded-client-cert" not in seen["headers"]


def test_http_2_is_spoken_where_the_caller_does(secured, fresh, tmp_path, authority):
    secured()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.certificate)
    for flag, version in (("--http2", "2"), ("--http1.1", "1.1")):
        asked = ["curl", "-sS", flag, "--cacert", ca, "-o", "/dev/null", "-w", "%{http_version} %{http_code}"]
        url = f"https://localhost:{fresh.node.port}/v1/public"
        assert subprocess.run([*asked, url], capture_output=True, text=True, check=True).stdout == f"{version} 200"


def test_certificates_are_renewed_without_a_failed_handshake(secured, fresh, certificates):
    caller = secured()
    seen, failures, done = set(), [], threading.Event()

    def serial():
        with caller().connect() as connection:
            return connection.getpeercert()["serialNumber"]

    def shake():
        while not done.is_set():
            try:
                seen.add(serial())
            except OSError as error:
                failures.append(error)

    thread = threading.Thread(target=shake)
    # A call that is under way over every renewal: no connection is closed for one.
    with caller().connect() as kept:
        thread.start()
        try:
            for number in range(25):
                before = serial()
                # Other names are a reason to renew that needs no clock.
                assert certificates.ensure(Owners((*HOSTS, f"host-{number}.example")))
                fresh.until(lambda before=before: serial() != before)
        finally:
            done.set()
            thread.join(10)
        kept.sendall(b"GET /v1/public HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert kept.recv(100).startswith(b"HTTP/1.1 200")
    assert failures == []
    assert len(seen) >= 20


def test_what_is_no_pair_of_certificate_and_key_is_said_before_anything_starts(fresh, tmp_path, certificates):
    certificates.ensure(Owners(HOSTS))
    folder = certificates.state.node_certificates
    other = issued(certificates.authority(), "gateway", "gateway")
    (folder / "..data" / "tls.key").write_bytes(other.key.reveal())
    node = replace(fresh.node, folder=str(tmp_path / "node"), tls=str(folder))
    with pytest.raises(EngineError, match="does not hold") as caught:
        fresh.engine.prepare(compile_gateway(fresh.base, node))
    assert caught.value.code == "certificates-unusable"
    assert not (tmp_path / "node").exists()


def test_files_that_are_lost_are_not_missed_until_they_are_made_again(secured, fresh, certificates):
    caller = secured()
    release = (certificates.state.node_certificates / "..data").resolve()
    for each in release.iterdir():
        each.unlink()

    def serial():
        with caller().connect() as connection:
            return connection.getpeercert()["serialNumber"]

    before = serial()
    assert certificates.ensure(Owners(HOSTS))
    fresh.until(lambda: serial() != before)


def test_behind_a_balancer_calls_come_without(secured, fresh):
    secured(plain=True)
    with socket.create_connection(("127.0.0.1", fresh.node.port), timeout=10) as plain:
        plain.sendall(b"GET /v1/public HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 200")
