"""Calls that are not as the contract says, at a real Envoy: refused once the caller is known, before the upstream."""

import asyncio

import httpx
import pytest
from tests.gateway.conftest import route, world

from treadle.contract.model import Enforcement, Enforcements
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.envoy.expression import size
from treadle.gateway.envoy.features.checks import unchecked
from treadle.gateway.envoy.scalar import SIZE_MAX, text_of
from treadle.gateway.ir import ParameterRule
from treadle.gateway.logs import fact_of
from treadle.gateway.refusals import VIOLATES

LIMIT = ParameterRule("limit", "query", False, {"type": "integer", "minimum": 1, "maximum": 200})
SORT = ParameterRule("sort", "query", False, {"type": "string", "enum": ["name", "-name"]})
CODE = ParameterRule("filter[code]", "query", False, {"type": "string", "pattern": "^[A-Z]{2}$"})
TEXT = ParameterRule("q", "query", False, {"type": "string", "maxLength": 200})
TAGS = ParameterRule("tag", "query", False, {"type": "array", "items": {"type": "string"}})
REGION = ParameterRule("region", "query", True, {"type": "string", "minLength": 2})
ITEM = ParameterRule("itemId", "path", True, {"type": "string", "pattern": "^I-[0-9]{1,6}$"})
KIND = ParameterRule("X-Kind", "header", False, {"type": "string", "enum": ["a", "b"]})


def checked(operation, template, *rules, **other):
    return route(operation, "GET", template, checks=rules, **other)


LIST = checked("listItems", "/v1/items", LIMIT, SORT, CODE, TEXT, TAGS, KIND)
WATCHED = {"enforcement": Enforcements.all(Enforcement.OBSERVE)}
ROUTES = (
    LIST,
    checked("getItem", "/v1/items/{itemId}", ITEM),
    checked("getPart", "/v1/items/{itemId}/parts/{partId}", ITEM),
    checked("regional", "/v1/regional", REGION),
    checked("open", "/v1/open", LIMIT, public=True, scopes=()),
    checked("watched", "/v1/watched", LIMIT, **WATCHED),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with world(tmp_path_factory.mktemp("checks")) as it:
        it.push(it.gateway(*ROUTES))
        yield it


@pytest.fixture(scope="module")
def call(node):
    """A call of a known caller with this path and query, exactly as written: the status and the body."""
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:

        def ask(target, **headers):
            url = httpx.URL(node.url).copy_with(raw_path=target.encode())
            answer = client.get(url, headers=node.bearer() | headers)
            return answer.status_code, answer.json()

        yield ask


@pytest.mark.parametrize(
    "target",
    [
        "/v1/items",
        "/v1/items?",
        "/v1/items?limit=1",
        "/v1/items?limit=200&sort=-name",
        "/v1/items?limit=%320",
        "/v1/items?l%69mit=20",
        "/v1/items?limits=x&xlimit=x&lim=x",
        "/v1/items?other=%26limit=x",
        "/v1/items?other=%3Flimit%3Dx",
        "/v1/items?tag=a&tag=b",
        "/v1/items?filter%5Bcode%5D=AB&filter[other]=x",
        "/v1/items?q=",
        "/v1/items?q",
        f"/v1/items?q={'%C3%A9' * 200}",
        f"/v1/items?q={'a' * 200}",
        "/v1/items/I-1",
        "/v1/items/%49-1?x=1",
        "/v1/items/I-12/parts/any%20thing",
        "/v1/regional?region=eu",
        "/v1/regional?a=b&region=%65u",
    ],
)
def test_what_the_contract_allows_passes_as_it_came(node, call, target):
    status, body = call(target)
    assert status == 200
    assert body["path"].rpartition("?")[2] == target.rpartition("?")[2]


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("/v1/items?limit=bad", "query:limit"),
        ("/v1/items?limit=0", "query:limit"),
        ("/v1/items?limit=201", "query:limit"),
        ("/v1/items?limit=", "query:limit"),
        ("/v1/items?limit", "query:limit"),
        ("/v1/items?limit=+5", "query:limit"),
        ("/v1/items?limit=5+", "query:limit"),
        ("/v1/items?limit=%2B5", "query:limit"),
        ("/v1/items?limit=1.0", "query:limit"),
        ("/v1/items?limit=%31%30%30%30", "query:limit"),
        ("/v1/items?lim%69t=bad", "query:limit"),
        ("/v1/items?%6c%69%6D%69%74=bad", "query:limit"),
        ("/v1/items?a=b&limit=bad&c=d", "query:limit"),
        ("/v1/items?limit=1&limit=x", "query:limit"),
        ("/v1/items?limit=1&limit=2", "query:limit"),
        ("/v1/items?limit=x&limit=1", "query:limit"),
        ("/v1/items?limit=1&a=b&l%69mit=x", "query:limit"),
        ("/v1/items?limit=1&limit", "query:limit"),
        ("/v1/items?&&limit=x", "query:limit"),
        ("/v1/items??&limit=x", "query:limit"),
        ("/v1/items?limit=1%00", "query:limit"),
        ("/v1/items?limit=1%0a", "query:limit"),
        ("/v1/items?limit=1%zz", "query:limit"),
        ("/v1/items?sort=Name", "query:sort"),
        ("/v1/items?sort=name%20", "query:sort"),
        ("/v1/items?filter%5Bcode%5D=ab", "query:filter[code]"),
        ("/v1/items?filter[code]=ab", "query:filter[code]"),
        (f"/v1/items?q={'a' * 201}", "query:q"),
        (f"/v1/items?q={'%C3%A9' * 201}", "query:q"),
        ("/v1/items/X", "path:itemId"),
        ("/v1/items/I-1234567", "path:itemId"),
        ("/v1/items/I%2D1%41", "path:itemId"),
        ("/v1/items/i-1/parts/x", "path:itemId"),
        ("/v1/regional", "query:region"),
        ("/v1/regional?region=e", "query:region"),
        ("/v1/regional?regions=eu", "query:region"),
    ],
)
def test_what_it_does_not_allow_reaches_no_upstream(node, call, target, rule):
    before = len(node.upstream.seen)
    status, body = call(target)
    assert (status, body["code"]) == (400, "CONTRACT_VIOLATION")
    assert body["details"]["reason"] == f"rbac_access_denied_matched_policy[{VIOLATES}:{rule}]"
    assert len(node.upstream.seen) == before


