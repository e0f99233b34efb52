"""CORS: which pages of a browser may call, and read what is answered. From the contract, and from nowhere else.

A preflight carries no token and is answered here, with the methods of its template. It is told apart from an OPTIONS
operation of a contract by its headers (https://fetch.spec.whatwg.org/#http-cors-protocol). Refusals say the same as
answers do, so that a page can read why it was refused; an origin that may not call is told nothing. What is answered
without an upstream being chosen, 404, 405 and 410, no page can read: Envoy's filter passes such routes over.
"""

from __future__ import annotations

from collections.abc import Iterable

from treadle.contract.model import Cors, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Gateway, Route

_FILTER = "envoy.filters.http.cors"
_ASKED = ("authorization", "content-type", "idempotency-key", "traceparent", "tracestate")
"""What every caller of the gateway may send."""
_TOLD = (
    "deprecation",
    "idempotency-replayed",
    "link",
    "retry-after",
    "sunset",
    "treadle-warning",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-trace-id",
)
"""What the gateway itself tells, and a page may read."""
_UPSTREAMS = ("allow-origin", "allow-credentials", "allow-methods", "allow-headers", "expose-headers", "max-age")
_VARY = {"header": {"key": "vary", "value": "origin"}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(_FILTER, "extensions.filters.http.cors.v3.Cors")


def _route(route: Route) -> Json:
    if not route.cors:
        return {}
    # An upstream that says something else would be obeyed by the browser.
    told = {"response_headers_to_remove": [f"access-control-{each}" for each in _UPSTREAMS]}
    return _policy(route.cors, ()) | told


def _before(routes: tuple[Route, ...]) -> list[tuple[Json, Json]]:
    """The preflight of a template: the filter answers those who may call, and what it passes on is forbidden."""
    allowed = [route for route in routes if route.cors]
    if not allowed or not allowed[0].cors:
        return []
    asks = [
        {"name": ":method", "string_match": {"exact": "OPTIONS"}},
        {"name": "origin", "present_match": True},
        {"name": "access-control-request-method", "present_match": True},
    ]
    fields = _policy(allowed[0].cors, {route.method for route in allowed}) | {"name": "preflight"}
    return [({"headers": asks}, fields)]


def _policy(cors: Cors, methods: Iterable[str]) -> Json:
    policy = typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in cors.origins],
        allow_methods=", ".join(sorted(methods)),
        allow_headers=_names(_ASKED, cors.headers),
        expose_headers=_names(_TOLD, cors.expose),
        max_age=str(cors.max_age_s),
        allow_credentials=cors.credentials,
    )
    # What is answered depends on who asks, whether that one may or not: a cache must not give one the other's.
    return {"typed_per_filter_config": {_FILTER: policy}, "response_headers_to_add": [_VARY]}


def _names(ours: Iterable[str], theirs: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys([*ours, *(name.lower() for name in theirs)]))


FEATURE = Feature("cors", on_demand=True, http_filter=_http_filter, route=_route, before=_before)
