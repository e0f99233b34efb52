"""Upstreams: a cluster each, by address, name or Unix socket; the router is the last filter."""

from __future__ import annotations

import ipaddress

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway, Upstream


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    name = "envoy.filters.http.router"
    return extension(name, "extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)


def _cluster(upstream: Upstream) -> Json:
    address = (
        {"pipe": {"path": upstream.socket}}
        if upstream.socket
        else {"socket_address": {"address": upstream.host, "port_value": upstream.port}}
    )
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    named = {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED"}
    return {
        "name": upstream.name,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": upstream.name, "endpoints": endpoints},
        **({"type": "STATIC"} if upstream.socket or _is_address(upstream.host) else named),
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


FEATURE = Feature("upstream", http_filter=_http_filter, cluster=_cluster)
