"""The words of Envoy's local rate limiter: token buckets in the process, one for each value of a descriptor.

Every limit is told in two forms. One refuses, with 429 and the code of the limit in `x-treadle-limited`. One lets the
call through and notes the code in a request header of that name, for contracts whose limits are not enforced yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from treadle.contract.model import Json, Limit
from treadle.gateway.envoy.typed import CONSUMER, ISSUER, extension

FLEET = "treadle-fleet"
"""The cluster whose members share each limit: the gateways of one fabric."""
LIMITED = "x-treadle-limited"
"""The header that names the limit that a call met: of the answer where it was refused, of the request where not."""
BY_CONSUMER = {"request_headers": {"header_name": CONSUMER, "descriptor_key": "consumer"}}
"""Who calls, from the verified token alone: whatever a client sends under this name is gone before any filter."""
BY_ISSUER = {"request_headers": {"header_name": ISSUER, "descriptor_key": "issuer"}}
"""Whose token it is: two clients of one name that nobody listed are two consumers where their issuers differ."""

_TYPE = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_NEVER = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}
_UNBOUNDED = Limit(1_000_000_000)
_BUCKETS_MAX = 10_000  # for each wildcard; the least recently used goes first. Envoy's own default is 20.


@dataclass(frozen=True, slots=True)
class Rules:
    """One kind of limit. `code` is what a call that meets it is told.

    `counted` are Envoy's rate limits: what a call is counted under, and for how much. `buckets` are its descriptors; an
    entry without a value has a bucket for each value. What no descriptor matches is not limited, and without
    descriptors nothing is. `shared` limits hold for the whole fleet. `retry_after` is a format string that goes before
    Envoy's own answer, the seconds until the next token.
    """

    code: str
    counted: list[Json]
    buckets: list[Json] = field(default_factory=list)
    shared: bool = False
    retry_after: str = ""


def bucket(limit: Limit, replicas: int = 1) -> Json:
    """A bucket that holds its burst and refills `requests` continuously over `per_s` seconds.

    One of `replicas` gateways takes as many tokens for a call, so the bucket holds at least that many.
    """
    size = max(limit.size, replicas)
    return {"max_tokens": size, "tokens_per_fill": limit.requests, "fill_interval": f"{limit.per_s}s"}


def counted(*actions: Json, **more: Json) -> Json:
    """A call is counted under what all these actions say, and is told the state of the bucket in X-RateLimit-*."""
    return {"actions": list(actions), "x_ratelimit_option": "DRAFT_VERSION_03", **more}


def enforcing(name: str, rules: Rules) -> Json:
    """The filter that refuses a call beyond a limit."""
    told = [_set(LIMITED, rules.code)]
    if rules.retry_after:
        told.append(_set("retry-after", rules.retry_after))
    return _filter(name, rules, _ALWAYS, response_headers_to_add=told, enable_retry_after_header=True)


def observing(name: str, rules: Rules) -> Json:
    """The filter that notes a call beyond a limit. The first limit that is met gives the code; no answer tells of it.

    It has buckets of its own: what is only observed takes nothing from what is enforced.
    """
    silent = [{key: value for key, value in each.items() if key != "x_ratelimit_option"} for each in rules.counted]
    first = _set(LIMITED, rules.code) | {"append_action": "ADD_IF_ABSENT"}
    noted = [first]
    return _filter(name, rules, _NEVER, rate_limits=silent, request_headers_to_add_when_not_enforced=noted)


def chained(name: str, filters: list[Json]) -> Json:
    """Several filters that are delivered as one; none at all costs nothing.

    Envoy needs a watch of the system for each file that it is given, and there are only so many (inotify(7)).
    """
    chain = {"default_filter_chain": {"filters": filters}} if filters else {}
    return extension(name, "extensions.filters.http.filter_chain.v3.FilterChainConfig", **chain)


def _filter(name: str, rules: Rules, enforced: Json, **more: Json) -> Json:
    config: dict[str, Json] = {
        "stat_prefix": name,
        "token_bucket": bucket(_UNBOUNDED),
        "always_consume_default_token_bucket": False,
        "filter_enforced": enforced,
        "max_dynamic_descriptors": _BUCKETS_MAX,
        "rate_limits": rules.counted,
        "descriptors": rules.buckets,
    }
    if rules.buckets:  # one that is not enabled at all is passed at once
        config["filter_enabled"] = _ALWAYS
    if rules.shared:
        config["local_cluster_rate_limit"] = {}
    return extension(name, _TYPE, **config | more)


def _set(key: str, value: str) -> dict[str, Json]:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
