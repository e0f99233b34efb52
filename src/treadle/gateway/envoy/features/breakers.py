"""Circuit breakers: what one upstream may hold, so that a slow one cannot take the gateway with it.

Retries never take more than a fifth of the live calls of an upstream. An endpoint that fails five times in a row is
left out for a while, but never the last half of them: an API with one endpoint keeps it. Where the workspace says after
how many failures, it means the upstream as a whole: then the last endpoint is left out too, and calls are answered at
once with 503 instead of each waiting for its own failure.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Upstream

_CALLS_MAX = 1_024
_FAILURES = 5


def _cluster(upstream: Upstream) -> Json:
    breaker = upstream.breaker
    threshold = {
        "max_connections": breaker.connections or _CALLS_MAX,
        "max_pending_requests": breaker.pending or _CALLS_MAX,
        "max_requests": breaker.requests or _CALLS_MAX,
        "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
        "track_remaining": True,
    }
    ejection = {
        "consecutive_5xx": breaker.consecutive_5xx or _FAILURES,
        "interval": "2s",
        "base_ejection_time": "5s",
        "max_ejection_percent": 100 if breaker.consecutive_5xx else 50,
        "always_eject_one_host": bool(breaker.consecutive_5xx),
    }
    # Without it Envoy would send calls to endpoints that are left out, as soon as most of them are.
    calm = {"common_lb_config": {"healthy_panic_threshold": {"value": 0}}} if breaker.consecutive_5xx else {}
    return {"circuit_breakers": {"thresholds": [threshold]}, "outlier_detection": ejection, **calm}


FEATURE = Feature("breakers", cluster=_cluster)
