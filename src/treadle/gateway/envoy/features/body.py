"""Body limit: a request is held until its body is complete and refused with 413 where it grows too large.

Nothing is held for a call that the gateway answers itself: it would wait for the end of a body that nobody reads.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Gateway, Route

_NAME = "envoy.filters.http.buffer"


def _http_filter(_: Gateway, node: NodeSettings) -> Json:
    return extension(_NAME, "extensions.filters.http.buffer.v3.Buffer", max_request_bytes=node.body_bytes_max)


def _route(route: Route) -> Json:
    return _unmatched((route,)) if route.retired else {}


def _unmatched(_: tuple[Route, ...]) -> Json:
    off = typed("extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)
    return {"typed_per_filter_config": {_NAME: off}}


FEATURE = Feature("body", http_filter=_http_filter, route=_route, unmatched=_unmatched)
