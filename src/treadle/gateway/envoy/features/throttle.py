"""Throttles: a bucket for a consumer that somebody, or a reaction, has slowed down for a while, whatever its tier.

They come and go while contracts stay, so they are a filter of their own: a new one refills no tier. It does refill the
other throttles, each by one bucket.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy import limits
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import chained, enforcing
from treadle.gateway.ir import Gateway


def _moving_filters(gateway: Gateway) -> list[Json]:
    rules = limits.throttle(gateway)
    return [chained(limits.THROTTLE, [enforcing("throttles", rules)] if rules.buckets else [])]


FEATURE = Feature("throttle", moving_filters=_moving_filters)
