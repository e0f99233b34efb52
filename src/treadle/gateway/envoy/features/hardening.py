"""Hardening: what is normalised, bounded or refused before anything else looks at a request.

Escaped slashes and header names with underscores are refused, since an upstream may read them differently than
the gateway does; dot segments and double slashes are resolved first, so that one path has one meaning.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway

_CONNECTIONS_MAX = 10_000


def _bootstrap(_: Gateway, _node: NodeSettings) -> Json:
    monitor = extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=_CONNECTIONS_MAX,
    )
    return {"overload_manager": {"resource_monitors": [monitor]}}


def _listener(_: Gateway, _node: NodeSettings) -> Json:
    # Without reuse_port a second process on the same port fails at once instead of taking half of the calls.
    return {"per_connection_buffer_limit_bytes": 32_768, "enable_reuse_port": False}


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    return {
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "strip_any_host_port": True,
        "strip_trailing_host_dot": True,
        "common_http_protocol_options": {
            "idle_timeout": "60s",
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": 64,
            "max_requests_per_connection": 10_000,
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        },
        "max_request_headers_kb": 32,
        "server_header_transformation": "OVERWRITE",
        "server_name": "treadle",
    }


FEATURE = Feature("hardening", bootstrap=_bootstrap, listener=_listener, manager=_manager)
