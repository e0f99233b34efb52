"""Retries: a call is sent again where it cannot have had an effect, or where a second effect is the same.

What the contract says of an operation goes before what its method says (RFC 9110 section 9.2). Whatever it says, a
call that was never sent may be: the upstream did not take the connection, or refused the stream unseen. A key of
repetition forbids more than that, since the guard hop has promised that its upstream sees the key once. A safe
operation is asked a second time while the first answer is still awaited, after half of its time: one lost answer does
not cost the call, and a slow one that is on its way is not cut off. How many retries an upstream has to bear is bounded
in `breakers`.
"""

from __future__ import annotations

from treadle.contract.model import Json, Streaming
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Repeat, Route

_UNSENT = "connect-failure,refused-stream,reset-before-request"
_SENT = f"{_UNSENT},reset,gateway-error"


def _forward(route: Route) -> Json:
    again = route.repeat is not Repeat.NEVER
    policy: dict[str, Json] = {
        "retry_on": _SENT if again else _UNSENT,
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    }
    if route.repeat is not Repeat.SAFE or route.streaming is not Streaming.NONE:
        return {"route": {"retry_policy": policy}}
    policy["per_try_timeout"] = f"{route.timeout_ms / 2_000:g}s"
    return {"route": {"retry_policy": policy, "hedge_policy": {"hedge_on_per_try_timeout": True}}}


FEATURE = Feature("retries", forward=_forward)
