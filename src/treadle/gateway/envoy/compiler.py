"""Gateway -> Snapshot. Pure; a contract that did not change is not compiled again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import merge
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.order import FEATURES
from treadle.gateway.envoy.snapshot import Snapshot
from treadle.gateway.envoy.tree import Leaf, grow, path_match
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Api, Gateway, Route, Upstream, validate

_TABLE = "treadle"
_APIS_KEPT = 4_096


def compile_gateway(gateway: Gateway, node: NodeSettings) -> Snapshot:
    """Everything one node is to run. Raises InvalidGatewayError where the gateway contradicts itself."""
    validate(gateway)
    clusters = {up.name: _cluster(up) for api in gateway.apis for up in api.upstreams}
    routes = _table(gateway)
    moving = [feature.moving_filter(gateway) for feature in FEATURES if feature.moving_filter]
    filters = {each["name"]: typed("config.core.v3.TypedExtensionConfig", **each) for each in moving}
    unbound = replace(node, port=0, address="127.0.0.1")
    return Snapshot(
        node=node,
        bootstrap=_bootstrap(gateway, node),
        clusters=clusters,
        routes=routes,
        filters=filters,
        whole=_inlined(_bootstrap(gateway, unbound), clusters, routes, filters),
        stamps=tuple(sorted({route.stamp for api in gateway.apis for route in api.routes})),
    )


@lru_cache(maxsize=_APIS_KEPT)
def compile_api(api: Api) -> tuple[Leaf, ...]:
    """The routes of one contract, in its own order. What is returned is shared: read it only."""
    return tuple(Leaf(route, _operation(route)) for route in api.routes)


def _operation(route: Route) -> Json:
    method = {"headers": [{"name": ":method", "string_match": {"exact": route.method}}]}
    base = {"name": route.operation, "match": {**path_match(route.template), **method}}
    return merge([base, *(feature.route(route) for feature in FEATURES if feature.route)])


def _table(gateway: Gateway) -> Json:
    leaves = [leaf for api in sorted(gateway.apis, key=lambda api: api.contract) for leaf in compile_api(api)]
    host = {"name": "any", "domains": ["*"], "matcher": grow(leaves, _not_allowed, _direct("not-found", 404))}
    base = typed("config.route.v3.RouteConfiguration", name=_TABLE, virtual_hosts=[host])
    return merge([base, *(feature.table(gateway) for feature in FEATURES if feature.table)])


def _not_allowed(routes: tuple[Route, ...]) -> Json:
    """405 for every other method on a template. It names the methods, so it needs no token."""
    allow = {"key": "allow", "value": ", ".join(sorted({route.method for route in routes}))}
    answer = _direct("method-not-allowed", 405) | {"match": path_match(routes[0].template)}
    first = routes[0]
    stamp = {"domain": first.domain, "contract": first.contract, "stamp": first.stamp}
    asked = {"metadata": {"filter_metadata": {"treadle": stamp}}}
    return merge([answer, asked, {"response_headers_to_add": [{"header": allow}]}])


def _direct(name: str, status: int) -> Json:
    base = {"name": name, "match": {"prefix": "/"}, "direct_response": {"status": status}}
    return merge([base, *(feature.unmatched() for feature in FEATURES if feature.unmatched)])


def _cluster(upstream: Upstream) -> Json:
    type = typed("config.cluster.v3.Cluster")
    return merge([type, *(feature.cluster(upstream) for feature in FEATURES if feature.cluster)])


def _bootstrap(gateway: Gateway, node: NodeSettings) -> Json:
    table = {
        "rds": {"route_config_name": _TABLE, "config_source": _watched(node.routes)},
        "stat_prefix": _TABLE,
        "http_filters": _chain(gateway, node),
    }
    manager = merge([table, *(feature.manager(gateway, node) for feature in FEATURES if feature.manager)])
    connection = extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        **manager,
    )
    base = {
        "name": "calls",
        "address": {"socket_address": {"address": node.address, "port_value": node.port}},
        "filter_chains": [{"filters": [connection]}],
    }
    listener = merge([base, *(feature.listener(gateway, node) for feature in FEATURES if feature.listener)])
    # Of the admin interface only what this package reads: nobody can stop or change the gateway through it.
    allowed = [{"exact": "/ready"}, {"prefix": "/stats"}, {"prefix": "/config_dump"}, {"exact": "/reopen_logs"}]
    admin = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": node.admin_port}}}
    process = {
        "node": {"id": node.name, "cluster": "treadle"},
        "admin": admin | {"allow_paths": allowed},
        "dynamic_resources": {"cds_config": _watched(node.clusters)},
        "static_resources": {"listeners": [listener]},
    }
    return merge([process, *(feature.bootstrap(gateway, node) for feature in FEATURES if feature.bootstrap)])


def _chain(gateway: Gateway, node: NodeSettings) -> list[Json]:
    chain = []
    for feature in FEATURES:
        if feature.http_filter:
            chain.append(feature.http_filter(gateway, node))
        if feature.moving_filter:
            moving = feature.moving_filter(gateway)
            # No call is taken before the filter is there, however long that lasts: without it nothing is checked.
            source = _watched(node.filter(moving["name"])) | {"initial_fetch_timeout": "0s"}
            discovery = {"config_source": source, "type_urls": [moving["typed_config"]["@type"]]}
            chain.append({"name": moving["name"], "config_discovery": discovery})
    return chain


def _watched(path: str) -> Json:
    source = {"path": path, "watched_directory": {"path": path.rpartition("/")[0]}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _inlined(bootstrap: Json, clusters: Mapping[str, Json], routes: Json, moving: Mapping[str, Json]) -> Json:
    """The same configuration with nothing left to discover, no admin port and no log file."""
    static = bootstrap["static_resources"]
    connection = static["listeners"][0]["filter_chains"][0]["filters"][0]
    manager = connection["typed_config"]
    filters = [_plain(moving[each["name"]]) if "config_discovery" in each else each for each in manager["http_filters"]]
    logs = [log | {"typed_config": log["typed_config"] | {"path": "/dev/null"}} for log in manager["access_log"]]
    inlined = {key: value for key, value in manager.items() if key != "rds"} | {"access_log": logs}
    chain = {"typed_config": inlined | {"route_config": _plain(routes), "http_filters": filters}}
    listener = static["listeners"][0] | {"filter_chains": [{"filters": [connection | chain]}]}
    kept = {key: value for key, value in bootstrap.items() if key not in {"dynamic_resources", "admin"}}
    every = [*static["clusters"], *(_plain(cluster) for cluster in clusters.values())]
    return kept | {"static_resources": {"listeners": [listener], "clusters": every}}


def _plain(message: Json) -> Json:
    """A message where its type is known already: without its `@type`."""
    return {key: value for key, value in message.items() if key != "@type"}
