"""Pages of a browser: who may call, and that a page can read whatever it is answered. Through a real Envoy."""

from dataclasses import replace

import httpx
import pytest

from treadle.contract.model import Cors, Limit
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import InvalidGatewayError, faults

pytestmark = pytest.mark.engine
SHOP = "https://shop.example"
POLICY = Cors(
    (SHOP, "http://localhost:3000"), credentials=True, max_age_s=120, headers=("X-Shop",), expose=("X-Total",)
)


@pytest.fixture(scope="module")
def pages(running):
    """The usual contract, open to two origins, with an operation OPTIONS of its own."""
    (api,) = running.base.apis
    more = (running.route("describe", "OPTIONS", "/v1/described"), running.route("read", "GET", "/v1/described"))
    routes = tuple(replace(each, cors=POLICY) for each in (*api.routes, *more))
    running.push(replace(running.base, apis=(replace(api, routes=routes),)))
    yield running
    running.push(running.base)


@pytest.fixture
def browser(pages):
    with httpx.Client(base_url=pages.url, trust_env=False, timeout=10) as client:
        yield client


def preflight(client, path, method, origin=SHOP, **more):
    headers = {"origin": origin, "access-control-request-method": method, **more}
    return client.options(path, headers=headers)


def allowed(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-allow")}


def test_a_preflight_needs_no_token_and_reaches_nobody(pages, browser):
    before = len(pages.upstream.seen)
    answer = preflight(browser, "/v1/customers/7", "PUT", **{"access-control-request-headers": "authorization,x-shop"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == "GET, PUT"
    assert answer.headers["access-control-max-age"] == "120"
    assert {"authorization", "content-type", "idempotency-key", "x-shop"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )
    assert answer.content == b""
    assert len(pages.upstream.seen) == before


def test_a_preflight_takes_nothing_from_a_limit(browser):
    assert not [name for name in preflight(browser, "/v1/customers", "GET").headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.evil",
        "https://shop.example:444",
        "http://shop.example",
        "https://SHOP.example.",
        "https://xshop.example",
        "null",
        "",
        f"{SHOP}, {SHOP}",
        f"{SHOP}/",
        "*",
    ],
)
def test_another_origin_is_told_nothing(pages, browser, origin):
    before = len(pages.upstream.seen)
    answer = preflight(browser, "/v1/customers", "GET", origin)
    assert (answer.status_code, answer.json()["code"], allowed(answer)) == (403, "FORBIDDEN", {})
    assert len(pages.upstream.seen) == before
    read = browser.get("/v1/customers", headers=pages.bearer() | {"origin": origin})
    assert (read.status_code, allowed(read)) == (200, {})
    assert "origin" in read.headers["vary"].lower()


def test_a_page_reads_the_answer(pages, browser):
    answer = browser.get("/v1/customers", headers=pages.bearer() | {"origin": SHOP})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-credentials"] == "true"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-trace-id", "x-ratelimit-remaining", "retry-after", "deprecation", "x-total"} <= set(exposed)


def test_a_page_reads_every_refusal(pages, browser):
    origin = {"origin": SHOP}
    limited = [browser.get("/v1/customers/search", headers=pages.bearer() | origin) for _ in range(3)][-1]
    answers = {
        401: browser.get("/v1/customers", headers=origin),
        403: browser.get("/v1/customers", headers=pages.bearer("nobody") | origin),
        413: browser.post(
            "/v1/customers", headers=pages.bearer() | origin, content=b"x" * (pages.node.body_bytes_max + 1)
        ),
        429: limited,
        504: browser.get("/v1/customers/slow", headers=pages.bearer() | origin),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert answer.headers["access-control-allow-origin"] == SHOP, status
        assert answer.json()["traceId"] == answer.headers["x-trace-id"]


def test_a_refusal_at_the_edge_can_be_read_too(fresh):
    """A page that is throttled by its address must be able to say so."""
    (api,) = fresh.base.apis
    opened = replace(api, routes=tuple(replace(each, cors=POLICY) for each in api.routes))
    gateway = replace(fresh.base, apis=(opened,), edge_limit=Limit(1, 3600))
    fresh.stop()
    fresh.engine.prepare(compile_gateway(gateway, fresh.node))
    fresh.start()
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        answers = [client.get("/v1/public", headers={"origin": SHOP}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["access-control-allow-origin"] == SHOP


def test_an_operation_that_is_options_is_still_one(pages, browser):
    """A preflight is one by its headers, not by its method."""
    answer = browser.options("/v1/described", headers=pages.bearer())
    assert (answer.status_code, answer.json()["method"]) == (200, "OPTIONS")
    assert browser.options("/v1/described").status_code == 401
    assert browser.options("/v1/described", headers={"origin": SHOP}).status_code == 401
    before = len(pages.upstream.seen)
    asked = preflight(browser, "/v1/described", "GET")
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, SHOP)
    assert "GET" in asked.headers["access-control-allow-methods"]
    assert len(pages.upstream.seen) == before


def test_without_an_origin_nothing_is_added(pages, browser):
    answer = browser.get("/v1/customers", headers=pages.bearer())
    assert allowed(answer) == {}
    assert browser.options("/v1/customers").status_code == 405


def test_an_upstream_opens_nothing_that_the_contract_does_not(pages, browser):
    headers = pages.bearer() | {"origin": "https://evil.example"}
    answer = browser.get("/v1/customers/open", headers=headers)
    assert (answer.status_code, allowed(answer)) == (200, {})


def test_a_contract_without_cors_answers_no_preflight(fresh):
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        answer = preflight(client, "/v1/customers", "GET")
        assert (answer.status_code, allowed(answer)) == (405, {})
        assert allowed(client.get("/v1/public", headers={"origin": SHOP})) == {}


def test_every_origin_may_be_allowed(fresh):
    (api,) = fresh.base.apis
    opened = replace(api, routes=tuple(replace(each, cors=Cors(("*",))) for each in api.routes))
    fresh.push(replace(fresh.base, apis=(opened,)))
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        answer = client.get("/v1/public", headers={"origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] in {"*", "https://any.example"}
        assert "access-control-allow-credentials" not in answer.headers


def test_every_origin_with_credentials_is_no_promise(running):
    (api,) = running.base.apis
    anybody = tuple(replace(each, cors=Cors(("*",), credentials=True)) for each in api.routes)
    with pytest.raises(InvalidGatewayError, match="every origin, with credentials"):
        compile_gateway(replace(running.base, apis=(replace(api, routes=anybody),)), running.node)


def test_one_template_has_one_policy(running):
    (api,) = running.base.apis
    routes = (replace(api.routes[0], cors=POLICY), replace(api.routes[3], cors=Cors(("https://other.example",))))
    found = faults(replace(running.base, apis=(replace(api, routes=routes),)))
    assert [fault.contract for fault in found] == ["customer.customers.v1"]
    assert "preflight" in found[0].message
