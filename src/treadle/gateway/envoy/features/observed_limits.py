"""Limits that are not enforced yet: a call beyond one passes, and the code of the limit is noted for its fact.

Where a contract says `limits: observe` or `warn`, its routes switch off the filters that refuse and switch on their
twins here, which have buckets of their own. Other routes pay nothing for them.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy import limits
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import chained, observing
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import WINDOWS, Gateway, Route

_NAME = "limits-observed"
_ENFORCING = (limits.THROTTLE, limits.QUOTA, limits.TIER)


def _moving_filters(gateway: Gateway) -> list[Json]:
    if not any(limits.watched(route) for api in gateway.apis for route in api.routes):
        return [chained(_NAME, [])]
    windows = {f"{limits.QUOTA}-{window}": limits.quota(gateway, window) for window in WINDOWS}
    kinds = {limits.THROTTLE: limits.throttle(gateway), **windows, limits.TIER: limits.tier(gateway)}
    return [chained(_NAME, [observing(f"{name}-observed", each) for name, each in kinds.items() if each.buckets])]


def _route(route: Route) -> Json:
    if not limits.watched(route):
        return {}
    off = typed("config.route.v3.FilterConfig", disabled=True)
    on = typed("config.route.v3.FilterConfig", config={})
    return {"typed_per_filter_config": dict.fromkeys(_ENFORCING, off) | {_NAME: on}}


FEATURE = Feature("observed-limits", on_demand=True, moving_filters=_moving_filters, route=_route)