def test_a_header_is_checked_where_it_is_there(call):
    assert call("/v1/items")[0] == 200
    assert call("/v1/items", **{"x-kind": "b"})[0] == 200
    status, body = call("/v1/items", **{"x-kind": "c"})
    assert (status, body["code"]) == (400, "CONTRACT_VIOLATION")
    assert body["details"]["reason"].endswith("header:X-Kind]")


def test_bytes_that_are_no_text_hide_nothing(node):
    """Beyond what RFC 3986 allows in an address; what stands after them must not go unseen."""
    token = node.token()
    for raw in (b"\xff", b"\xc3\xa9", b"\x80\x80"):
        before = len(node.upstream.seen)
        head = b"GET /v1/items?x=" + raw + b"&limit=bad HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + token.encode()
        answer = asyncio.run(_raw(node.node.port, head + b"\r\nconnection: close\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
        assert len(node.upstream.seen) == before


async def _raw(port, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def test_a_stranger_learns_nothing_of_the_contract(node):
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        answer = client.get("/v1/items?limit=bad")
        assert answer.status_code == 401
        answer = client.get("/v1/items?limit=bad", headers=node.bearer("nobody"))
        assert answer.status_code == 403
        answer = client.get("/v1/open?limit=bad")
        assert (answer.status_code, answer.json()["code"]) == (400, "CONTRACT_VIOLATION")


def test_the_fact_has_the_code_of_the_envelope(node, call):
    _, body = call("/v1/items?limit=bad")
    fact = fact_of(node.line_of(body["traceId"]))
    assert (fact.outcome, fact.code, fact.status) == ("refused", "CONTRACT_VIOLATION", 400)
    assert "query:limit" in fact.detail
    assert "bad" not in fact.detail


def test_where_a_contract_only_watches_the_call_passes_and_is_noted(node):
    seen = {}
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        for target in ("/v1/watched?limit=bad", "/v1/watched?limit=1"):
            answer = client.get(target, headers=node.bearer())
            assert answer.status_code == 200
            seen[target] = fact_of(node.line_of(answer.headers["x-trace-id"])).observed
    assert seen == {"/v1/watched?limit=bad": "CONTRACT_VIOLATION", "/v1/watched?limit=1": ""}


def test_what_is_not_checked_is_said():
    assert unchecked(LIST) == ("query tag: array",)
    shared = checked("pair", "/v1/{a}-{b}", ParameterRule("a", "path", True, {"type": "integer"}))
    assert unchecked(shared) == ("path a: it shares its segment with another parameter",)
    size = checked("size", "/v1/size", ParameterRule("größe", "query", True, {"type": "integer"}))
    assert unchecked(size) == ("query größe: its name is not ASCII",)
    cookie = checked("cookie", "/v1/cookie", ParameterRule("session", "cookie", True, {"type": "integer"}))
    assert unchecked(cookie) == ("cookie session: cookies are not read",)


def test_the_largest_expressions_are_within_what_the_engine_takes(node):
    """Whatever is just small enough to be compiled must pass its judgement; else one contract would lose its routes."""
    rules, largest = [], 0
    for character in (".", "[a-zA-Z0-9_]", r"\S", "[!#$&-;=?-Z_a-z~]", "(?:[a-c]|é)", "[aceg]"):
        fitting = 0
        for count in range(10, 500, 10):
            schema = {"type": "string", "pattern": f"^{character}{{0,{count}}}$"}
            if one := text_of(schema).fits:
                fitting, largest = count, max(largest, size(one[0]))
        assert fitting, character
        for where in ("query", "header"):
            name = f"p{len(rules)}"
            rules.append(
                ParameterRule(name, where, False, {"type": "string", "pattern": f"^{character}{{0,{fitting}}}$"})
            )
    assert SIZE_MAX * 0.9 < largest <= SIZE_MAX
    node.engine.validate(compile_gateway(node.gateway(checked("large", "/v1/large", *rules)), node.node))


def test_names_mean_themselves(node, call):
    """A name is no expression; what would be one matches only itself."""
    odd = ParameterRule("a.b|c", "query", True, {"type": "integer"})
    node.push(node.gateway(*ROUTES, checked("odd", "/v1/odd.x", odd)))
    assert call("/v1/odd.x?a.b%7Cc=1")[0] == 200
    assert call("/v1/odd.x?a.b|c=1")[0] == 200
    for target in ("/v1/odd.x?aXb|c=1", "/v1/odd.x?c=1", "/v1/odd.x?a.b=1"):
        assert call(target)[0] == 400
