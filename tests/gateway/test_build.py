"""Contracts and settings become the gateway's words."""

from dataclasses import replace

import pytest

from treadle.contract.model import Consumer, Contract, Kind, Limit, Operation, Parameter, Place, Service, Tier
from treadle.gateway.build import build
from treadle.gateway.ir import ConsumerLimit, InvalidGatewayError, Upstream

HERE = Place("domains/customer/customers.v1.openapi.yaml")
LIST = Operation("listCustomers", "get", "/v1/customers", HERE, scopes=("customers:read",), timeout_ms=400)
CUSTOMERS = Contract(
    id="customer.customers.v1",
    kind=Kind.OPENAPI,
    domain="customer",
    name="customers",
    major=1,
    version="1.2.0",
    title="Customers",
    digest="sha256:" + "a" * 64,
    place=HERE,
    operations=(LIST,),
)


def test_a_contract_becomes_an_api(settings, issuer):
    (api,) = build([CUSTOMERS], settings, [issuer], {}).apis
    (route,) = api.routes
    assert api.contract == "customer.customers.v1"
    assert api.upstreams == (Upstream("customers-api", "127.0.0.1", 7101),)
    assert (route.method, route.template, route.upstream) == ("GET", "/v1/customers", "customers-api")
    assert (route.scopes, route.timeout_ms, route.public) == (("customers:read",), 400, False)
    assert route.stamp == "customer.customers.v1@1.2.0#aaaaaaaaaaaa"


def test_consumers_get_the_bucket_of_their_tier(settings, issuer):
    gateway = build([], settings, [issuer], {})
    assert gateway.consumers == (
        ConsumerLimit("demo-app", "gold", Limit(100), issuer.url),
        ConsumerLimit("partner", "bronze", Limit(5, 10), issuer.url),
    )


@pytest.mark.parametrize(
    ("tiers", "limit"),
    [
        ({"gold": Limit(100), "bronze": Limit(5, 10), "silver": Limit(1)}, Limit(5, 10)),
        ({"gold": Limit(100), "default": Limit(7)}, Limit(7)),
        ({}, Limit(10)),
    ],
)
def test_whoever_is_in_no_list_gets_the_least(settings, issuer, tiers, limit):
    named = {name: Tier(name, each) for name, each in tiers.items()}
    assert build([], replace(settings, tiers=named, consumers={}), [issuer], {}).default_limit == limit


@pytest.mark.parametrize(
    ("address", "upstream"),
    [
        ("http://127.0.0.1:7101/", Upstream("customers-api", "127.0.0.1", 7101)),
        ("http://customers.internal", Upstream("customers-api", "customers.internal", 80)),
        ("http://[::1]:7101", Upstream("customers-api", "::1", 7101)),
        ("https://customers.internal", Upstream("customers-api", "customers.internal", 443, tls=True)),
    ],
)
def test_upstream_addresses(settings, issuer, address, upstream):
    moved = replace(settings, services=(replace(settings.services[0], upstream=address),))
    assert build([CUSTOMERS], moved, [issuer], {}).apis[0].upstreams == (upstream,)


@pytest.mark.parametrize("address", ["http://a/b", "http://u:p@host", "ftp://x", "http://", "customers:80"])
def test_an_address_we_cannot_serve_is_a_fault_of_the_contract(settings, issuer, address):
    moved = replace(settings, services=(replace(settings.services[0], upstream=address),))
    with pytest.raises(InvalidGatewayError) as refusal:
        build([CUSTOMERS], moved, [issuer], {})
    assert [fault.contract for fault in refusal.value.faults] == ["customer.customers.v1"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "treadle-guard-hop"},
        {"name": "treadle-drift"},
        {"name": "collector"},
        {"name": "orders-api--candidate"},
        {"spiffe_id": "spiffe://acme.treadle/gateway/gateway", "upstream": "https://customers.internal"},
        {"spiffe_id": "spiffe://acme.treadle/node/edge", "upstream": "https://customers.internal"},
    ],
)
def test_no_service_passes_for_a_part_of_the_gateway(settings, issuer, other):
    posing = replace(settings, services=(replace(settings.services[0], **other),))
    with pytest.raises(InvalidGatewayError) as refusal:
        build([CUSTOMERS], posing, [issuer], {})
    assert [fault.contract for fault in refusal.value.faults] == ["customer.customers.v1"]


def test_every_contract_that_nothing_runs_is_named(settings, issuer):
    orphan = replace(CUSTOMERS, id="sales.orders.v1", domain="sales")
    twice = (*settings.services, Service("again", "customer.customers.v1", "http://127.0.0.1:1", HERE))
    with pytest.raises(InvalidGatewayError) as refusal:
        build([CUSTOMERS, orphan], replace(settings, services=twice), [issuer], {})
    assert [fault.contract for fault in refusal.value.faults] == ["customer.customers.v1", "sales.orders.v1"]


def test_an_unknown_tier_blames_no_contract(settings, issuer):
    strange = {"x": Consumer("x", "o", "platinum", Place("treadle.yaml", 7))}
    with pytest.raises(InvalidGatewayError, match=r"treadle\.yaml:7:1: consumer x has the unknown tier platinum"):
        build([], replace(settings, consumers=strange), [issuer], {})


def test_event_contracts_are_passed_over(settings, issuer):
    assert build([replace(CUSTOMERS, kind=Kind.ASYNCAPI)], settings, [issuer], {}).apis == ()


@pytest.mark.parametrize(("required", "needed"), [(True, True), (False, False), (None, True)])
def test_a_key_is_needed_unless_the_contract_says_it_is_optional(settings, issuer, required, needed):
    declared = [] if required is None else [Parameter("Idempotency-Key", "header", required, {"type": "string"}, HERE)]
    create = replace(LIST, method="POST", idempotency_key=True, parameters=tuple(declared))
    (api,) = build([replace(CUSTOMERS, operations=(create,))], settings, [issuer], {}).apis
    assert api.routes[0].idempotency_key is needed
