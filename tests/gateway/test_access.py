"""What an operation may ask of a token, and what is said of a contract that asks for nonsense."""

from dataclasses import replace

import pytest

from treadle.contract.model import Access, Consumer, Contract, Kind, Limit, Operation, Place
from treadle.contract.read import read_contract
from treadle.gateway.build import build
from treadle.gateway.condition import BYTES_MAX, fault, over
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, Gateway, InvalidGatewayError, Issuer, Route, Upstream, faults
from treadle.gateway.profiles import PROFILES, Form, Scopes, profile

HERE = Place("domains/a/things.v1.openapi.yaml")
JWKS = '{"keys": [{"kty": "EC"}]}'
OURS = Issuer("http://127.0.0.1/issuer", "https://api.example", JWKS)
UP = Upstream("up", "127.0.0.1", 7101)


def route(operation="list", contract="a.things.v1", **other):
    defaults = {"public": False, "scopes": ("things:read",)}
    path = f"/v1/{contract.split('.')[1]}/{operation}"
    return Route(
        operation, "GET", path, "up", 2_000, limit=None, idempotency_key=False, cost_weight=1, contract=contract,
        domain="a", stamp=f"{contract}@1", **defaults | other,
    )  # fmt: skip


def gateway(*routes, issuers=(OURS,)):
    apis = {each.contract: [] for each in routes}
    for each in routes:
        apis[each.contract].append(each)
    found = tuple(Api(contract, tuple(each), (UP,)) for contract, each in apis.items())
    return Gateway(found, (), Limit(10), tuple(issuers))


@pytest.mark.parametrize(
    "expression",
    [
        "claims.region == 'eu'",
        "'admin' in claims.roles",
        "claims.level >= 3",
        'claims.email.endsWith("@acme.example") && claims.email_verified',
        "has(claims.dept) ? claims.dept == 'claims' : false",
        "claims['https://acme.example/tenant'] == r'a\\b'",
        "size(claims.groups) > 0 && !(claims.sub in ['a', \"b\"])",
        "claims.amr[0] == '''hwk'''",
        "claims.level >= 0x3 || claims.ratio < 1.5e3",
        "claims.a.claims.b == true",
    ],
)
def test_what_can_be_a_condition(expression):
    assert fault(expression) == ""
    assert faults(gateway(route(access=Access(condition=expression)))) == ()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("request.path == '/'", "speaks of request"),
        ("metadata.filter_metadata == claims", "speaks of metadata"),
        ("claim.region == 'eu'", "speaks of claim;"),
        ("true", "does not speak of claims"),
        ("'claims' == 'claims'", "does not speak of claims"),
        ("claims.region == 'eu%'", "with %"),
        ("claims.level % 2 == 0", "'%'"),
        ("claims.a == 'x')% %CEL(true", "'%'"),
        ("claims.region == 'eu", '"\'"'),
        ("claims.region == 'eu' // in Europe\n", "speaks of Europe"),
        ("claims.a = `x`", "'`'"),
        ("claims.größe == 1", "'ö'"),
        ("claims.a == 'é' && claims." + "a" * BYTES_MAX, "longer"),
        ("$claims", "'$'"),
    ],
)
def test_what_cannot(expression, said):
    assert said in fault(expression)
    (found,) = faults(gateway(route(access=Access(condition=expression))))
    assert found.contract == "a.things.v1"
    assert said in found.message


def test_only_the_variable_is_replaced():
    said = "claims.claims == 'claims' && x(claims) && claims['claims'] == \"it's claims\""
    assert over(said, "C") == "(C).claims == 'claims' && x((C)) && (C)['claims'] == \"it's claims\""


@pytest.mark.engine
@pytest.mark.parametrize(
    "expression", ["claims.region ==", "claims.region == 'eu')", "claims.all(x, x)", "nope(claims)"]
)
def test_one_that_the_engine_refuses_costs_its_own_contract_alone(running, expression):
    bad = route("bad", "a.bad.v1", access=Access(condition=expression))
    good = route("good", "a.good.v1", access=Access(condition="claims.region == 'eu'"))
    whole = gateway(bad, good, issuers=(running.issuer.trust(),))
    if faults(whole):
        (found,) = faults(whole)
    else:
        (found,) = running.engine.judge(whole, running.node)
        assert "expression" in found.message
    assert found.contract == "a.bad.v1"
    running.engine.validate(compile_gateway(whole.only({"a.good.v1"}), running.node))


