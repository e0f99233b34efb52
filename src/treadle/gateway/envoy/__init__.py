"""The gateway as Envoy resources. Pure: values in, values out."""

from treadle.gateway.envoy.compiler import compile_gateway
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.order import FEATURES
from treadle.gateway.envoy.snapshot import Moving, Snapshot

__all__ = ["FEATURES", "Moving", "NodeSettings", "Snapshot", "compile_gateway"]
