"""Streaming: answers that stay open, and connections that change their protocol.

Only an operation whose contract describes `101` may change it, to WebSocket and nothing else. Its request has no end,
and so none is waited for.
"""

from __future__ import annotations

from treadle.contract.model import Json, Streaming
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import Route

_IDLE_S = 300
"""A stream in which nothing moves for so long is over; a heartbeat keeps it."""
_OPEN_S_MAX = 3_600
"""However lively: whoever comes back after an hour is asked for a token again."""


def _route(route: Route) -> Json:
    if route.streaming is not Streaming.UPGRADE:
        return {}
    off = typed("extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)
    return {"typed_per_filter_config": {"envoy.filters.http.buffer": off}}


def _forward(route: Route) -> Json:
    if route.streaming is Streaming.NONE:
        return {}
    patience = {
        "timeout": "0s",
        "idle_timeout": f"{_IDLE_S}s",
        "max_stream_duration": {"max_stream_duration": f"{_OPEN_S_MAX}s"},
    }
    if route.streaming is Streaming.UPGRADE:
        return {"route": patience | {"upgrade_configs": [{"upgrade_type": "websocket"}]}}
    return {"route": patience}


FEATURE = Feature("streaming", route=_route, forward=_forward)
