"""The limits of consumers: their buckets, whether a call beyond them is refused or only noted."""

from __future__ import annotations

from treadle.contract.model import Enforcement, Json, Limit
from treadle.gateway.envoy.limiter import BY_CONSUMER, BY_ISSUER, Rules, bucket, counted
from treadle.gateway.ir import Gateway, Route

THROTTLE, QUOTA, TIER = "throttle", "quota", "tier"
"""The filters that refuse, in their order."""
_QUOTA_SIZE = 1_000_000
_OPERATION = {
    "metadata": {
        "descriptor_key": "operation",
        "source": "ROUTE_ENTRY",
        "metadata_key": {"key": "treadle.limit", "path": [{"key": "operation"}]},
    }
}


def tier(gateway: Gateway) -> Rules:
    """The buckets of all tiers, and of all operations that set a limit of their own."""
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


def throttle(gateway: Gateway) -> Rules:
    """A bucket for each consumer that is throttled."""
    buckets = [
        {"entries": [{"key": "consumer", "value": each.consumer}], "token_bucket": bucket(each.limit, gateway.replicas)}
        for each in sorted(gateway.throttles, key=lambda each: each.consumer)
    ]
    # X-RateLimit-* are the tier's: two filters that tell them would tell two.
    return Rules("THROTTLED", [{"actions": [BY_CONSUMER]}], buckets, shared=True)


def quota(gateway: Gateway, window: str) -> Rules:
    """A bucket for each consumer that is out of quota in one window.

    A call takes twice what it can hold, so that no push, which fills it, lets one through; once the window is over, a
    single token.
    """
    out = [each for each in gateway.exhausted if each.window == window]
    code, actions = "QUOTA_EXCEEDED", [BY_CONSUMER]
    if not out:
        return Rules(code, [{"actions": actions}])
    end_s = max(each.until_s for each in out)
    # Plain numbers: this is worked out for each call of everybody, and a timestamp would be read from text each time.
    taken = f"%CEL(int(request.time) < {end_s} ? {2 * _QUOTA_SIZE} : 1)%"
    buckets: list[Json] = [
        {"entries": [{"key": "consumer", "value": consumer}], "token_bucket": bucket(Limit(_QUOTA_SIZE))}
        for consumer in sorted({each.consumer for each in out})
    ]
    return Rules(
        code,
        [{"actions": actions, "hits_addend": {"format": taken}}],
        buckets,
        retry_after=f"%CEL({end_s} - int(request.time))%",
    )


def watched(route: Route) -> bool:
    """Whether the limits of an operation are only noted."""
    return not route.public and route.enforcement.limits is not Enforcement.ENFORCE
