"""Gateway -> Snapshot. Pure; a contract that did not change is not compiled again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from treadle.contract.model import Json
from treadle.gateway.envoy import onward
from treadle.gateway.envoy.certificates import unfiled
from treadle.gateway.envoy.feature import merge
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.order import FEATURES
from treadle.gateway.envoy.patch import patched
from treadle.gateway.envoy.plain_path import plain_only
from treadle.gateway.envoy.snapshot import Snapshot
from treadle.gateway.envoy.tree import Leaf, grow, path_match
from treadle.gateway.envoy.typed import RBAC_FILTER, extension, typed
from treadle.gateway.ir import Api, Fault, Gateway, InvalidGatewayError, Route, Upstream, validate

TABLE = "treadle"
"""The route table of the front, and the prefix of its statistics."""
HOP = "treadle-guard-hop"
"""The cluster of the guard hop."""
LAYER = "treadle"
"""The layer of the runtime that moves."""
_APIS_KEPT = 4_096
_HOP_GRACE_MS = 2_000
"""The hop answers within the upstream's time, and this for itself."""


def compile_gateway(gateway: Gateway, node: NodeSettings) -> Snapshot:
    """Everything one node is to run. Raises InvalidGatewayError where the gateway contradicts itself."""
    validate(gateway)
    _certified(gateway, node)
    clusters = {up.name: _cluster(up, node) for api in gateway.apis for up in api.upstreams}
    clusters[HOP] = _cluster(Upstream(HOP, socket=node.hop), node)
    routes = {TABLE: _table(gateway), onward.TABLE: _onward_table(gateway)}
    filters = {each["name"]: _extension(each) for each in _moving_filters(gateway)}
    layer = merge(feature.runtime(gateway) for feature in FEATURES if feature.runtime)
    runtime = {LAYER: typed("service.runtime.v3.Runtime", name=LAYER, layer=layer)}
    endpoints = {
        name: typed("config.endpoint.v3.ClusterLoadAssignment", **load)
        for feature in FEATURES
        if feature.endpoints
        for name, load in feature.endpoints(gateway).items()
    }
    unbound = replace(node, port=0, address="127.0.0.1")
    moving = {"cds": clusters, "eds": endpoints, "ecds": filters, "rtds": runtime, "rds": routes}
    return Snapshot(
        node=node,
        bootstrap=_bootstrap(gateway, node),
        clusters=clusters,
        endpoints=endpoints,
        filters=filters,
        runtime=runtime,
        routes=routes,
        whole=_inlined(_bootstrap(gateway, unbound), moving),
        stamps=tuple(sorted({route.stamp for api in gateway.apis for route in api.routes})),
    )


@lru_cache(maxsize=_APIS_KEPT)
def compile_api(api: Api) -> tuple[Leaf, ...]:
    """The routes of one contract, in its own order. What is returned is shared: read it only."""
    return tuple(Leaf(route, _operation(route)) for route in api.routes)


@lru_cache(maxsize=_APIS_KEPT)
def _compile_onward(api: Api) -> tuple[tuple[str, list[Json]], ...]:
    """The ways of one contract's guarded operations to their upstream, and of those that tell what became of a key."""
    promised = (route.guard.idempotency for route in api.routes if route.guard)
    lookups = {each.lookup for each in promised if each and each.lookup}
    wanted = [route for route in api.routes if route.guard or route.operation in lookups]
    return tuple((route.key, _sent(route, {"name": route.operation}, {})) for route in wanted)


