"""Trace: every call continues its caller's W3C trace, or begins one, and every answer says which.

The span is Envoy's own; the fact of the call is made from the access log, so nothing is exported. The tracer
insists on an exporter: it gets a cluster without endpoints, and it never flushes before the process ends.

A `traceparent` that the tracer cannot read switches tracing off for its call, and one that it should not read (upper
case, version ff) it takes. So what is not of the W3C form is gone, and its tracestate with it, before the tracer looks:
the trace begins anew, as https://www.w3.org/TR/trace-context/#processing-model-for-working-with-trace-context says.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway

_NOWHERE = "no-collector"
_NEVER = 1_000_000_000
_PARENT = "request.headers['traceparent']"
_STATE = "request.headers['tracestate']"
# Two small expressions and the length, since Envoy bounds the compiled size of one: of 55 characters, with 2, 16 and 2
# hexadecimal ones around it, the trace id has its 32. A version to come may be longer: such a trace begins anew.
_WELL_FORMED = (
    f"size({_PARENT}) == 55"
    f" && {_PARENT}.matches('^[0-9a-f]{{2}}-[0-9a-f]+-[0-9a-f]{{16}}-[0-9a-f]{{2}}$')"
    f" && !{_PARENT}.matches('^ff|-0+-')"
)
_KEPT = {
    "traceparent": f"{_WELL_FORMED} ? {_PARENT} : ''",
    "tracestate": f"{_WELL_FORMED} && {_STATE}.matches('^[ -~]+$') ? {_STATE} : ''",
}


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
    mutation = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "early_header_mutation_extensions": [extension("well-formed-trace", mutation, mutations=_well_formed())],
        "tracing": {"random_sampling": {"value": 100}, "spawn_upstream_span": False, "provider": provider},
    }


def _well_formed() -> list[Json]:
    """Headers are removed by name only, never by value: what is good is put aside, all is removed, the good put back.

    An expression that fails, as it does without a header or with bytes that are no text, gives nothing to put aside.
    """
    aside = {name: f"x-treadle-kept-{name}" for name in _KEPT}
    clear = [{"remove": name} for name in aside.values()]
    save = [_add(aside[name], f"%CEL({expression})%") for name, expression in _KEPT.items()]
    restore = [_add(name, f"%REQ({place})%") for name, place in aside.items()]
    return [*clear, *save, *({"remove": name} for name in _KEPT), *restore, *clear]


def _add(name: str, value: str) -> Json:
    """Add a header; an empty value adds none."""
    return {"append": {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}}


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
