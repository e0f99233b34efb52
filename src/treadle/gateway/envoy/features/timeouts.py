"""Timeouts: how long a caller may take to ask, and the upstream to answer."""

from __future__ import annotations

from treadle.contract.model import Json, Streaming
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.ir import Gateway, Route

_IDLE_S = 30


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    return {"request_timeout": "15s", "request_headers_timeout": "5s", "stream_idle_timeout": f"{_IDLE_S}s"}


def _onward_manager(_: Gateway, _node: NodeSettings) -> Json:
    # The front has the caller's patience; what the hop asks for is bounded by each route.
    return {"stream_idle_timeout": "0s"}


def _forward(route: Route) -> Json:
    if route.streaming is not Streaming.NONE:  # it has no end to wait for
        return {}
    timeout_s = route.timeout_ms / 1_000
    fields: dict[str, Json] = {"timeout": f"{timeout_s:g}s"}
    if timeout_s >= _IDLE_S:  # an upstream that thinks for long is not an idle one
        fields["idle_timeout"] = f"{timeout_s + 1:g}s"
    return {"route": fields}


FEATURE = Feature("timeouts", manager=_manager, onward_manager=_onward_manager, forward=_forward)