def _operation(route: Route) -> list[Json]:
    """The routes of one operation at the front, in order."""
    method = {"headers": [{"name": ":method", "string_match": {"exact": route.method}}]}
    match = {**path_match(route.template), **method}
    policy = merge([{"name": route.operation}, *(feature.route(route) for feature in FEATURES if feature.route)])
    if not route.guard:
        return _sent(route, policy, match)
    grace_s = (route.timeout_ms + _HOP_GRACE_MS) / 1_000
    named = {"header": {"key": onward.OPERATION, "value": route.key}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    patience = {"timeout": f"{grace_s:g}s", "idle_timeout": f"{grace_s + 1:g}s"}
    hop = {"route": {"cluster": HOP, **patience}, "request_headers_to_add": [named]}
    return [merge([{"match": match}, policy, hop])]


def _sent(route: Route, policy: Json, match: Json) -> list[Json]:
    """One route for each destination of an operation."""
    # What is gone is answered here and sent nowhere.
    forward = [feature.forward(route) for feature in FEATURES if feature.forward and not route.retired]
    found = [
        merge([policy, {"match": match or {"prefix": "/"}}, {"match": further}, where, *forward])
        for feature in FEATURES
        if feature.destinations
        for further, where in feature.destinations(route)
    ]
    return [patched(each, route.patch) for each in found]


def _moving_filters(gateway: Gateway) -> Iterable[Json]:
    for feature in FEATURES:
        if feature.moving_filters:
            yield from feature.moving_filters(gateway)


def _extension(filter: Json) -> Json:
    return typed("config.core.v3.TypedExtensionConfig", **filter)


def _apis(gateway: Gateway) -> list[Api]:
    return sorted(gateway.apis, key=lambda api: api.contract)


def _table(gateway: Gateway) -> Json:
    leaves = [leaf for api in _apis(gateway) for leaf in compile_api(api)]
    tunnel = _direct("no-tunnel", 400) | {"match": {"connect_matcher": {}}}
    strange = typed("config.route.v3.RouteList", routes=[_direct("strange-path", 400), tunnel])
    ours = {"matcher": plain_only(strange, grow(leaves, _not_allowed, _direct("not-found", 404), _before))}
    elsewhere = {"name": "elsewhere", "domains": ["*"], "routes": [_direct("wrong-host", 404), tunnel]}
    # Without names, as in a test, every host is ours.
    hosts = (
        [{"name": "any", "domains": ["*"], **ours}]
        if not gateway.hosts
        else [{"name": "gateway", "domains": list(gateway.hosts), **ours}, elsewhere]
    )
    base = typed("config.route.v3.RouteConfiguration", name=TABLE, virtual_hosts=hosts)
    return merge([base, *(feature.table(gateway) for feature in FEATURES if feature.table)])


def _onward_table(gateway: Gateway) -> Json:
    return onward.table(dict(each for api in _apis(gateway) for each in _compile_onward(api)))


def _not_allowed(routes: tuple[Route, ...]) -> Json:
    """405 for every other method on a template. It names the methods, so it needs no token."""
    allow = {"key": "allow", "value": ", ".join(sorted({route.method for route in routes}))}
    answer = _direct("method-not-allowed", 405, routes) | {"match": path_match(routes[0].template)}
    return merge([answer, _stamped(routes[0]), {"response_headers_to_add": [{"header": allow}]}])


def _before(routes: tuple[Route, ...]) -> list[Json]:
    """What filters answer before an operation is looked for. They stand before an upstream that nobody may reach."""
    nobody = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac={"rules": {"action": "ALLOW"}})
    shut = {"route": {"cluster": HOP}, "typed_per_filter_config": {RBAC_FILTER: nobody}}
    match = {"match": path_match(routes[0].template)}
    usual = [feature.unmatched(routes) for feature in FEATURES if feature.unmatched]
    return [
        merge([match, {"match": further}, *usual, fields, shut, _stamped(routes[0])])
        for feature in FEATURES
        if feature.before
        for further, fields in feature.before(routes)
    ]


def _stamped(route: Route) -> Json:
    stamp = {"what": route.stamp}
    return {"metadata": {"filter_metadata": {"treadle": stamp}}}


def _direct(name: str, status: int, routes: tuple[Route, ...] = ()) -> Json:
    base = {"name": name, "match": {"prefix": "/"}, "direct_response": {"status": status}}
    return merge([base, *(feature.unmatched(routes) for feature in FEATURES if feature.unmatched)])


def _certified(gateway: Gateway, node: NodeSettings) -> None:
    """Raise InvalidGatewayError where an upstream would have to be shown a certificate, and the node has none."""
    found = [
        Fault(api.contract, f"upstream {upstream.name} has a spiffe_id, and this node has no certificate to show it")
        for api in gateway.apis
        for upstream in api.upstreams
        if upstream.spiffe_id and not node.tls
    ]
    if found:
        raise InvalidGatewayError(tuple(found))


def _cluster(upstream: Upstream, node: NodeSettings) -> Json:
    base = typed("config.cluster.v3.Cluster")
    everywhere = [feature.cluster(upstream) for feature in FEATURES if feature.cluster]
    here = [feature.secured(upstream, node) for feature in FEATURES if feature.secured]
    return merge([base, *everywhere, *here])


