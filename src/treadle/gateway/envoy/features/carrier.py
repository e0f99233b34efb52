"""How what moves reaches a node: by files, which need nothing here, or by delta ADS over a Unix socket beside it."""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import Gateway

_CLUSTER = "treadle-ads"


def _bootstrap(_: Gateway, node: NodeSettings) -> Json:
    if node.carrier != "ads":
        return {}
    address = {"pipe": {"path": node.ads}}
    http2 = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions", explicit_http_config={"http2_protocol_options": {}}
    )
    cluster = {
        "name": _CLUSTER,
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": _CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    stream = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": _CLUSTER}}],
    }
    return {"dynamic_resources": {"ads_config": stream}, "static_resources": {"clusters": [cluster]}}


FEATURE = Feature("carrier", bootstrap=_bootstrap)
