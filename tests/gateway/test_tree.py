"""The route tree answers as OpenAPI says, whatever the templates are."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from treadle.gateway.envoy.tree import Leaf, grow, path_match
from treadle.gateway.ir import Route, shape

ROUTE = Route("", "GET", "/", "up", 1, True, (), None, False, 1, "a.b.v1", "a", "a.b.v1@1")
NOT_FOUND = {"name": "404", "match": {"prefix": "/"}}


def leaf(method, template):
    route = replace(ROUTE, method=method, template=template)
    match = {**path_match(template), "headers": [{"name": ":method", "string_match": {"exact": method}}]}
    return Leaf(route, [{"name": f"{method} {shape(template)}", "match": match}])


def not_allowed(routes):
    return {"name": f"405 {shape(routes[0].template)}", "match": path_match(routes[0].template)}


def answer(tree, method, raw):
    """What Envoy does with a tree: the longest prefix of the raw path, then the first route that matches."""
    groups = tree.get("matcher_tree", {}).get("prefix_match_map", {}).get("map", {})
    prefix = max((key for key in groups if raw.startswith(key)), key=len, default=None)
    if prefix is None:
        return tree["on_no_match"]["action"]["typed_config"]["name"]
    path = raw.partition("?")[0]
    for route in groups[prefix]["action"]["typed_config"]["routes"]:
        match = route["match"]
        here = (
            path == match["path"]
            if "path" in match
            else bool(re.fullmatch(match["safe_regex"]["regex"], path))
            if "safe_regex" in match
            else True
        )
        if here and all(header["string_match"]["exact"] == method for header in match.get("headers", [])):
            return route["name"]
    raise AssertionError("a group always ends with 404")


def simple(leaves, method, raw):
    """The same, without a tree: the most concrete template that matches the path, then the method."""
    path = raw.partition("?")[0]
    shapes = {shape(each.route.template) for each in leaves}
    fits = [key for key in shapes if re.fullmatch("[^/]+".join(map(re.escape, key.split("{}"))), path)]
    if not fits:
        return "404"
    best = min(fits, key=lambda key: [part == "{}" for part in key.split("/")])
    names = {each.compiled[0]["name"] for each in leaves}
    return f"{method} {best}" if f"{method} {best}" in names else f"405 {best}"


segment = st.sampled_from(["a", "b", "ab", "{x}", "~"])
templates = st.lists(segment, min_size=1, max_size=4).map(lambda parts: "/v1/" + "/".join(parts))
paths = st.lists(st.sampled_from(["a", "b", "ab", "c", "~", ""]), min_size=0, max_size=5).map("/".join)


@given(
    st.lists(st.tuples(st.sampled_from(["GET", "PUT"]), templates), max_size=8),
    st.sampled_from(["GET", "PUT", "HEAD"]),
    paths,
    st.sampled_from(["", "?", "?q=/v1/a", "?q=1/../b"]),
)
def test_the_tree_answers_as_the_plain_reading_does(operations, method, path, query):
    unique = {(each, shape(template)): template for each, template in operations}
    leaves = [leaf(each, template) for (each, _), template in unique.items()]
    tree = grow(leaves, not_allowed, NOT_FOUND)
    raw = f"/v1/{path}{query}"
    assert answer(tree, method, raw) == simple(leaves, method, raw)


def test_a_collection_its_items_and_a_query_are_told_apart():
    leaves = [leaf("GET", "/v1/customers"), leaf("GET", "/v1/customers/{id}"), leaf("PUT", "/v1/customers/{id}")]
    tree = grow(leaves, not_allowed, NOT_FOUND)
    assert answer(tree, "GET", "/v1/customers?after=/v1/customers/7") == "GET /v1/customers"
    assert answer(tree, "GET", "/v1/customers/7?x=1") == "GET /v1/customers/{}"
    assert answer(tree, "PUT", "/v1/customers") == "405 /v1/customers"
    assert answer(tree, "GET", "/v1/customers/") == "404"
    assert answer(tree, "GET", "/v1/customers/7/orders") == "404"
    assert answer(tree, "GET", "/v1/customersX") == "404"


def test_a_template_with_a_shorter_prefix_is_not_hidden_by_a_longer_one():
    tree = grow([leaf("GET", "/v1/customers/{id}"), leaf("GET", "/v1/{kind}/{id}/notes")], not_allowed, NOT_FOUND)
    assert answer(tree, "GET", "/v1/customers/7/notes") == "GET /v1/{}/{}/notes"


def test_what_some_servers_drop_leads_to_no_operation():
    templates = ("/v1/a/{x}", "/v1/a/b", "/v1/a/{x}/c", "/v1/a/b/c", "/v1/{x}/{y}/{z}", "/v1/only/{x}/{y}")
    tree = grow([leaf("GET", each) for each in templates], not_allowed, NOT_FOUND)
    for path in (
        "/v1/a/b;",
        "/v1/a/b;x=1",
        "/v1/a/b;x/c",
        "/v1/a/b/c;x",
        "/v1/a;x/b/c",
        "/v1/a/7/c;x",
        "/v1/only;x/7/8",
    ):
        assert answer(tree, "GET", path) == "404", path
    for path, fits in (("/v1/a/7;x", "/v1/a/{}"), ("/v1/a/7;x/c", "/v1/a/{}/c"), ("/v1/only/7;x/8", "/v1/only/{}/{}")):
        assert answer(tree, "GET", path) == f"GET {fits}", path
    for path in ("/v1/a/b", "/v1/a/b/c"):
        assert answer(tree, "GET", path) == f"GET {path}"
