"""Hardening: what is normalised, bounded or refused before anything else looks at a request.

Escaped slashes and header names with underscores are refused, since an upstream may read them differently than
the gateway does; dot segments and double slashes are resolved first, so that one path has one meaning. Which paths are
refused after that stands in `plain_path`.

A caller has no say in how a call is sent, nor in what it is: headers by which Envoy would be told of retries and
timeouts are gone, and those by which some frameworks let a header overrule method, path or host of the request that was
checked. In the other direction an upstream tells the caller nothing of Envoy.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway

_CONNECTIONS_MAX = 10_000
_OVERRULING = (
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-host",
    "forwarded",
    "x-real-ip",
    "proxy-authorization",
)
"""Whatever of these is true is said by the request itself, or by X-Forwarded-For and -Proto, which Envoy writes."""
_TOLD = (
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-overloaded",
    "x-envoy-ratelimited",
    "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time",
)


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
    mutation = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    gone = [
        {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}},
        # Who calls, and what our own filters say to each other.
        {"remove_on_match": {"key_matcher": {"prefix": "x-treadle-"}}},
        *({"remove": name} for name in _OVERRULING),
    ]
    return {
        "early_header_mutation_extensions": [extension("overruling-headers", mutation, mutations=gone)],
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


def _table(_: Gateway) -> Json:
    return {
        "request_headers_to_remove": ["x-envoy-external-address", "x-envoy-internal"],
        "response_headers_to_remove": list(_TOLD),
    }


FEATURE = Feature("hardening", bootstrap=_bootstrap, listener=_listener, manager=_manager, table=_table)
