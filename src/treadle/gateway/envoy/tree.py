"""The route tree: which route answers a path. Its cost does not grow with the number of operations.

Envoy picks the group with the longest static prefix of the raw `:path` (which includes the query string), then
walks that group: the templates that can match there, most specific first; of each template the operations, then
405; at last 404. A template whose own prefix is shorter is repeated in the longer groups, so that the choice of
a group never hides it.

Some servers drop what follows a `;` in a segment before they look for an operation (path parameters, RFC 3986 section
3.3), so `/customers/search;x` would be another customer here and a search there. Where a template with a parameter
stands beside a literal one, what could be the literal one so written is of no operation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from treadle.contract.model import Json
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import Route, literal, pattern, shape


@dataclass(frozen=True, slots=True)
class Leaf:
    """One operation and its compiled routes, in order."""

    route: Route
    compiled: list[Json]


def path_match(template: str) -> Json:
    """A match of the whole path and nothing else; Envoy leaves the query string out of both kinds."""
    return {"safe_regex": {"regex": pattern(template)}} if "{" in template else {"path": template}


def grow(
    leaves: Iterable[Leaf],
    not_allowed: Callable[[tuple[Route, ...]], Json],
    not_found: Json,
    before: Callable[[tuple[Route, ...]], list[Json]] = lambda _: [],
) -> Json:
    """The matcher of a virtual host.

    `not_allowed` makes the 405 route of the operations on one template, `before` those that go before all of them.
    """
    shapes: defaultdict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        shapes[shape(leaf.route.template)].append(leaf)
    groups: defaultdict[str, list[tuple[tuple[str, ...], list[Json]]]] = defaultdict(list)
    ambiguous = _ambiguous(frozenset(shapes))
    for key, members in shapes.items():
        here = tuple(leaf.route for leaf in members)
        operations = [route for leaf in members for route in leaf.compiled]
        nowhere = [not_found | {"match": {"safe_regex": {"regex": each}}} for each in ambiguous.get(key, ())]
        routes = [*nowhere, *before(here), *operations, not_allowed(here)]
        groups[literal(members[0].route.template)].append((_rank(key), routes))
    on_no_match = {"action": {"name": "not-found", "typed_config": typed("config.route.v3.Route", **not_found)}}
    if not groups:
        return {"on_no_match": on_no_match}
    tree = {prefix: _group(prefix, groups, not_found) for prefix in sorted(groups)}
    path = typed("type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":path")
    return {
        "matcher_tree": {"input": {"name": "path", "typed_config": path}, "prefix_match_map": {"map": tree}},
        "on_no_match": on_no_match,
    }


def _group(prefix: str, groups: dict[str, list[tuple[tuple[str, ...], list[Json]]]], not_found: Json) -> Json:
    # A shorter prefix matters only where a parameter follows it: a static template is its prefix and ends there.
    shorter = (prefix[:end] for end in range(1, len(prefix)) if prefix[:end] in groups)
    found = [*groups[prefix], *(each for other in shorter for each in groups[other] if "{}" in "/".join(each[0]))]
    routes = [route for _, routes in sorted(found, key=lambda each: each[0]) for route in routes]
    group = typed("config.route.v3.RouteList", routes=[*routes, not_found])
    return {"action": {"name": prefix, "typed_config": group}}


@dataclass(slots=True)
class _Node:
    """Templates by their segments."""

    below: dict[str, _Node] = field(default_factory=dict)
    key: str = ""


@lru_cache(maxsize=16)
def _ambiguous(keys: frozenset[str]) -> Mapping[str, Sequence[str]]:
    """For each shape, expressions of the more literal ones that it would take for its own if they had a `;`."""
    root = _Node()
    for key in keys:
        node = root
        for part in key.split("/"):
            node = node.below.setdefault(part, _Node())
        node.key = key
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        for other in _wider(root, key.split("/")):
            if other != key:
                found[other].append("/".join(map(_with_parameters, key.split("/"))))
    return found


def _wider(root: _Node, parts: Sequence[str]) -> list[str]:
    """Shapes that have a parameter where this one has one or a literal, and are the same elsewhere."""
    nodes = [root]
    for part in parts:  # level by level: a template may have more segments than a stack has frames
        nodes = [below for node in nodes for each, below in node.below.items() if each == part or "{}" in each]
    return [node.key for node in nodes if node.key]


def _with_parameters(part: str) -> str:
    segment = "[^/]+".join(map(re.escape, part.split("{}")))
    return segment if not part or "{}" in part else f"{segment}(?:;[^/]*)?"


def _rank(key: str) -> tuple[str, ...]:
    """Sorts templates so that of two that match one path, the one with the earlier literal segment comes first.

    OpenAPI 3.1, Paths Object: "concrete (non-templated) paths would be matched before their templated
    counterparts". `{` sorts behind every character that a path may hold, but `~`, which is mapped below it.
    """
    return tuple(part.replace("~", "!") for part in key.split("/"))
