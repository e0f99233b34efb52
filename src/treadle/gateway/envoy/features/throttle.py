"""Throttles: a bucket for a consumer that somebody, or a reaction, has slowed down for a while, whatever its tier.

They come and go while contracts stay, so they are a filter of their own: a new one refills no tier. It does refill the
other throttles, each by one bucket.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import BY_CONSUMER, Rules, bucket, chained, enforcing
from treadle.gateway.ir import Gateway

NAME = "throttle"


def rules(gateway: Gateway) -> Rules:
    """A bucket for each consumer that is throttled."""
    buckets = [
        {
            "entries": [{"key": "consumer", "value": each.consumer}],
            "token_bucket": bucket(each.limit, gateway.replicas),
        }
        for each in sorted(gateway.throttles, key=lambda each: each.consumer)
    ]
    # X-RateLimit-* are the tier's: two filters that tell them would tell two.
    return Rules("THROTTLED", [{"actions": [BY_CONSUMER]}], buckets, shared=True)


def _moving_filters(gateway: Gateway) -> list[Json]:
    throttles = rules(gateway)
    return [chained(NAME, [enforcing(f"{NAME}s", throttles)] if throttles.buckets else [])]


FEATURE = Feature("throttle", moving_filters=_moving_filters)
