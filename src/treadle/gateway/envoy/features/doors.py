"""Doors: what our own doors say of a refusal is noted for its fact, and goes no further than the gateway.

They answer with `x-treadle-code`, the code that is also in their envelope. The guard hop says in `x-treadle-observed`
with which code it would have refused a call that it only watched, and the way onward in `x-treadle-upstream` which
version of the service answered. Only the routes of the platform contract
listen, and those that lead through the guard hop: any other upstream could say there what it likes.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import DOOR_METADATA, extension, typed
from treadle.gateway.ir import PLATFORM, Gateway, Route

_FILTER = "door-code"
_TYPE = "extensions.filters.http.header_to_metadata.v3.Config"


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(_FILTER, _TYPE)


def _route(route: Route) -> Json:
    if route.contract != PLATFORM and not route.guard:
        return {}
    said = ("code", "observed", "upstream") if route.guard else ("code",)
    return {"typed_per_filter_config": {_FILTER: typed(_TYPE, response_rules=[_noted(each) for each in said])}}


def _noted(key: str) -> Json:
    noted = {"metadata_namespace": DOOR_METADATA, "key": key, "type": "STRING"}
    return {"header": f"x-treadle-{key}", "on_header_present": noted, "remove": True}


FEATURE = Feature("doors", on_demand=True, http_filter=_http_filter, route=_route)