def _bootstrap(gateway: Gateway, node: NodeSettings) -> Json:
    table = {
        "rds": {"route_config_name": TABLE, "config_source": node.source("rds", TABLE)},
        "stat_prefix": TABLE,
        "http_filters": _chain(gateway, node),
    }
    manager = merge([table, *(feature.manager(gateway, node) for feature in FEATURES if feature.manager)])
    connection = extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        **manager,
    )
    transport = [feature.transport(gateway, node) for feature in FEATURES if feature.transport]
    base = {
        "name": "calls",
        "address": {"socket_address": {"address": node.address, "port_value": node.port}},
        "filter_chains": [merge([{"filters": [connection]}, *transport])],
    }
    listener = merge([base, *(feature.listener(gateway, node) for feature in FEATURES if feature.listener)])
    # Of the admin interface only what this package reads: nobody can stop or change the gateway through it.
    allowed = [{"exact": "/ready"}, {"prefix": "/stats"}, {"prefix": "/config_dump"}, {"exact": "/reopen_logs"}]
    admin = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": node.admin_port}}}
    moving = {"name": LAYER, "rtds_layer": {"name": LAYER, "rtds_config": node.source("rtds", LAYER)}}
    process = {
        "node": {"id": node.name, "cluster": "treadle"},
        "admin": admin | {"allow_paths": allowed},
        "dynamic_resources": {"cds_config": node.source("cds")},
        "static_resources": {"listeners": [listener, onward.listener(gateway, node, FEATURES)]},
        "layered_runtime": {"layers": [moving]},
    }
    return merge([process, *(feature.bootstrap(gateway, node) for feature in FEATURES if feature.bootstrap)])


def _chain(gateway: Gateway, node: NodeSettings) -> list[Json]:
    chain = []
    for feature in FEATURES:
        demand: dict[str, Json] = {"disabled": True} if feature.on_demand else {}
        if feature.http_filter:
            chain.append(feature.http_filter(gateway, node) | demand)
        for moving in feature.moving_filters(gateway) if feature.moving_filters else ():
            # No call is taken before the filter is there, however long that lasts: without it nothing is checked.
            source = node.source("ecds", moving["name"]) | {"initial_fetch_timeout": "0s"}
            discovery = {"config_source": source, "type_urls": [moving["typed_config"]["@type"]]}
            chain.append({"name": moving["name"], "config_discovery": discovery} | demand)
    return chain


def _inlined(bootstrap: Json, moving: Mapping[str, Mapping[str, Json]]) -> Json:
    """The same configuration with nothing left to discover, no admin port, no log file and no socket."""
    static = bootstrap["static_resources"]
    listeners = [_whole_listener(each, moving) for each in static["listeners"]]
    clusters = [*static["clusters"], *(_plain(cluster) for cluster in moving["cds"].values())]
    layers = [_whole_layer(each, moving["rtds"]) for each in bootstrap["layered_runtime"]["layers"]]
    kept = {key: value for key, value in bootstrap.items() if key not in {"dynamic_resources", "admin"}}
    return kept | {
        "static_resources": {"listeners": listeners, "clusters": [_whole_cluster(each, moving) for each in clusters]},
        "layered_runtime": {"layers": layers},
    }


def _whole_listener(listener: Json, moving: Mapping[str, Mapping[str, Json]]) -> Json:
    chain = listener["filter_chains"][0]
    connection = chain["filters"][0]
    manager = connection["typed_config"]
    table = _plain(moving["rds"][manager["rds"]["route_config_name"]])
    filters = [_whole_filter(each, moving["ecds"]) for each in manager["http_filters"]]
    logs = [
        log | {"typed_config": log["typed_config"] | {"path": "/dev/null"}} for log in manager.get("access_log", ())
    ]
    inlined = {key: value for key, value in manager.items() if key != "rds"} | {"access_log": logs}
    typed_config = inlined | {"route_config": table, "http_filters": filters}
    anywhere = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    chains = [_unfiled(chain) | {"filters": [connection | {"typed_config": typed_config}]}]
    return listener | {"address": anywhere, "filter_chains": chains}


def _whole_filter(filter: Json, moving: Mapping[str, Json]) -> Json:
    if "config_discovery" not in filter:
        return filter
    return {key: value for key, value in filter.items() if key != "config_discovery"} | _plain(moving[filter["name"]])


def _whole_layer(layer: Json, runtime: Mapping[str, Json]) -> Json:
    return {"name": layer["name"], "static_layer": runtime[layer["name"]]["layer"]} if "rtds_layer" in layer else layer


def _unfiled(holder: Json) -> Json:
    """A filter chain or cluster whose transport is judged without the node's certificates."""
    if "transport_socket" not in holder:
        return holder
    return holder | {"transport_socket": unfiled(holder["transport_socket"])}


def _whole_cluster(cluster: Json, moving: Mapping[str, Mapping[str, Json]]) -> Json:
    cluster = _unfiled(cluster)
    if "eds_cluster_config" not in cluster:
        return cluster
    kept = {key: value for key, value in cluster.items() if key != "eds_cluster_config"}
    return kept | {"type": "STATIC", "load_assignment": _plain(moving["eds"][cluster["name"]])}


def _plain(message: Json) -> Json:
    """A message where its type is known already: without its `@type`."""
    return {key: value for key, value in message.items() if key != "@type"}
