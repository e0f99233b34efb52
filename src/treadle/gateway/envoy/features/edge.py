"""Edge limit: a bucket for each client address, token or not. It is all that limits a public operation.

The address is that of the connection: what a client writes into X-Forwarded-For buys it nothing. An IPv6 client has a
/64 to choose from, so that is what has a bucket. It guards this node and is shared with no other.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import Rules, bucket, enforcing
from treadle.gateway.ir import Gateway

_ADDRESS = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}


def _moving_filters(gateway: Gateway) -> list[Json]:
    each = {"entries": [{"key": "masked_remote_address"}], "token_bucket": bucket(gateway.edge_limit)}
    return [enforcing("edge", Rules("RATE_LIMIT", [{"actions": [_ADDRESS]}], [each]))]


FEATURE = Feature("edge", moving_filters=_moving_filters)
