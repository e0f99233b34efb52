"""Trace: every call continues its caller's W3C trace, or begins one, and every answer says which.

The span is Envoy's own; the fact of the call is made from the access log, so nothing is exported. The tracer
insists on an exporter: it gets a cluster without endpoints, and it never flushes before the process ends.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway

_NOWHERE = "no-collector"
_NEVER = 1_000_000_000


def _bootstrap(_: Gateway, _node: NodeSettings) -> Json:
    quiet = {"min_flush_spans": _NEVER, "flush_interval_ms": _NEVER}
    cluster = {
        "name": _NOWHERE,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": _NOWHERE},
    }
    return {
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {"tracing": {"opentelemetry": quiet}}}]},
        "static_resources": {"clusters": [cluster]},
    }


def _manager(_: Gateway, node: NodeSettings) -> Json:
    collector = {"http_uri": {"uri": f"http://{_NOWHERE}/", "cluster": _NOWHERE, "timeout": "1s"}}
    provider = extension(
        "envoy.tracers.opentelemetry",
        "config.trace.v3.OpenTelemetryConfig",
        service_name=node.name,
        http_service=collector,
        max_cache_size=1,
    )
    return {"tracing": {"random_sampling": {"value": 100}, "spawn_upstream_span": False, "provider": provider}}


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    # The caller's traceparent is kept for the access log: before the call goes out, Envoy writes its own span over it.
    keep = {
        "object_key": "treadle.caller",
        "factory_key": "envoy.string",
        "format_string": {
            "text_format_source": {"inline_string": "%REQ(TRACEPARENT)%"},
            "omit_empty_values": True,
        },
        "skip_if_empty": True,
    }
    return extension("caller", "extensions.filters.http.set_filter_state.v3.Config", on_request_headers=[keep])


def _table(_: Gateway) -> Json:
    value = "%TRACE_ID%"
    return {
        "response_headers_to_add": [
            {"header": {"key": "x-trace-id", "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        ],
        "request_headers_to_add": [
            {"header": {"key": "x-treadle-trace-id", "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        ],
    }


FEATURE = Feature("trace", bootstrap=_bootstrap, manager=_manager, http_filter=_http_filter, table=_table)
