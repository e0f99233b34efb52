"""Trace: every call continues its caller's W3C trace, or begins one, and every answer says which.

The span is Envoy's own, and every call has one, sampled or not: its ids are in the fact of the call, which is made
from the access log. Spans that are sampled go to the collector of the settings, as OTLP over HTTP. They cost more than
the rest of tracing, so of the traces that begin here a share is drawn; a trace that a caller began is sampled where the
caller says so. Without a collector nothing is exported; since the tracer insists on an exporter, it gets a cluster
without endpoints, and never flushes before the process ends. Collector and share are read at the start only. A span has
no path, no query and no subject.

A `traceparent` that the tracer cannot read switches tracing off for its call, and one that it should not read (upper
case, version ff) it takes. So what is not of the W3C form is gone, and its tracestate with it, before the tracer looks:
the trace begins anew, as https://www.w3.org/TR/trace-context/#processing-model-for-working-with-trace-context says.
"""

from __future__ import annotations

import ipaddress
import re

from treadle.contract.model import Json
from treadle.gateway.envoy.certificates import TLS
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import CONSUMER, extension
from treadle.gateway.ir import COLLECTOR, Gateway

_NOWHERE = "no-collector"
_COLLECTOR = "collector"
_PORTS = {"http": 80, "https": 443}
_TRACES = "/v1/traces"
_SAMPLERS = "envoy.tracers.opentelemetry.samplers."
_CONFIGS = "extensions.tracers.opentelemetry.samplers.v3."
_PARTS = 10_000  # of one percent: Envoy draws from a million
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
# To look whether the header is there is much cheaper than to fail for want of it, and most calls have none.
_KEPT = {
    "traceparent": f"'traceparent' in request.headers && {_WELL_FORMED} ? {_PARENT} : ''",
    "tracestate": f"'tracestate' in request.headers && {_WELL_FORMED} && {_STATE}.matches('^[ -~]+$') ? {_STATE} : ''",
}


def _bootstrap(gateway: Gateway, node: NodeSettings) -> Json:
    if gateway.otlp_url:
        return {"static_resources": {"clusters": [_collector(gateway.otlp_url, node)]}}
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


def _collector(url: str, node: NodeSettings) -> Json:
    """The cluster of an OTLP collector: `http://host:4318`, or https with a certificate that the system trusts."""
    parts = _parts(url)
    host = parts["host"].strip("[]")
    place = {"address": host, "port_value": int(parts["port"] or _PORTS[parts["scheme"]])}
    endpoint = {"endpoint": {"address": {"socket_address": place}}}
    cluster: dict[str, Json] = {
        "name": _COLLECTOR,
        "type": "STATIC" if _is_address(host) else "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": _COLLECTOR, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if parts["scheme"] == "https":
        kind, sni = ("IP_ADDRESS", {}) if _is_address(host) else ("DNS", {"sni": host})
        name = {"san_type": kind, "matcher": {"exact": host}}
        trusted = {"trusted_ca": {"filename": node.authorities}, "match_typed_subject_alt_names": [name]}
        context = "extensions.transport_sockets.tls.v3.UpstreamTlsContext"
        cluster["transport_socket"] = extension(TLS, context, common_tls_context={"validation_context": trusted}, **sni)
    return cluster


def _parts(url: str) -> re.Match[str]:
    match = COLLECTOR.fullmatch(url)
    if match is None:
        raise AssertionError("a gateway that is valid has a collector with an address")
    return match


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _manager(gateway: Gateway, node: NodeSettings) -> Json:
    sent: dict[str, Json]
    tags: dict[str, Json] = {}
    if gateway.otlp_url:
        named = (_parts(gateway.otlp_url)["path"] or "").strip("/")
        uri = gateway.otlp_url if named else gateway.otlp_url.rstrip("/") + _TRACES
        sent = {"http_service": {"http_uri": {"uri": uri, "cluster": _COLLECTOR, "timeout": "2s"}}}
        tags["custom_tags"] = [*map(_stamped, ("stamp", "operation")), _caller()]
    else:
        nowhere = {"http_uri": {"uri": f"http://{_NOWHERE}/", "cluster": _NOWHERE, "timeout": "1s"}}
        sent = {"http_service": nowhere, "max_cache_size": 1}
    tracer = "config.trace.v3.OpenTelemetryConfig"
    provider = extension(
        "envoy.tracers.opentelemetry", tracer, service_name=node.name, sampler=_sampler(gateway), **sent
    )
    mutation = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "early_header_mutation_extensions": [extension("well-formed-trace", mutation, mutations=_well_formed())],
        "tracing": {
            # Envoy's own share would be taken of what callers decided, too: the sampler decides alone.
            "random_sampling": {"value": 100},
            "max_path_tag_length": 0,
            "spawn_upstream_span": False,
            "provider": provider,
            **tags,
        },
    }


def _stamped(name: str) -> Json:
    """What the route says of a call, as an attribute of its span."""
    place = {"key": "treadle", "path": [{"key": name}]}
    return {"tag": f"treadle.{name}", "metadata": {"kind": {"route": {}}, "metadata_key": place}}


def _caller() -> Json:
    return {"tag": "treadle.consumer", "request_header": {"name": CONSUMER}}


def _sampler(gateway: Gateway) -> Json:
    share = {"numerator": round(gateway.sample_percent * _PARTS), "denominator": "MILLION"}
    drawn = extension(
        f"{_SAMPLERS}trace_id_ratio_based", f"{_CONFIGS}TraceIdRatioBasedSamplerConfig", sampling_percentage=share
    )
    return extension(f"{_SAMPLERS}parent_based", f"{_CONFIGS}ParentBasedSamplerConfig", wrapped_sampler=drawn)


def _well_formed() -> list[Json]:
    """Headers are removed by name only, never by value: what is good is put aside, all is removed, the good put back.

    An expression that fails, as it does with bytes that are no text, gives nothing to put aside.
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
