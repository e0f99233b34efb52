"""Limits that are not enforced yet: a call beyond one passes, and the code of the limit is noted for its fact.

Where a contract says `limits: observe` or `warn`, its routes switch off the filters that refuse and switch on their
twins here, which have buckets of their own. Other routes pay nothing for them.
"""

from __future__ import annotations

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.features import quota, throttle, tier
from treadle.gateway.envoy.limiter import chained, observing
from treadle.gateway.envoy.typed import typed
from treadle.gateway.ir import WINDOWS, Gateway, Route

_NAME = "limits-observed"
_ENFORCING = (throttle.NAME, quota.NAME, tier.NAME)


def _moving_filters(gateway: Gateway) -> list[Json]:
    if not any(_watches(route) for api in gateway.apis for route in api.routes):
        return [chained(_NAME, [])]
    windows = {f"{quota.NAME}-{window}": quota.rules(gateway, window) for window in WINDOWS}
    kinds = {throttle.NAME: throttle.rules(gateway), **windows, tier.NAME: tier.rules(gateway)}
    return [chained(_NAME, [observing(f"{name}-observed", each) for name, each in kinds.items() if each.buckets])]


def _route(route: Route) -> Json:
    if not _watches(route):
        return {}
    off = typed("config.route.v3.FilterConfig", disabled=True)
    on = typed("config.route.v3.FilterConfig", config={})
    return {"typed_per_filter_config": dict.fromkeys(_ENFORCING, off) | {_NAME: on}}


def _watches(route: Route) -> bool:
    return not route.public and route.enforcement.limits is not Enforcement.ENFORCE


FEATURE = Feature("observed-limits", on_demand=True, moving_filters=_moving_filters, route=_route)
