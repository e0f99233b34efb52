"""Tokens of several issuers, each of its own shape: who is let in, as whom, and what a refusal says."""

import json
import time
from dataclasses import replace

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from treadle.contract.model import Access, Enforcement, Enforcements, Limit
from treadle.gateway.ir import Api, ConsumerLimit, Issuer
from treadle.gateway.profiles import PROFILES

pytestmark = pytest.mark.engine
AUDIENCE = "https://api.acme.example"
SCOPE = "customers:read"
PERSON = "f1c2a1de-5a3b-4d4c-8f0e-2f6d7a1b9c3d"


class Provider:
    """An identity provider that this test is: its keys, and how its tokens look."""

    def __init__(self, name, profile, url, key=None, **other):
        self.key = key or ECKey.generate_key("P-256", private=True)
        self.alg = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        self.kid = f"{name}-1"
        public = {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.alg}
        self.trust = Issuer(url, AUDIENCE, json.dumps({"keys": [public]}), 0, name=name, profile=profile, **other)

    def sign(self, header=(), claims=(), without=()):
        now = int(time.time())
        said = {"iss": self.trust.url, "iat": now, "exp": now + 300} | dict(claims)
        head = {"alg": self.alg, "kid": self.kid} | dict(header)
        kept = {name: value for name, value in said.items() if name not in without}
        return jwt.encode(head, kept, self.key, algorithms=[self.alg], default_type=None)


# As the providers' own documentation shows them.
KEYCLOAK = {"aud": AUDIENCE, "sub": PERSON, "typ": "Bearer", "azp": "shop", "jti": "b1", "acr": "1", "scope": SCOPE}
ENTRA_2 = {
    "aud": AUDIENCE, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "azp": "shop", "azpacr": "1", "ver": "2.0",
    "scp": f"openid {SCOPE}", "oid": PERSON, "tid": PERSON, "uti": "fqiBqXLPj0eQa82S-IYFAA", "rh": "I",
}  # fmt: skip
ENTRA_1 = {
    "aud": AUDIENCE, "sub": PERSON, "appid": "shop", "appidacr": "1", "ver": "1.0", "roles": [SCOPE], "oid": PERSON,
}  # fmt: skip
OKTA = {"ver": 1, "jti": "AT.0mP4JKAZX1iA", "aud": AUDIENCE, "cid": "shop", "uid": "00u1", "scp": ["openid", SCOPE],
        "sub": "jane@acme.example"}  # fmt: skip
AUTH0 = {"aud": [AUDIENCE, "https://acme.auth0.example/userinfo"], "azp": "shop", "sub": "shop@clients",
         "gty": "client-credentials", "scope": "openid", "permissions": [SCOPE]}  # fmt: skip
COGNITO = {"sub": PERSON, "client_id": "pool-app", "token_use": "access", "scope": SCOPE, "version": 2, "jti": "a1",
           "username": "jane"}  # fmt: skip
