"""Drift: a share of answers is copied, as it leaves the upstream, to a process that holds it against the contract.

The answer itself is looked at and not a second one: nothing is asked twice, and writes are seen too. Nothing waits for
the copy. The share is drawn before the script is made for a call, so a call that is not drawn pays for the draw alone.
A body is passed on piece by piece while it is copied; of one that is too large only status and headers are looked at.
What the gateway answers itself in a service's place (502, 503, 504) and what our own doors say is no answer of a
service. A stream has no end to wait for, and is left out.
"""

from __future__ import annotations

from treadle.contract.model import Json, Streaming
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Gateway, Route

_FILTER = "drift"
_CLUSTER = "treadle-drift"
_SAMPLE = "sample"
_COMPOSITE = "extensions.filters.http.composite.v3."
_BODY_MAX = 131_072
_AT_ONCE = 16
_SCRIPT = f"""
local skipped = {{["502"] = true, ["503"] = true, ["504"] = true}}
function envoy_on_response(handle)
  local headers = handle:headers()
  local status = headers:get(":status") or ""
  if skipped[status] then return end
  local route = handle:metadata()
  -- Words of the hop; from anybody else they would keep an answer from being looked at.
  if route:get("guarded") and (headers:get("x-treadle-code") or headers:get("idempotency-replayed")) then return end
  local operation = route:get("operation") or ""
  local message = {{
    [":method"] = "POST", [":path"] = "/", [":authority"] = "drift",
    ["x-drift-operation"] = operation,
    ["x-drift-status"] = status,
    ["x-drift-media"] = headers:get("content-type") or "",
    ["x-drift-encoding"] = headers:get("content-encoding") or "",
    ["x-drift-trace"] = headers:get("x-trace-id") or ""
  }}
  local names, length = {{}}, 0
  for name, _ in pairs(headers) do
    length = length + #name + 1
    if length < 4096 then names[#names + 1] = name end
  end
  message["x-drift-names"] = table.concat(names, " ")
  local body, size = {{}}, 0
  for chunk in handle:bodyChunks() do
    local part = chunk:length()
    size = size + part
    if size > {_BODY_MAX} then
      body = {{}}
      message["x-drift-cut"] = "1"
      break
    end
    if part > 0 then body[#body + 1] = chunk:getBytes(0, part) end
  end
  handle:httpCall("{_CLUSTER}", message, table.concat(body), 1000, true)
end
"""


def _bootstrap(_: Gateway, node: NodeSettings) -> Json:
    pipe = {"endpoint": {"address": {"pipe": {"path": node.drift}}}}
    # What is too much for the process is dropped here.
    few = {"max_connections": 2, "max_pending_requests": _AT_ONCE, "max_requests": _AT_ONCE, "max_retries": 0}
    cluster = {
        "name": _CLUSTER,
        "type": "STATIC",
        "connect_timeout": "0.25s",
        "circuit_breakers": {"thresholds": [few]},
        "load_assignment": {"cluster_name": _CLUSTER, "endpoints": [{"lb_endpoints": [pipe]}]},
    }
    return {"static_resources": {"clusters": [cluster]}}


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    script = extension(_FILTER, "extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": _SCRIPT})
    chains = {_SAMPLE: {"typed_config": [script]}}
    return extension(
        _FILTER,
        "extensions.common.matching.v3.ExtensionWithMatcher",
        extension_config=extension("composite", f"{_COMPOSITE}Composite", named_filter_chains=chains),
        xds_matcher={"on_no_match": {"action": _skip()}},
    )


def _skip() -> Json:
    return extension("skip", "extensions.filters.common.matcher.action.v3.SkipFilter")


def _route(route: Route) -> Json:
    if not (route.drift_percent and route.responses) or route.streaming is not Streaming.NONE:
        return {}
    share = {"numerator": round(route.drift_percent * 10_000), "denominator": "MILLION"}
    drawn = extension(
        "composite-action",
        f"{_COMPOSITE}ExecuteFilterAction",
        filter_chain_name=_SAMPLE,
        sample_percent={"default_value": share},
    )
    per_route = typed(
        "extensions.common.matching.v3.ExtensionWithMatcherPerRoute", xds_matcher={"on_no_match": {"action": drawn}}
    )
    return {
        "typed_per_filter_config": {_FILTER: per_route},
        "metadata": {
            "filter_metadata": {_FILTER: {"operation": route.key} | ({"guarded": True} if route.guard else {})}
        },
    }


FEATURE = Feature("drift", on_demand=True, bootstrap=_bootstrap, http_filter=_http_filter, route=_route)
