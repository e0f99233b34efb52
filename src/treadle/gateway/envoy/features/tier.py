"""Tier limits: a bucket for each consumer, as large as its tier, and one more where an operation sets its own.

The configuration travels apart from the routes (ECDS): identical content keeps the buckets, so only a change of a
limit itself refills them. A registered consumer has an entry of its own, which goes before the one for all others.
Where two buckets apply, X-RateLimit-* tell of the one that fills more slowly, or of the one that refused.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy import limits
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import enforcing
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import Gateway, Route

_OFF = {limits.TIER: typed("config.route.v3.FilterConfig", disabled=True)}


def _moving_filters(gateway: Gateway) -> list[Json]:
    return [enforcing(limits.TIER, limits.tier(gateway))]


def _route(route: Route) -> Json:
    if route.public:
        return {"typed_per_filter_config": _OFF}
    if route.limit:
        return {"metadata": {"filter_metadata": {"treadle.limit": {"operation": route.key}}}}
    return {}


def _unmatched(_: tuple[Route, ...]) -> Json:
    return {"typed_per_filter_config": _OFF}


FEATURE = Feature("tier", moving_filters=_moving_filters, route=_route, unmatched=_unmatched)
