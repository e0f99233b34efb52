"""Quotas: who has used up the calls of a day or a month gets nothing more until it is over.

Calls are counted off the path, from facts; here are only those who are out of quota: a filter for each window in which
somebody is, both delivered as one. A call of theirs takes twice what their bucket can hold, so that not even a push,
which fills every bucket, lets one through. When the window is over a call takes a single token: the gateway lifts the
quota by itself, also where nobody is there to push. `Retry-After` tells the end of the window.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy import limits
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import chained, enforcing
from treadle.gateway.ir import WINDOWS, Gateway


def _moving_filters(gateway: Gateway) -> list[Json]:
    windows = {f"{limits.QUOTA}-{window}": limits.quota(gateway, window) for window in WINDOWS}
    return [chained(limits.QUOTA, [enforcing(name, each) for name, each in windows.items() if each.buckets])]


FEATURE = Feature("quota", moving_filters=_moving_filters)
