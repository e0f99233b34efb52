"""The words of Envoy's local rate limiter: token buckets in the process, one for each value of a descriptor."""

from __future__ import annotations

from treadle.contract.model import Json, Limit

_TYPE = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_UNBOUNDED = Limit(1_000_000_000)
_BUCKETS_MAX = 10_000  # for each wildcard; the least recently used goes first. Envoy's own default is 20.


def bucket(limit: Limit) -> Json:
    """A bucket that holds its burst and refills `requests` continuously over `per_s` seconds."""
    return {"max_tokens": limit.size, "tokens_per_fill": limit.requests, "fill_interval": f"{limit.per_s}s"}


def limiter(name: str, *, rate_limits: Json, descriptors: Json, headers: bool) -> tuple[str, dict[str, Json]]:
    """Type and configuration of one limiter. An entry of a descriptor without a value has a bucket for each value.

    `headers` says the state of the bucket in X-RateLimit-*; Retry-After comes with every refusal. What no descriptor
    matches is not limited.
    """
    return _TYPE, {
        "stat_prefix": name,
        "token_bucket": bucket(_UNBOUNDED),
        "always_consume_default_token_bucket": False,
        "filter_enabled": _ALWAYS,
        "filter_enforced": _ALWAYS,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03" if headers else "OFF",
        "enable_retry_after_header": True,
        "max_dynamic_descriptors": _BUCKETS_MAX,
        "rate_limits": rate_limits,
        "descriptors": descriptors,
    }
