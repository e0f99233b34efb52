"""Tier limits: a bucket for each consumer, as large as its tier, and one more where an operation sets its own.

The configuration travels apart from the routes (ECDS): identical content keeps the buckets, so only a change of a
limit itself refills them. A registered consumer has an entry of its own, which goes before the one for all others.
Where two buckets apply, X-RateLimit-* tell of the one that fills more slowly, or of the one that refused.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import BY_CONSUMER, BY_ISSUER, Rules, bucket, counted, enforcing
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import Gateway, Route

NAME = "tier"
_OFF = {NAME: typed("config.route.v3.FilterConfig", disabled=True)}
_OPERATION = {
    "metadata": {
        "descriptor_key": "operation",
        "source": "ROUTE_ENTRY",
        "metadata_key": {"key": "treadle.limit", "path": [{"key": "operation"}]},
    }
}


def rules(gateway: Gateway) -> Rules:
    """The buckets of all tiers and of all operations that set a limit of their own."""
    own = gateway.issuers[0].url
    anybody = [{"key": "consumer"}, {"key": "issuer"}]
    consumers = [
        {
            "entries": [{"key": "consumer", "value": one.consumer}, {"key": "issuer", "value": one.issuer or own}],
            "token_bucket": bucket(one.limit, gateway.replicas),
        }
        for one in gateway.consumers
    ]
    operations = [
        {
            "entries": [{"key": "operation", "value": route.key}, *anybody],
            "token_bucket": bucket(route.limit, gateway.replicas),
        }
        for api in gateway.apis
        for route in api.routes
        if route.limit
    ]
    others = {"entries": anybody, "token_bucket": bucket(gateway.default_limit, gateway.replicas)}
    return Rules(
        "RATE_LIMIT",
        [counted(BY_CONSUMER, BY_ISSUER), counted(_OPERATION, BY_CONSUMER, BY_ISSUER)],
        [*consumers, others, *operations],
        shared=True,
    )


def _moving_filters(gateway: Gateway) -> list[Json]:
    return [enforcing(NAME, rules(gateway))]


def _route(route: Route) -> Json:
    if route.public:
        return {"typed_per_filter_config": _OFF}
    if route.limit:
        return {"metadata": {"filter_metadata": {"treadle.limit": {"operation": route.key}}}}
    return {}


def _unmatched(_: tuple[Route, ...]) -> Json:
    return {"typed_per_filter_config": _OFF}


FEATURE = Feature("tier", moving_filters=_moving_filters, route=_route, unmatched=_unmatched)
