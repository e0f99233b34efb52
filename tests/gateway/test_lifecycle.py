"""The end of a contract: what every answer says of it, and what is left when it is over. Through a real Envoy."""

from dataclasses import replace

import httpx
import pytest

from treadle.contract.model import Contract, Deprecation, Kind, Operation, Place
from treadle.facts.fact import Outcome
from treadle.gateway.build import build
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import faults
from treadle.gateway.logs import fact_of

pytestmark = pytest.mark.engine
HERE = Place("domains/customer/customers.v1.openapi.yaml")
MOVE = "https://docs.example/move?from=1&to=2%20"
END = Deprecation(since="2026-09-01", sunset="2030-06-30", successor="/v2/customers", link=MOVE)


def ending(world, **fields):
    (api,) = world.base.apis
    return replace(world.base, apis=(replace(api, routes=tuple(replace(each, **fields) for each in api.routes)),))


@pytest.fixture(scope="module")
def old(running):
    """The usual contract, on its way out."""
    running.push(ending(running, deprecation=END))
    yield running
    running.push(running.base)


@pytest.fixture
def client(old):
    with httpx.Client(base_url=old.url, trust_env=False, timeout=10) as it:
        yield it


def links(answer):
    return answer.headers.get_list("link", split_commas=False)


def said(answer):
    assert answer.headers["deprecation"] == "@1788220800", "2026-09-01T00:00:00Z"
    assert answer.headers["sunset"] == "Sun, 30 Jun 2030 00:00:00 GMT"
    assert '</v2/customers>; rel="successor-version"' in ", ".join(links(answer))
    assert f'<{MOVE}>; rel="deprecation"' in ", ".join(links(answer))
    return True


def test_every_answer_of_the_contract_says_it(old, client):
    answers = {
        200: client.get("/v1/customers", headers=old.bearer()),
        401: client.get("/v1/customers"),
        403: client.get("/v1/customers", headers=old.bearer("nobody")),
        405: client.delete("/v1/customers"),
        404: client.get("/v1/customers/gone", headers=old.bearer()),
        504: client.get("/v1/customers/slow", headers=old.bearer()),
        413: client.post("/v1/customers", headers=old.bearer(), content=b"x" * (old.node.body_bytes_max + 1)),
        429: [client.get("/v1/customers/search", headers=old.bearer()) for _ in range(3)][-1],
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert said(answer), status


def test_what_is_of_no_contract_says_nothing(client):
    answer = client.get("/nowhere")
    assert (answer.status_code, {"deprecation", "sunset", "link"} & set(answer.headers)) == (404, set())


def test_a_contract_that_lives_on_says_nothing(fresh):
    answer = httpx.get(f"{fresh.url}/v1/public", trust_env=False)
    assert (answer.status_code, {"deprecation", "sunset", "link"} & set(answer.headers)) == (200, set())


def test_a_deprecation_without_a_day_is_one(old, client):
    old.push(ending(old, deprecation=Deprecation()))
    answer = client.get("/v1/public")
    old.push(ending(old, deprecation=END))
    assert answer.headers["deprecation"] == "@0"
    assert {"sunset", "link"} & set(answer.headers) == set()


def test_what_is_retired_is_gone_for_those_who_would_have_been_served(fresh):
    retired = ending(fresh, deprecation=END, retired=True, upstream="")
    (api,) = retired.apis
    fresh.push(replace(retired, apis=(replace(api, upstreams=()),)))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        answer = client.get("/v1/customers", headers=fresh.bearer())
        assert (answer.status_code, answer.json()["code"]) == (410, "GONE")
        assert answer.json()["traceId"] == answer.headers["x-trace-id"]
        assert said(answer)
        fact = fact_of(fresh.line_of(answer.headers["x-trace-id"]))
        assert (fact.outcome, fact.code, fact.operation, fact.consumer) == (
            Outcome.REFUSED,
            "GONE",
            "listCustomers",
            "demo-app",
        ), "who still calls can be told"
        assert client.get("/v1/customers").status_code == 401, "a stranger learns nothing"
        assert client.get("/v1/public").status_code == 410
        assert client.post("/v1/customers", headers=fresh.bearer(), content=b"x" * 2_000_000).status_code == 410
    assert fresh.upstream.seen == []


@pytest.mark.parametrize(
    "end",
    [
        Deprecation(since="2026-02-30"),
        Deprecation(sunset="2026-13-01"),
        Deprecation(successor="/v2>; rel=next"),
        Deprecation(link="https://x.example/\r\nset-cookie: x"),
        Deprecation(link='https://x.example/"'),
    ],
)
def test_words_that_would_be_another_header_are_refused(running, end):
    (api,) = running.base.apis
    bad = replace(api, routes=(replace(api.routes[0], deprecation=end),))
    assert [fault.contract for fault in faults(replace(running.base, apis=(bad,)))] == ["customer.customers.v1"]


def contract(version, **fields):
    operations = tuple(
        Operation(f"{name}V{version}", "get", f"/v{version}/customers{rest}", HERE)
        for name, rest in (("list", ""), ("get", "/{id}"), ("notes", "/{id}/notes"))
    )
    return Contract(
        id=f"customer.customers.v{version}",
        kind=Kind.OPENAPI,
        domain="customer",
        name="customers",
        major=version,
        version=f"{version}.0.0",
        title="Customers",
        digest="sha256:" + "a" * 64,
        place=HERE,
        operations=operations,
        **fields,
    )


def route_of(gateway, operation):
    return next(route for api in gateway.apis for route in api.routes if route.operation == operation)


def test_a_successor_is_named_by_its_id_and_told_by_its_path(settings, issuer):
    second = replace(settings.services[0], name="customers-api-v2", contract="customer.customers.v2")
    both = replace(settings, services=(*settings.services, second))
    first = contract(1, deprecation=Deprecation(successor="customer.customers.v2"))
    gateway = build([first, contract(2)], both, [issuer], {})
    assert route_of(gateway, "getV1").deprecation.successor == "/v2/customers"
    assert route_of(gateway, "getV2").deprecation is None
    alone = build([first], settings, [issuer], {})
    assert route_of(alone, "getV1").deprecation.successor == "", "nothing is told of a contract that is not there"


def test_what_is_deprecated_in_other_words_is_deprecated_too(settings, issuer):
    for fields in ({"lifecycle": "deprecated"}, {"lifecycle": "sunset"}):
        assert route_of(build([contract(1, **fields)], settings, [issuer], {}), "listV1").deprecation == Deprecation()
    plain = contract(1)
    one = replace(plain, operations=(replace(plain.operations[0], deprecated=True), *plain.operations[1:]))
    gateway = build([one], settings, [issuer], {})
    assert route_of(gateway, "listV1").deprecation == Deprecation()
    assert route_of(gateway, "getV1").deprecation is None


def test_what_is_retired_needs_no_service(settings, issuer):
    gateway = build([contract(1, lifecycle="retired")], replace(settings, services=()), [issuer], {})
    (api,) = gateway.apis
    assert all(route.retired and not route.guard for route in api.routes)
    assert api.upstreams == ()
    assert faults(gateway) == ()


def test_a_changed_end_moves_routes_alone(running):
    first = compile_gateway(ending(running, deprecation=END), running.node)
    second = compile_gateway(ending(running, deprecation=replace(END, sunset="2031-01-01")), running.node)
    assert (first.filters, first.clusters) == (second.filters, second.clusters)
    assert first.routes != second.routes
