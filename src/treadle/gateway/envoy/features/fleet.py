"""The fleet: how many gateways share each limit. Its members are counted and never called.

Each of N gateways takes N tokens for a call from a bucket of the whole limit, so all together keep the limit where
calls are spread evenly, with no service on the path. A consumer that only ever reaches one of them gets an Nth.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import FLEET
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.ir import Gateway

_NOWHERE = "192.0.2.1"
"""An address that is nobody's (RFC 5737); the ports tell the members apart."""


def _bootstrap(_: Gateway, node: NodeSettings) -> Json:
    members = {"eds_config": node.source("eds", FLEET)}
    cluster = {"name": FLEET, "type": "EDS", "connect_timeout": "1s", "eds_cluster_config": members}
    return {"cluster_manager": {"local_cluster_name": FLEET}, "static_resources": {"clusters": [cluster]}}


def _endpoints(gateway: Gateway) -> dict[str, Json]:
    addresses = [
        {"socket_address": {"address": _NOWHERE, "port_value": number}} for number in range(1, gateway.replicas + 1)
    ]
    members = [{"endpoint": {"address": address}} for address in addresses]
    return {FLEET: {"cluster_name": FLEET, "endpoints": [{"lb_endpoints": members}]}}


FEATURE = Feature("fleet", bootstrap=_bootstrap, endpoints=_endpoints)
