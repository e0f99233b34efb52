"""Tier limits: a bucket for each consumer, as large as its tier, and one more where an operation sets its own.

The configuration travels apart from the routes (ECDS): identical content keeps the buckets, so only a change of a
limit itself refills them. A registered consumer has an entry of its own, which goes before the one for all others.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import bucket, limiter
from treadle.gateway.envoy.typed import JWT_FILTER, extension, typed
from treadle.gateway.ir import Gateway, Route

_NAME = "tier"
_OFF = {_NAME: typed("config.route.v3.FilterConfig", disabled=True)}
_CONSUMER = {
    "metadata": {
        "descriptor_key": "consumer",
        "source": "DYNAMIC",
        "metadata_key": {"key": JWT_FILTER, "path": [{"key": "jwt"}, {"key": "client_id"}]},
    }
}
_OPERATION = {
    "metadata": {
        "descriptor_key": "operation",
        "source": "ROUTE_ENTRY",
        "metadata_key": {"key": "treadle.limit", "path": [{"key": "operation"}]},
    }
}


def _moving_filters(gateway: Gateway) -> list[Json]:
    limited = [route for api in gateway.apis for route in api.routes if route.limit]
    consumers = [
        {"entries": [{"key": "consumer", "value": one.consumer}], "token_bucket": bucket(one.limit)}
        for one in gateway.consumers
    ]
    operations = [
        {
            "entries": [{"key": "operation", "value": _key(route)}, {"key": "consumer"}],
            "token_bucket": bucket(route.limit),
        }
        for route in limited
        if route.limit
    ]
    anybody = {"entries": [{"key": "consumer"}], "token_bucket": bucket(gateway.default_limit)}
    type, config = limiter(
        _NAME,
        rate_limits=[{"actions": [_CONSUMER]}, {"actions": [_OPERATION, _CONSUMER]}],
        descriptors=[*consumers, anybody, *operations],
        headers=True,
    )
    return [extension(_NAME, type, **config)]


def _route(route: Route) -> Json:
    if route.public:
        return {"typed_per_filter_config": _OFF}
    if route.limit:
        return {"metadata": {"filter_metadata": {"treadle.limit": {"operation": _key(route)}}}}
    return {}


def _unmatched(_: tuple[Route, ...]) -> Json:
    return {"typed_per_filter_config": _OFF}


def _key(route: Route) -> str:
    return f"{route.contract}/{route.operation}"


FEATURE = Feature("tier", moving_filters=_moving_filters, route=_route, unmatched=_unmatched)
