"""What an operation's `envoy_patch` may change: how its call is sent, and nothing of what the contract promises.

Who may call, what is checked, limited, counted and logged, where a call goes and which headers tell of it, how long it
may last and how often it may be repeated: all of that has words of its own in the contract, where it can be read,
judged and compared. A patch that could reach it would switch law off where nobody looks. What is left is for Envoy to
judge.
"""

from __future__ import annotations

from collections.abc import Mapping

from treadle.contract.model import Json

RETRIES_MAX = 5
_ANY: Mapping[str, Json] = {}
_RETRIES = {
    "num_retries": _ANY,
    "per_try_timeout": _ANY,
    "per_try_idle_timeout": _ANY,
    "retry_back_off": _ANY,
    "rate_limited_retry_back_off": _ANY,
}
FREE: Mapping[str, Json] = {
    "route": {
        "hash_policy": _ANY,
        "auto_host_rewrite": _ANY,
        "idle_timeout": _ANY,
        "flush_timeout": _ANY,
        "max_stream_duration": _ANY,
        "retry_policy": _RETRIES,
    }
}
"""Fields of Envoy's route that a patch may set; an empty mapping stands for whatever is below."""


def overreach(patch: Json) -> str:
    """Why a patch goes too far, in words; empty where it does not."""
    if patch is None:
        return ""
    if found := _beyond(patch, FREE, "envoy_patch"):
        return found
    retries = patch.get("route", {}).get("retry_policy", {}).get("num_retries")
    if retries is not None and (not isinstance(retries, int) or not 0 <= retries <= RETRIES_MAX):
        return (
            f"envoy_patch.route.retry_policy.num_retries is {retries!r}; a number up to {RETRIES_MAX} may stand there"
        )
    return ""


def _beyond(value: Json, free: Mapping[str, Json], at: str) -> str:
    if not isinstance(value, dict):
        return f"{at} is no mapping of fields"
    for key, each in value.items():
        if key not in free:
            return f"{at}.{key} may not be patched; {at} may have {', '.join(free)}"
        if free[key] and (found := _beyond(each, free[key], f"{at}.{key}")):
            return found
    return ""
