"""The way onward: calls that the guard hop has looked at come back here, and go to their upstream like any other.

So breakers, retries, weights and mutual TLS hold for guarded calls too. The hop names the operation in a header; it is
alone on the Unix socket, and every header of that family from outside was removed at the front.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature, merge
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Gateway

TABLE = "onward"
OPERATION = "x-treadle-operation"


def listener(gateway: Gateway, node: NodeSettings, features: Iterable[Feature]) -> Json:
    """The listener on the Unix socket. It writes no log and no span: the front has both."""
    router = "extensions.filters.http.router.v3.Router"
    base = {
        "rds": {"route_config_name": TABLE, "config_source": node.source("rds", TABLE)},
        "stat_prefix": TABLE,
        "generate_request_id": False,
        "http_filters": [extension("envoy.filters.http.router", router, suppress_envoy_headers=True)],
    }
    manager = merge([base, *(each.onward_manager(gateway, node) for each in features if each.onward_manager)])
    connection = extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        **manager,
    )
    return {
        "name": TABLE,
        "address": {"pipe": {"path": node.onward, "mode": 0o600}},
        "filter_chains": [{"filters": [connection]}],
    }


def table(operations: Mapping[str, list[Json]]) -> Json:
    """The route table. `operations` are the compiled routes of each operation, by its key.

    One that is not known is one that is not known yet, or no more: the two tables of a gateway do not change in one
    moment. 503 tells the hop that no upstream has said so; a 404 would be kept for the key of the call.
    """
    lost = {"name": "unknown-operation", "match": {"prefix": "/"}, "direct_response": {"status": 503}}
    none = {"action": {"name": "unknown", "typed_config": typed("config.route.v3.Route", **lost)}}
    host: dict[str, Json] = {"name": TABLE, "domains": ["*"], "matcher": {"on_no_match": none}}
    if operations:
        named = typed("type.matcher.v3.HttpRequestHeaderMatchInput", header_name=OPERATION)
        found = {
            key: {"action": {"name": key, "typed_config": typed("config.route.v3.RouteList", routes=routes)}}
            for key, routes in sorted(operations.items())
        }
        host["matcher"] = {
            "matcher_tree": {"input": {"name": "operation", "typed_config": named}, "exact_match_map": {"map": found}},
            "on_no_match": none,
        }
    # An upstream cannot speak in our doors' words; what the gateway itself answers here is told to the front in them.
    return typed(
        "config.route.v3.RouteConfiguration",
        name=TABLE,
        virtual_hosts=[host],
        request_headers_to_remove=[OPERATION],
        response_headers_to_remove=["x-treadle-code", "x-treadle-observed", "idempotency-replayed"],
        response_headers_to_add=[
            {
                "header": {"key": "x-treadle-upstream", "value": "%UPSTREAM_CLUSTER%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    )
