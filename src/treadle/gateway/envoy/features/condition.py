"""Conditions: what an operation asks of the claims of a token beyond scopes, as an expression in CEL.

The engine parses and evaluates it, in time linear in its size (it has no loops there); one that fails, as over a claim
that is missing, is not met. The outcome is noted for `authz`, which refuses.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.condition import over
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import CONDITION, JWT_FILTER, extension, typed
from treadle.gateway.ir import Gateway, Route

_FILTER = "condition"
_TYPE = "extensions.filters.http.set_filter_state.v3.Config"
_CLAIMS = f"metadata.filter_metadata['{JWT_FILTER}']['jwt']"


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(_FILTER, _TYPE)


def _route(route: Route) -> Json:
    if route.public or not route.access.condition:
        return {}
    note = {
        "object_key": CONDITION,
        "factory_key": "envoy.string",
        "format_string": {
            "text_format_source": {"inline_string": f"%CEL({over(route.access.condition, _CLAIMS)})%"},
            "omit_empty_values": True,
        },
        "skip_if_empty": True,
    }
    return {"typed_per_filter_config": {_FILTER: typed(_TYPE, on_request_headers=[note])}}


FEATURE = Feature("condition", on_demand=True, http_filter=_http_filter, route=_route)
