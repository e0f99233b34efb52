"""Quotas: who has used up the calls of a day or a month gets nothing more until it is over.

Calls are counted off the path, from facts; here are only those who are out of quota: a filter for each window in which
somebody is, both delivered as one. A call of theirs takes twice what their bucket can hold, so that not even a push,
which fills every bucket, lets one through. When the window is over a call takes a single token: the gateway lifts the
quota by itself, also where nobody is there to push. `Retry-After` tells the end of the window.
"""

from __future__ import annotations

from treadle.contract.model import Json, Limit
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import BY_CONSUMER, Rules, bucket, chained, enforcing
from treadle.gateway.ir import WINDOWS, Gateway

NAME = "quota"
_CODE = "QUOTA_EXCEEDED"
_SIZE = 1_000_000


def rules(gateway: Gateway, window: str) -> Rules:
    """A bucket for each consumer that is out of quota in one window."""
    out = [each for each in gateway.exhausted if each.window == window]
    if not out:
        return Rules(_CODE, [{"actions": [BY_CONSUMER]}])
    end_s = max(each.until_s for each in out)
    # Plain numbers: this is worked out for each call of everybody, and a timestamp would be read from text each time.
    taken = f"%CEL(int(request.time) < {end_s} ? {2 * _SIZE} : 1)%"
    buckets = [
        {"entries": [{"key": "consumer", "value": consumer}], "token_bucket": bucket(Limit(_SIZE))}
        for consumer in sorted({each.consumer for each in out})
    ]
    return Rules(
        _CODE,
        [{"actions": [BY_CONSUMER], "hits_addend": {"format": taken}}],
        buckets,
        retry_after=f"%CEL({end_s} - int(request.time))%",
    )


def _moving_filters(gateway: Gateway) -> list[Json]:
    windows = {f"{NAME}-{window}": rules(gateway, window) for window in WINDOWS}
    return [chained(NAME, [enforcing(name, each) for name, each in windows.items() if each.buckets])]


FEATURE = Feature("quota", moving_filters=_moving_filters)
