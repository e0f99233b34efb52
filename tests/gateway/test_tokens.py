"""Hostile tokens: none is accepted, and each is answered 401 with a challenge."""

import base64
import hashlib
import hmac

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.gateway.signing import Signing

from treadle.control.issuer import LIFETIME_S_MAX
from treadle.facts.fact import Outcome
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger(Signing):
    """Makes tokens with the issuer's own key, or without it."""

    def sign(self, header=(), claims=(), key=None, without=()):
        kept = {name: value for name, value in (self.claims | dict(claims)).items() if name not in without}
        return jwt.encode(self.header | dict(header), kept, key or self.key, algorithms=["ES256"])

    def untyped(self):
        head = {name: value for name, value in self.header.items() if name != "typ"}
        return jwt.encode(head, self.claims, self.key, algorithms=["ES256"], default_type=None)

    def unsigned(self, alg, signature=b""):
        return f"{b64(orjson.dumps(self.header | {'alg': alg}))}.{b64(orjson.dumps(self.claims))}.{b64(signature)}"

    def keyed_with_the_public_key(self):
        signed = f"{b64(orjson.dumps(self.header | {'alg': 'HS256'}))}.{b64(orjson.dumps(self.claims))}"
        return f"{signed}.{b64(hmac.digest(orjson.dumps(self.public), signed.encode(), hashlib.sha256))}"

    def tampered(self):
        head, _, signature = self.sign().split(".")
        return f"{head}.{b64(orjson.dumps(self.claims | {'scope': 'customers:write'}))}.{signature}"


def hostile(forger):
    now, mine = forger.now, ECKey.generate_key("P-256", private=True)
    return {
        "alg none": forger.unsigned("none"),
        "alg None": forger.unsigned("None"),
        "alg none with a signature": forger.unsigned("none", b"x" * 64),
        "no signature": forger.unsigned("ES256"),
        "signature of zeros": forger.unsigned("ES256", b"\0" * 64),
        "HS256 with the public key": forger.keyed_with_the_public_key(),
        "tampered claims": forger.tampered(),
        "another key under our kid": forger.sign(key=mine),
        "its own key in the header": forger.sign({"jwk": mine.as_dict(private=False)}, key=mine),
        "unknown kid": forger.sign({"kid": "../../dev/null"}, key=mine),
        "an id token": forger.sign({"typ": "JWT"}),
        "a logout token": forger.sign({"typ": "logout+jwt"}),
        "no type": forger.untyped(),
        "expired": forger.sign(claims={"iat": now - 400, "exp": now - 60}),
        "no expiry": forger.sign(without=["exp"]),
        "expiry as text": forger.sign(claims={"exp": str(now + 300)}),
        "lives too long": forger.sign(claims={"exp": now + LIFETIME_S_MAX + 60}),
        "not yet valid": forger.sign(claims={"nbf": now + 300}),
        "wrong audience": forger.sign(claims={"aud": "https://other.example"}),
        "audience as a prefix": forger.sign(claims={"aud": forger.claims["aud"] + ".evil.example"}),
        "no audience": forger.sign(without=["aud"]),
        "wrong issuer": forger.sign(claims={"iss": "https://evil.example"}),
        "no issuer": forger.sign(without=["iss"]),
        "one word": "x",
        "dots": "..",
        "five parts": "a.b.c.d.e",
    }


def test_hostile_tokens(running, client):
    forger = Forger(running)
    assert client.get("/v1/customers", headers={"authorization": f"Bearer {forger.sign()}"}).status_code == 200
    seen = len(running.upstream.seen)
    for name, token in hostile(forger).items():
        answer = client.get("/v1/customers", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401, f"{name}: {answer.status_code} {answer.text}"
        assert answer.json()["code"] == "UNAUTHENTICATED", name
        assert answer.headers["www-authenticate"].startswith("Bearer"), name
    assert len(running.upstream.seen) == seen


def test_a_token_that_names_no_client_is_forbidden(running, client):
    token = Forger(running).sign(without=["client_id"])
    assert client.get("/v1/customers", headers={"authorization": f"Bearer {token}"}).status_code == 403


def named(**claims):
    """An id that shows what is signed, and the claims."""
    return pytest.param(claims, id=repr(claims)[:40])


@pytest.mark.parametrize(
    "claims",
    [
        named(client_id=5),
        named(client_id=True),
        named(client_id=None),
        named(client_id=["demo-app"]),
        named(client_id={"demo-app": "demo-app"}),
        named(client_id=""),
        named(client_id=" "),
        named(client_id="demo-app "),
        named(client_id="demo-app\n"),
        named(client_id="demo-app\x00"),
        named(client_id="demö-app"),
        named(client_id="x" * 129),
        named(client_id=["\x7f" * 6_000, "\x01" * 2_000]),
        named(sub=5),
        named(sub=None),
        named(sub=["jane"]),
        named(sub=""),
        named(sub="jane\r\nx: y"),
        named(sub="x" * 129),
    ],
)
def test_a_token_must_name_its_client_and_subject(running, client, claims):
    seen = len(running.upstream.seen)
    answer = client.get("/v1/customers", headers={"authorization": f"Bearer {Forger(running).sign(claims=claims)}"})
    assert answer.status_code in {401, 403}, answer.text
    assert answer.json()["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}
    assert "x-ratelimit-limit" not in answer.headers
    assert len(running.upstream.seen) == seen
    fact = fact_of(running.line_of(answer.headers["x-trace-id"]))
    assert (fact.outcome, fact.status) == (Outcome.REFUSED, answer.status_code)


def test_a_name_may_have_every_printable_character(running, client):
    for name in ("x" * 128, "".join(map(chr, range(0x21, 0x7F)))):
        token = Forger(running).sign(claims={"client_id": name, "sub": name})
        answer = client.get("/v1/customers", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["x-ratelimit-limit"]) == (200, "2")
        fact = fact_of(running.line_of(answer.headers["x-trace-id"]))
        assert (fact.consumer, fact.subject) == (name, name)


@pytest.mark.parametrize(
    "scope",
    ["customers:readx", "xcustomers:read", "customers", "a\ncustomers:read", "\x01 customers:read", ""],
)
def test_a_scope_is_a_whole_word(running, client, scope):
    token = Forger(running).sign(claims={"scope": scope})
    assert client.get("/v1/customers", headers={"authorization": f"Bearer {token}"}).status_code == 403


def test_a_token_counts_only_as_a_bearer_header(running, client):
    token = running.token()
    assert client.get(f"/v1/customers?access_token={token}").status_code == 401
    assert client.get("/v1/customers", headers={"authorization": f"Basic {token}"}).status_code == 401
    assert client.get("/v1/customers", headers={"cookie": f"access_token={token}"}).status_code == 401


def test_a_rotated_key_is_believed_after_a_push_and_the_old_one_stays(fresh):
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        before = fresh.bearer()
        fresh.issuer.rotate()
        assert client.get("/v1/customers", headers=fresh.bearer()).status_code == 200, "the next key was known"
        live = fresh.push(fresh.gateway(issuers=(fresh.issuer.trust(),))).live_ms
        assert set(live) == {"ecds/envoy.filters.http.jwt_authn"}
        fresh.issuer.rotate()
        assert client.get("/v1/customers", headers=fresh.bearer()).status_code == 200
        assert client.get("/v1/customers", headers=before).status_code == 200
