"""The workspace's own issuer: what it signs, for whom, and what it says over HTTP."""

import asyncio
import base64

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.applications import Starlette

from treadle.base.errors import PolicyError, UsageError
from treadle.contract.model import Consumer, Place
from treadle.control.issuer import LocalIssuer
from treadle.secrets.file import FileSecrets

NOW = 1_795_000_000
URL = "http://127.0.0.1:8081/issuer"
AUDIENCE = "https://api.acme.example"
HERE = Place("treadle.yaml")
CONSUMERS = {
    "demo-app": Consumer("demo-app", "platform", "gold", HERE, ("customers:read", "orders:read")),
    "crm": Consumer("crm", "crm-team", "gold", HERE, ("customer.events:publish",)),
    "a/b:c": Consumer("a/b:c", "odd", "gold", HERE, ("x:y",)),
    "theirs": Consumer("theirs", "shop", "gold", HERE, ("customers:read",), "acme-sso"),
    "ours": Consumer("ours", "shop", "gold", HERE, ("customers:read",), "treadle"),
}


@pytest.fixture
def issuer(tmp_path):
    return LocalIssuer(URL, AUDIENCE, CONSUMERS, FileSecrets(tmp_path / "secrets"), now=lambda: NOW)


class Client:
    """Speaks HTTP to an issuer's endpoints without a socket."""

    def __init__(self, issuer):
        self.app = Starlette(routes=issuer.routes())

    def request(self, method, url, **what):
        async def ask():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as client:
                return await client.request(method, url, **what)

        return asyncio.run(ask())

    def get(self, url, **what):
        return self.request("GET", url, **what)

    def post(self, url, **what):
        return self.request("POST", url, **what)


@pytest.fixture
def client(issuer):
    return Client(issuer)


def read(issuer, token):
    return jwt.decode(token, KeySet.import_key_set(orjson.loads(issuer.jwks())), algorithms=["ES256"])


def test_a_token_is_an_access_token_of_rfc_9068(issuer):
    token = read(issuer, issuer.mint("demo-app", "orders:read", 60, subject="jane"))
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    claims = dict(token.claims)
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": URL,
        "aud": AUDIENCE,
        "sub": "jane",
        "client_id": "demo-app",
        "scope": "orders:read",
        "iat": NOW,
        "exp": NOW + 60,
    }


def test_without_a_scope_it_is_all_that_the_consumer_may_have(issuer):
    claims = read(issuer, issuer.mint("demo-app")).claims
    assert (claims["scope"], claims["sub"]) == ("customers:read orders:read", "demo-app")


def test_no_two_tokens_are_one(issuer):
    assert read(issuer, issuer.mint("crm")).claims["jti"] != read(issuer, issuer.mint("crm")).claims["jti"]


def test_an_unknown_consumer_is_refused_with_a_guess(issuer):
    with pytest.raises(PolicyError) as refusal:
        issuer.mint("demo-ap")
    assert refusal.value.code == "consumer-unknown"
    assert "demo-app" in refusal.value.hint


def test_a_scope_beyond_the_registered_ones_is_refused_with_the_list(issuer):
    with pytest.raises(PolicyError) as refusal:
        issuer.mint("demo-app", "orders:read orders:write")
    assert refusal.value.code == "scope-not-registered"
    assert "orders:write" in refusal.value.message
    assert "customers:read orders:read" in refusal.value.hint


@pytest.mark.parametrize("lifetime_s", [0, -1, 601])
def test_a_token_cannot_live_for_ever(issuer, lifetime_s):
    with pytest.raises(UsageError):
        issuer.mint("demo-app", lifetime_s=lifetime_s)


@pytest.mark.parametrize("subject", ["", " ", "jane doe", "jané", "a\nb", "\x00", "x" * 129])
def test_a_subject_that_the_gateway_would_not_take(issuer, subject):
    with pytest.raises(UsageError) as refusal:
        issuer.mint("demo-app", subject=subject)
    assert refusal.value.code == "subject-invalid"
    assert "printable ASCII" in refusal.value.hint
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize("subject", ["!", "~" * 128, "auth0|5f7c", "jane@acme.example"])
def test_a_subject_of_printable_ascii(issuer, subject):
    assert read(issuer, issuer.mint("demo-app", subject=subject)).claims["sub"] == subject


