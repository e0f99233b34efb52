"""Retries: a call is sent again where it cannot have had an effect, or where a second effect is the same.

Idempotent methods: RFC 9110 section 9.2.2. How many retries an upstream has to bear is bounded in `breakers`.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Route

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_UNSENT = "connect-failure,refused-stream"


def _forward(route: Route) -> Json:
    retry_on = f"{_UNSENT},reset-before-request,gateway-error" if route.method in _IDEMPOTENT else _UNSENT
    policy = {
        "retry_on": retry_on,
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    }
    return {"route": {"retry_policy": policy}}


FEATURE = Feature("retries", forward=_forward)
