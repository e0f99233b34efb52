"""Circuit breakers: what one upstream may hold, so that a slow one cannot take the gateway with it.

Retries never take more than a fifth of the live calls of an upstream. An endpoint that fails five times in a row is
left out for a while, but never the last half of them: an API with one endpoint keeps it.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Upstream

_CALLS_MAX = 1_024


def _cluster(_: Upstream) -> Json:
    threshold = {
        "max_connections": _CALLS_MAX,
        "max_pending_requests": _CALLS_MAX,
        "max_requests": _CALLS_MAX,
        "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
    }
    ejection = {
        "consecutive_5xx": 5,
        "interval": "2s",
        "base_ejection_time": "5s",
        "max_ejection_percent": 50,
        "always_eject_one_host": False,
    }
    return {"circuit_breakers": {"thresholds": [threshold]}, "outlier_detection": ejection}


FEATURE = Feature("breakers", cluster=_cluster)