def test_a_public_operation_asks_nothing_of_a_token():
    for access in (Access(condition="claims.a == 1"), Access(acr=("phr",)), Access(amr=("hwk",)), Access(bound=True)):
        (found,) = faults(gateway(route(public=True, scopes=(), access=access)))
        assert "public" in found.message


def test_what_a_contract_asks_of_every_token_holds_where_one_is_needed():
    file = "domains/a/things.v1.openapi.yaml"
    text = b"""openapi: 3.1.0
info: {title: Things, version: 1.0.0, x-treadle: {domain: a, access: {bound: true, acr: [phr]}}}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: "https://idp.example/token", scopes: {r: r}}}}
paths:
  /v1/things:
    get: {operationId: list, security: [{oauth: [r]}], responses: {"200": {description: ok}}}
    put:
      operationId: put
      x-treadle: {access: {bound: false}}
      security: [{oauth: [r]}]
      responses: {"200": {description: ok}}
  /v1/things/health:
    get: {operationId: health, security: [], responses: {"200": {description: ok}}}
"""
    contract, findings = read_contract(file, {file: text})
    assert contract, findings
    assert {each.id: each.access for each in contract.operations} == {
        "list": Access(acr=("phr",), bound=True),
        "put": Access(acr=("phr",)),
        "health": Access(),
    }


@pytest.mark.parametrize("value", ['a"b', "a b", "a\\b", "a\nb", "ä"])
def test_a_level_of_login_must_fit_into_a_challenge(value):
    (found,) = faults(gateway(route(access=Access(acr=(value,)))))
    assert "RFC 9470" in found.message


def test_issuers_must_be_told_apart():
    other = replace(OURS, name="idp", url="https://idp.example")
    assert faults(gateway(route(), issuers=(OURS, other))) == ()
    assert faults(gateway(route(), issuers=(OURS, replace(other, jwks="")))) == ()
    for wrong, said in (
        (replace(other, url=OURS.url), "the url"),
        (replace(other, name=OURS.name), "the name"),
        (replace(other, profile="ldap"), "unknown profile ldap"),
        (replace(other, jwks="{}"), "JWK set"),
        (replace(other, audience=""), "any token would do"),
    ):
        (found,) = faults(gateway(route(), issuers=(OURS, wrong)))
        assert said in found.message
    (found,) = faults(gateway(route(), issuers=(replace(OURS, jwks=""),)))
    assert "there is no issuer" in found.message


def test_scopes_are_looked_for_where_each_issuer_keeps_them(settings):
    contract = Contract(
        "customer.customers.v1", Kind.OPENAPI, "customer", "customers", 1, "1.0.0", "T", "sha256:" + "a" * 64, HERE,
        operations=(Operation("list", "get", "/v1/customers", HERE, scopes=("a",)),),
    )  # fmt: skip

    def claims(*issuers):
        (api,) = build([contract], settings, issuers, {}).apis
        return api.routes[0].scope_claims

    keycloak = replace(OURS, name="sso", url="https://sso.example", profile="keycloak")
    okta = replace(OURS, name="okta", url="https://okta.example", profile="okta")
    words = (Scopes("scope"),)
    assert claims(OURS) == (("", words),)
    assert claims(OURS, keycloak) == (("", words),), "all alike: no token is asked for its issuer"
    assert claims(OURS, okta) == ((OURS.url, words), (okta.url, (Scopes("scp", Form.LIST),)))


def test_a_consumer_of_an_issuer_that_is_not_there_is_a_fault(settings):
    lost = replace(settings, consumers={"x": Consumer("x", "t", "gold", HERE, (), "idp")})
    with pytest.raises(InvalidGatewayError, match="unknown issuer idp"):
        build([], lost, [OURS], {})
    found = replace(OURS, name="idp", url="https://idp.example", jwks="")
    (row,) = build([], lost, [OURS, found], {}).consumers
    assert row.issuer == "https://idp.example"


def test_every_profile_tells_an_access_token_from_others():
    for name, each in PROFILES.items():
        assert each.name == name
        assert each.kinds
        assert all(kind for kind in each.kinds), "a kind without traits would be any token"
        assert each.client
        assert each.scopes
    assert profile("okta", client_claim="app").client == ("app",)
    assert profile("okta", scope_claim="rights").scopes == (Scopes("rights", Form.EITHER),)
    with pytest.raises(KeyError):
        profile("ldap")
