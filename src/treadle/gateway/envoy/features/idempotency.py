"""Idempotency: an operation that is made safe to repeat by a key is refused without the key."""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import KEYLESS, extension, typed
from treadle.gateway.ir import Gateway, Route

_FILTER = "idempotency-key"


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(_FILTER, "extensions.filters.http.rbac.v3.RBAC")


def _route(route: Route) -> Json:
    if not route.idempotency_key:
        return {}
    absent = {"header": {"name": "idempotency-key", "present_match": True, "invert_match": True}}
    policy = {"permissions": [absent], "principals": [{"any": True}]}
    rules = {"action": "DENY", "policies": {KEYLESS: policy}}
    per_route = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac={"rules": rules})
    return {"typed_per_filter_config": {_FILTER: per_route}}


FEATURE = Feature("idempotency", on_demand=True, http_filter=_http_filter, route=_route)