STRICT = {"aud": AUDIENCE, "sub": PERSON, "client_id": "shop", "jti": "j1", "scope": SCOPE}
JWT = {"typ": "JWT"}
ACCESS = {
    "rfc9068": ({"typ": "at+jwt"}, STRICT, "shop"),
    "keycloak": (JWT, KEYCLOAK, "shop"),
    "entra": (JWT, ENTRA_2, "shop"),
    "entra, version 1, an application alone": (JWT, ENTRA_1, "shop"),
    "okta": ({}, OKTA, "shop"),
    "auth0": (JWT, AUTH0, "shop"),
    "cognito": ({}, COGNITO, "pool-app"),
}
ID_TOKENS = {
    "rfc9068": (JWT, STRICT),
    "keycloak": (JWT, KEYCLOAK | {"typ": "ID", "nonce": "n", "at_hash": "h"}),
    "entra": (JWT, {"aud": AUDIENCE, "sub": PERSON, "ver": "2.0", "nonce": "n", "roles": [SCOPE], "oid": PERSON}),
    "okta": ({}, {"ver": 1, "jti": "ID.0mP4JKAZX1iA", "aud": AUDIENCE, "sub": "jane", "amr": ["pwd"], "scp": [SCOPE],
                  "cid": "shop"}),
    "auth0": (JWT, {"aud": AUDIENCE, "azp": "shop", "sub": "auth0|1", "nonce": "n", "sid": "s", "scope": SCOPE}),
    "cognito": ({}, COGNITO | {"token_use": "id", "aud": "pool-app", "cognito:username": "jane"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def providers():
    """One of each kind, and a strict one that signs with RSA."""
    kinds = {name: Provider(name, name, f"https://{name}.example/realms/acme") for name in PROFILES}
    kinds["strict"] = Provider("strict", "rfc9068", "https://strict.example", RSAKey.generate_key(2048, private=True))
    kinds["custom"] = Provider(
        "custom", "rfc9068", "https://custom.example/", client_claim="https://acme.example/app", scope_claim="rights"
    )
    kinds["away"] = Provider("away", "rfc9068", "https://away.example")
    return kinds


@pytest.fixture(scope="module")
def gate(running, providers):
    """The node that the tests share, with all of these issuers and some operations that ask for more."""
    route = running.route
    watched = {"contract": "customer.watched.v1", "enforcement": Enforcements(auth=Enforcement.OBSERVE)}
    more = (
        route("strong", "GET", "/v1/strong", access=Access(acr=("phrh", "phr"), amr=("hwk", "fido"))),
        route("europe", "GET", "/v1/europe", access=Access(condition="claims.region == 'eu'")),
        route("admin", "GET", "/v1/admin", access=Access(condition="'admin' in claims.roles && claims.level >= 3")),
        route("unscoped", "GET", "/v1/unscoped", scopes=()),
    )
    lenient = (
        route("watched", "GET", "/v1/watched", **watched),
        route("watchedRegion", "GET", "/v1/watched/eu", access=Access(condition="claims.region == 'eu'"), **watched),
    )
    issuers = [replace(each.trust, jwks="") if name == "away" else each.trust for name, each in providers.items()]
    places = tuple((each.url, each.claims.scopes) for each in (running.issuer.trust(), *issuers))
    base = running.gateway(*more)
    apis = (*base.apis, Api("customer.watched.v1", lenient, base.apis[0].upstreams))
    apis = tuple(replace(api, routes=tuple(replace(each, scope_claims=places) for each in api.routes)) for api in apis)
    consumers = (
        *base.consumers,
        ConsumerLimit("pool-app", "gold", Limit(100_000), providers["cognito"].trust.url),
        ConsumerLimit("okta-app", "gold", Limit(100_000), providers["okta"].trust.url),
    )
    own = running.issuer.trust()
    owned = tuple(replace(each, issuer=each.issuer or own.url) for each in consumers)
    running.push(replace(base, apis=apis, consumers=owned, issuers=(own, *issuers), default_limit=Limit(100_000)))
    return running


def call(client, token, path="/v1/customers"):
    return client.get(path, headers={"authorization": f"Bearer {token}"} if token else {})


@pytest.mark.parametrize("kind", ACCESS)
def test_a_token_of_each_shape_is_accepted_under_its_profile(gate, client, providers, kind):
    header, claims, name = ACCESS[kind]
    provider = providers[kind.partition(",")[0]]
    answer = call(client, provider.sign(header, claims))
    assert answer.status_code == 200, answer.text
    seen = answer.json()["headers"]
    assert seen["x-treadle-consumer"] == name
    assert seen["x-treadle-subject"] == claims["sub"]
    assert seen["x-treadle-issuer"] == provider.trust.url
    assert SCOPE in seen["x-treadle-scope"]
    assert "authorization" not in seen


@pytest.mark.parametrize("kind", [kind for kind in ACCESS if kind != "rfc9068"])
def test_and_refused_under_a_stricter_one(gate, client, providers, kind):
    header, claims, _ = ACCESS[kind]
    seen = len(gate.upstream.seen)
    answer = call(client, providers["strict"].sign(header, claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), answer.text
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert len(gate.upstream.seen) == seen


@pytest.mark.parametrize("kind", ID_TOKENS)
def test_an_id_token_is_refused_under_each(gate, client, providers, kind):
    answer = call(client, providers[kind].sign(*ID_TOKENS[kind]))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), answer.text


@pytest.mark.parametrize("kind", [kind for kind in ACCESS if kind != "cognito"])
def test_a_token_for_another_audience_is_refused(gate, client, providers, kind):
    header, claims, _ = ACCESS[kind]
    answer = call(client, providers[kind.partition(",")[0]].sign(header, claims | {"aud": "https://other.example"}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_without_an_audience_only_registered_clients_count(gate, client, providers):
    assert call(client, providers["cognito"].sign({}, COGNITO | {"client_id": "another-app"})).status_code == 401


def test_a_client_is_its_issuers_own(gate, client, providers):
    """Whoever may name clients at one provider cannot name those of another."""
    header, claims, _ = ACCESS["okta"]
    foreign = claims | {"cid": "demo-app"}
    assert call(client, providers["okta"].sign(header, claims | {"cid": "okta-app"})).status_code == 200
    for token in (
        providers["okta"].sign(header, foreign),
        providers["strict"].sign({"typ": "at+jwt"}, STRICT | {"client_id": "okta-app"}),
    ):
        answer = call(client, token)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), answer.text


def test_claims_named_in_the_settings_go_before_those_of_the_profile(gate, client, providers):
    claims = STRICT | {"client_id": "other", "scope": "", "https://acme.example/app": "shop", "rights": [SCOPE]}
    answer = call(client, providers["custom"].sign({"typ": "at+jwt"}, claims))
    assert answer.status_code == 200, answer.text
    seen = answer.json()["headers"]
    assert (seen["x-treadle-consumer"], seen["x-treadle-scope"]) == ("shop", f'["{SCOPE}"]')
    words = claims | {"rights": f"a {SCOPE} b"}
    assert call(client, providers["custom"].sign({"typ": "at+jwt"}, words)).status_code == 200
    assert call(client, providers["custom"].sign({"typ": "at+jwt"}, claims | {"rights": "a"})).status_code == 403


def test_a_scope_counts_only_where_its_issuer_keeps_scopes(gate, client, providers):
    """A role of a Keycloak realm is no scope, though at Entra it would be."""
    header, claims, _ = ACCESS["keycloak"]
    wrong = claims | {"scope": "openid", "roles": [SCOPE], "scp": SCOPE, "permissions": [SCOPE], "rights": [SCOPE]}
    answer = call(client, providers["keycloak"].sign(header, wrong))
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{SCOPE}"'


def test_the_keys_of_one_issuer_sign_nothing_of_another(gate, client, providers):
    okta, strict = providers["okta"], providers["strict"]
    header, claims, _ = ACCESS["okta"]
    borrowed = okta.sign(header, claims | {"iss": providers["keycloak"].trust.url})
    assert call(client, borrowed).status_code == 401
    assert call(client, okta.sign({"kid": strict.kid}, claims | {"iss": strict.trust.url})).status_code == 401


def test_tokens_of_an_issuer_that_was_never_reached_are_refused_and_the_others_are_not(gate, client, providers):
    assert call(client, providers["away"].sign({"typ": "at+jwt"}, STRICT)).status_code == 401
    assert call(client, gate.token()).status_code == 200


def test_a_stronger_login_is_asked_for(gate, client, providers):
    def strong(**claims):
        return call(client, providers["rfc9068"].sign({"typ": "at+jwt"}, STRICT | claims), "/v1/strong")

    assert strong(acr="phr", amr=["pwd", "hwk"]).status_code == 200
    assert strong(acr="phrh", amr="fido").status_code == 200
    for weak in ({}, {"acr": "phr"}, {"amr": ["hwk"]}, {"acr": "1", "amr": ["hwk"]}, {"acr": "phr", "amr": ["pwd"]}):
        answer = strong(**weak)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), weak
        challenge = 'Bearer error="insufficient_user_authentication", acr_values="phrh phr"'
        assert answer.headers["www-authenticate"] == challenge


def test_conditions_are_judged_over_claims(gate, client, providers):
    def status(path, **claims):
        return call(client, providers["rfc9068"].sign({"typ": "at+jwt"}, STRICT | claims), path).status_code

    assert status("/v1/europe", region="eu") == 200
    assert status("/v1/admin", roles=["user", "admin"], level=3) == 200
    for claims in ({}, {"region": "us"}, {"region": ["eu"]}, {"region": None}, {"region": "eu\n"}):
        assert status("/v1/europe", **claims) == 403, claims
    for claims in ({"roles": ["admin"]}, {"roles": ["admin"], "level": 2}, {"roles": [], "level": 9}, {"level": 3}):
        assert status("/v1/admin", **claims) == 403, claims


def test_where_a_contract_only_watches_nobody_is_refused_and_nobody_is_named_wrongly(gate, client, providers):
    okta = providers["okta"]
    header, claims, _ = ACCESS["okta"]
    good = call(client, okta.sign(header, claims), "/v1/watched")
    assert (good.status_code, good.json()["headers"]["x-treadle-consumer"]) == (200, "shop")
    bad = {
        "none": "",
        "forged": okta.sign(header, claims)[:-10] + "AAAAAAAAAA",
        "an ID token": okta.sign(*ID_TOKENS["okta"]),
        "another's client": okta.sign(header, claims | {"cid": "demo-app"}),
        "a header in its name": okta.sign(header, claims | {"sub": "jane\r\nx-treadle-consumer: demo-app"}),
        "a header in its scope": providers["rfc9068"].sign(
            {"typ": "at+jwt"}, STRICT | {"scope": "a\r\nx-treadle-consumer: demo-app"}
        ),
        "expired": okta.sign(header, claims | {"exp": int(time.time()) - 60}),
    }
    for name, token in bad.items():
        answer = call(client, token, "/v1/watched")
        assert answer.status_code == 200, name
        told = {each for each in answer.json()["headers"] if each.startswith("x-treadle-")}
        assert told == set(), name
        assert noted(gate, answer) == "denied", name
    assert noted(gate, good) == "allowed"


def test_what_a_watching_contract_would_have_refused_is_noted(gate, client, providers):
    okta = providers["okta"]
    header, claims, _ = ACCESS["okta"]
    for changed, said in (({"scp": []}, "denied"), ({"region": "us"}, "denied"), ({"region": "eu"}, "allowed")):
        answer = call(client, okta.sign(header, claims | changed), "/v1/watched/eu")
        assert (answer.status_code, answer.json()["headers"]["x-treadle-consumer"]) == (200, "shop")
        assert noted(gate, answer) == said, changed


def noted(gate, answer):
    return orjson.loads(gate.line_of(answer.headers["x-trace-id"]))["rules"]["authz_shadow_engine_result"]


def test_a_scope_that_would_be_a_header_names_nobody(gate, client, providers):
    token = providers["rfc9068"].sign({"typ": "at+jwt"}, STRICT | {"scope": f"{SCOPE}\r\nx-evil: 1"})
    assert call(client, token, "/v1/unscoped").status_code == 403
    assert call(client, providers["rfc9068"].sign({"typ": "at+jwt"}, STRICT), "/v1/unscoped").status_code == 200


@pytest.mark.parametrize("issuer", ["keycloak", "strict"])
def test_nobody_can_send_an_identity_of_their_own(gate, client, providers, issuer):
    header, claims, name = ACCESS["keycloak" if issuer == "keycloak" else "rfc9068"]
    forged = {
        f"x-treadle-{each}": "boss" for each in ("consumer", "subject", "scope", "issuer", "bound", "unfit", "limited")
    }
    with httpx.Client(base_url=gate.url, trust_env=False) as fresh:
        token = providers[issuer].sign(header, claims)
        seen = fresh.get("/v1/customers", headers=forged | {"authorization": f"Bearer {token}"}).json()["headers"]
        assert "boss" not in seen.values()
        assert seen["x-treadle-consumer"] == name
        seen = fresh.get("/v1/public", headers=forged).json()["headers"]
        assert {each for each in seen if each.startswith("x-treadle-")} == set()
