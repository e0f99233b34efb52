"""Tokens that are bound to a certificate (RFC 8705), seen at a real Envoy over mutual TLS."""

import base64
import hashlib
import json
import socket
import ssl
import time
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey

from treadle.contract.model import Access, Enforcement, Enforcements, Limit
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, Issuer
from treadle.secrets.authority import make_authority, spiffe_id

pytestmark = pytest.mark.engine
DOMAIN = "acme.treadle"
URL = "https://idp.example"
OKTA = "https://okta.example"
MANY = Limit(100_000)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(pem):
    """RFC 8705 section 3.1."""
    return base64url(hashlib.sha256(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)).digest())


class Callers:
    """A node over TLS that asks no certificate of anybody, and callers with and without one."""

    def __init__(self, node, folder, authority):
        self.node, self.folder, self.authority = node, folder, authority
        self.key = ECKey.generate_key("P-256", private=True)

    def trust(self, **other):
        public = {**self.key.as_dict(private=False), "kid": "k", "alg": "ES256", "use": "sig"}
        trusted = Issuer(URL, "https://api.acme.example", json.dumps({"keys": [public]}), name="idp")
        return replace(trusted, **other)

    def token(self, **claims):
        now = int(time.time())
        said = {
            "iss": URL, "aud": "https://api.acme.example", "sub": "jane", "client_id": "shop", "iat": now,
            "exp": now + 300, "scope": "customers:read",
        }  # fmt: skip
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "k"}, said | claims, self.key, algorithms=["ES256"])

    def credential(self, name):
        return self.authority.issue(spiffe_id(DOMAIN, "consumer", name), time.time())

    def get(self, path, token, credential=None):
        """Status, challenge and body of one call."""
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        if credential:
            file = self.folder / f"caller-{time.time_ns()}.pem"
            file.write_bytes(credential.certificate + credential.key.reveal())
            context.load_cert_chain(file)
        plain = socket.create_connection(("127.0.0.1", self.node.port), timeout=10)
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n"
            connection.sendall(f"{head}\r\n".encode())
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        return int(head.split()[1]), lines.get("www-authenticate", ""), json.loads(body)


@pytest.fixture
def callers(fresh, tmp_path):
    authority = make_authority(DOMAIN, time.time())
    folder = tmp_path / "certificates"
    (folder / "..data").mkdir(parents=True)
    mine = authority.issue(spiffe_id(DOMAIN, "gateway", "gateway"), time.time(), hosts=("localhost",))
    files = {"tls.crt": mine.certificate, "tls.key": mine.key.reveal(), "ca.crt": authority.certificate}
    for name, data in files.items():
        (folder / "..data" / name).write_bytes(data)
        (folder / name).symlink_to(f"..data/{name}")
    for process in fresh.processes:
        process.kill()
        process.wait(10)
    fresh.node = replace(fresh.node, tls=str(folder))
    found = Callers(fresh.node, tmp_path, authority)
    watched = Enforcements(auth=Enforcement.OBSERVE)
    up = fresh.base.apis[0].upstreams
    listed = found.trust(name="okta", url=OKTA, profile="okta")
    free = fresh.route("free", "GET", "/v1/free", scopes=())
    bound = fresh.route("bound", "GET", "/v1/bound", access=Access(bound=True))
    seen = fresh.route("watched", "GET", "/v1/watched", contract="a.watched.v1", enforcement=watched)
    base = fresh.gateway(
        bound, free, trust_domain=DOMAIN, issuers=(fresh.issuer.trust(), found.trust(), listed), default_limit=MANY
    )
    fresh.engine.prepare(
        compile_gateway(replace(base, apis=(*base.apis, Api("a.watched.v1", (seen,), up))), fresh.node)
    )
    fresh.start()
    return found


def test_a_bound_token_counts_only_with_its_certificate(callers, fresh):
    mine, other = callers.credential("shop"), callers.credential("thief")
    own = thumbprint(mine.certificate)
    token = callers.token(cnf={"x5t#S256": own})
    for path in ("/v1/bound", "/v1/customers"):
        status, _, body = callers.get(path, token, mine)
        assert (status, body.get("headers", {}).get("x-treadle-bound")) == (200, own), body
        seen = len(fresh.upstream.seen)
        for credential in (other, None):
            status, challenge, body = callers.get(path, token, credential)
            assert (status, challenge) == (401, 'bearer error="invalid_token"'), (path, body)
        assert len(fresh.upstream.seen) == seen


def test_where_a_contract_asks_an_unbound_token_is_refused(callers):
    mine = callers.credential("shop")
    assert callers.get("/v1/bound", callers.token(), mine)[:2] == (401, 'bearer error="invalid_token"')
    assert callers.get("/v1/customers", callers.token(), mine)[0] == 200
    assert callers.get("/v1/customers", callers.token())[0] == 200


def test_a_binding_that_cannot_be_proven_is_none(callers):
    mine = callers.credential("shop")
    own = thumbprint(mine.certificate)
    digest = hashlib.sha256(x509.load_pem_x509_certificate(mine.certificate).public_bytes(Encoding.DER)).hexdigest()
    bindings = {
        "hexadecimal": {"x5t#S256": digest},
        "padded": {"x5t#S256": own + "="},
        "cut": {"x5t#S256": own[:-1]},
        "other letters": {"x5t#S256": own.swapcase()},
        "a list": {"x5t#S256": [own]},
        "a number": {"x5t#S256": 1},
        "empty": {"x5t#S256": ""},
        "a DPoP key (RFC 9449)": {"jkt": own},
        "nothing": {},
        "a text": own,
        "another digest": {"x5t": own},
    }
    for name, cnf in bindings.items():
        assert callers.get("/v1/customers", callers.token(cnf=cnf), mine)[0] == 401, name
        assert callers.get("/v1/bound", callers.token(cnf=cnf), mine)[0] == 401, name


def test_where_a_contract_only_watches_a_stolen_token_names_nobody(callers):
    mine, other = callers.credential("shop"), callers.credential("thief")
    token = callers.token(cnf={"x5t#S256": thumbprint(mine.certificate)})
    status, _, body = callers.get("/v1/watched", token, mine)
    assert (status, body["headers"]["x-treadle-consumer"]) == (200, "shop")
    status, _, body = callers.get("/v1/watched", token, other)
    assert (status, {each for each in body["headers"] if each.startswith("x-treadle-")}) == (
        200,
        set(),
    )


def test_a_bound_token_whose_scopes_are_a_list_is_proven_too(callers):
    mine, other = callers.credential("shop"), callers.credential("thief")
    own = thumbprint(mine.certificate)
    token = callers.token(iss=OKTA, cid="shop", jti="AT.1", scp=["a", "b"], scope="x", cnf={"x5t#S256": own})
    status, _, body = callers.get("/v1/free", token, mine)
    told = body["headers"]
    assert (status, told["x-treadle-scope"], told["x-treadle-bound"]) == (200, '["a","b"]', own)
    assert callers.get("/v1/free", token, other)[0] == 401


def test_every_thumbprint_is_turned_rightly(callers):
    """The conversion has no case of its own for any certificate: many of them, one after the other."""
    for at in range(12):
        mine = callers.credential(f"shop-{at}")
        token = callers.token(cnf={"x5t#S256": thumbprint(mine.certificate)})
        assert callers.get("/v1/bound", token, mine)[0] == 200
