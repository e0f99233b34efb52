"""Trace: every call continues its caller's W3C trace, or begins one, and every answer says which.

The span is Envoy's own, and every call has one, sampled or not: its ids are in the fact of the call, which is made
from the access log. Spans that are sampled go to the collector of the settings, as OTLP over HTTP. They cost more than
the rest of tracing, so of the traces that begin here a share is drawn; a trace that a caller began is sampled where the
caller says so. Without a collector nothing is exported; since the tracer insists on an exporter, it gets a cluster
without endpoints, and never flushes before the process ends. Collector and share are read at the start only. A span has
no path, no query and no subject.

A `traceparent` that the tracer cannot read switches tracing off for its call. Then the request id stands for the trace:
in the answer, in the envelope and in the fact. (To mend such a header before the tracer looks takes an expression on
every call, which cost a fifth of what a bare Envoy does in all.)
"""

from __future__ import annotations

import ipaddress
import re

from treadle.contract.model import Json
from treadle.gateway.envoy.certificates import TLS
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import CONSUMER, PARENT, extension
from treadle.gateway.ir import COLLECTOR, Gateway, Route

_NOWHERE = "no-collector"
_COLLECTOR = "collector"
_PORTS = {"http": 80, "https": 443}
_TRACES = "/v1/traces"
_SAMPLERS = "envoy.tracers.opentelemetry.samplers."
_CONFIGS = "extensions.tracers.opentelemetry.samplers.v3."
_PARTS = 10_000  # of one percent: Envoy draws from a million
_NEVER = 1_000_000_000


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
    # Kept for the access log: before the call goes out, Envoy writes its own over it.
    parent = {"append": _header(PARENT, "%REQ(TRACEPARENT):64%", "ADD_IF_ABSENT")}
    mutation = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "early_header_mutation_extensions": [extension("parent", mutation, mutations=[parent])],
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


def _table(_: Gateway) -> Json:
    return {"response_headers_to_add": _trace("x-trace-id")}


def _route(route: Route) -> Json:
    # The hop refuses in the envelope, too.
    return {"request_headers_to_add": _trace("x-treadle-trace-id")} if route.guard else {}


def _trace(header: str) -> list[Json]:
    """The trace of a call, or its request id where it has none: an empty value overwrites nothing."""
    return [_header(header, each, "OVERWRITE_IF_EXISTS_OR_ADD") for each in ("%REQ(X-REQUEST-ID):64%", "%TRACE_ID%")]


def _header(name: str, value: str, action: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": action}


FEATURE = Feature("trace", bootstrap=_bootstrap, manager=_manager, table=_table, route=_route)