def test_two_processes_sign_with_the_same_keys(issuer, tmp_path):
    other = LocalIssuer(URL, AUDIENCE, CONSUMERS, FileSecrets(tmp_path / "secrets"))
    assert other.jwks() == issuer.jwks()
    assert read(other, issuer.mint("crm"))


def test_public_keys_are_public(issuer):
    keys = KeySet.import_key_set(orjson.loads(issuer.jwks())).keys
    assert len(keys) == 2
    assert not any(key.is_private for key in keys)
    assert b'"d"' not in issuer.jwks()


def test_a_rotation_signs_with_the_announced_key_and_keeps_the_old_one(issuer):
    announced, old = issuer.jwks(), issuer.mint("crm")
    issuer.rotate()
    renewed = issuer.mint("crm")
    keys = KeySet.import_key_set(orjson.loads(announced))
    assert jwt.decode(renewed, keys, algorithms=["ES256"]).header["kid"] != read(issuer, old).header["kid"]
    assert len(KeySet.import_key_set(orjson.loads(issuer.jwks())).keys) == 3


def test_what_the_gateway_is_told(issuer):
    trusted = issuer.trust()
    assert (trusted.url, trusted.audience, trusted.jwks) == (URL, AUDIENCE, issuer.jwks().decode())


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server/issuer", "/issuer/.well-known/oauth-authorization-server"]
)
def test_metadata(client, path):
    described = client.get(path).json()
    assert described["issuer"] == URL
    assert described["token_endpoint"] == f"{URL}/token"
    assert client.get(described["jwks_uri"]).json()["keys"]


def ask(client, id, secret, **form):
    return client.post("/issuer/token", data={"grant_type": "client_credentials"} | form, auth=(id, secret))


@pytest.mark.parametrize("id", ["demo-app", "crm"])
def test_the_client_credentials_grant(client, issuer, id):
    answer = ask(client, id, issuer.client_secret(id).text())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert read(issuer, body["access_token"]).claims["client_id"] == id
    assert body["scope"] == " ".join(CONSUMERS[id].scopes)


def test_an_id_with_a_colon_is_form_encoded(client, issuer):
    pair = base64.b64encode(f"a%2Fb%3Ac:{issuer.client_secret('a/b:c').text()}".encode()).decode()
    answer = client.post(
        "/issuer/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {pair}"}
    )
    assert answer.json()["scope"] == "x:y"


def test_a_secret_is_made_once_for_each_client(issuer):
    assert issuer.client_secret("crm") == issuer.client_secret("crm")
    assert issuer.client_secret("crm") != issuer.client_secret("demo-app")
    with pytest.raises(PolicyError):
        issuer.client_secret("nobody")


@pytest.mark.parametrize("id", ["demo-app", "nobody", "", "crm"])
def test_a_wrong_secret(client, issuer, id):
    answer = ask(client, id, issuer.client_secret("crm").text() if id != "crm" else "guess")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("value", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer x"])
def test_a_header_that_says_nothing(client, value):
    answer = client.post(
        "/issuer/token", data={"grant_type": "client_credentials"}, headers={"authorization": value} if value else {}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "unsupported_grant_type"),
        (b"grant_type=password", 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials&scope=admin", 400, "invalid_scope"),
        (b"grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (b"nonsense", 400, "invalid_request"),
        (b"\xff", 400, "invalid_request"),
        (b"&".join(b"a%d=1" % index for index in range(99)), 400, "invalid_request"),
        (b"x" * 9_000, 413, "invalid_request"),
    ],
)
def test_a_request_that_is_refused(client, issuer, body, status, error):
    auth = httpx.BasicAuth("crm", issuer.client_secret("crm").text())
    answer = client.post("/issuer/token", content=body, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_an_issuer_at_the_root_of_its_server(tmp_path):
    issuer = LocalIssuer("http://127.0.0.1:8081", AUDIENCE, CONSUMERS, FileSecrets(tmp_path / "secrets"))
    client = Client(issuer)
    assert client.get("/.well-known/oauth-authorization-server").json()["issuer"] == "http://127.0.0.1:8081"
    assert client.get("/jwks.json").json()["keys"]


def test_a_client_of_another_issuer_gets_nothing_here(issuer, client):
    assert issuer.mint("ours")
    with pytest.raises(PolicyError) as caught:
        issuer.mint("theirs")
    assert caught.value.code == "consumer-of-another-issuer"
    shown = base64.b64encode(b"theirs:secret").decode()
    answer = client.post("/issuer/token", headers={"authorization": f"Basic {shown}"}, data={"grant_type": "x"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
