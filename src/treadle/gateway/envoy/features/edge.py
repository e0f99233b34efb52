"""Edge limit: a bucket for each client address, token or not. It is all that limits a public operation."""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import bucket, limiter
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway


def _http_filter(gateway: Gateway, _: NodeSettings) -> Json:
    type, config = limiter(
        "edge",
        rate_limits=[{"actions": [{"remote_address": {}}]}],
        descriptors=[{"entries": [{"key": "remote_address"}], "token_bucket": bucket(gateway.edge_limit)}],
        headers=False,
    )
    return extension("edge", type, **config)


FEATURE = Feature("edge", http_filter=_http_filter)
