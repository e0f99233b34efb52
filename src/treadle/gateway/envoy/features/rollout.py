"""Rollout: which of two versions of a service answers a call, and which calls the other one sees as copies.

The share of each version and of the copies is runtime, not route: a change of it moves no route, is live in
milliseconds, and where the runtime is lost, all calls go to the version that serves. A caller may choose a version by
the header that the workspace names. A copy is sent only of what changes nothing and comes to an end, and says that it
is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from treadle.contract.model import Json, Streaming
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Api, Gateway, Repeat, Route

_COPY = {"header": {"key": "x-treadle-copy", "value": "true"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
_PARTS = 10_000  # of one percent: Envoy draws from a million


def _destinations(route: Route) -> list[tuple[Json, Json]]:
    if route.retired:
        return [({}, {"direct_response": {"status": 410}})]
    stable: dict[str, Json] = {"cluster": route.upstream}
    if not route.candidate:
        return [({}, {"route": stable})]
    shares = [{"name": route.upstream, "weight": 100}, {"name": route.candidate, "weight": 0}]
    shared = {"weighted_clusters": {"runtime_key_prefix": _weights(route.contract), "clusters": shares}}
    copied = {"request_mirror_policies": _copies(route)} if _is_copied(route) else {}
    pins = [("candidate", {"cluster": route.candidate}), ("stable", stable | copied)] if route.pin_header else []
    return [
        *(
            ({"headers": [{"name": route.pin_header, "string_match": {"exact": word}}]}, {"route": where})
            for word, where in pins
        ),
        ({}, {"route": shared | copied}),
    ]


def _is_copied(route: Route) -> bool:
    return route.mirrored and route.repeat is Repeat.SAFE and route.streaming is Streaming.NONE


def _copies(route: Route) -> list[Json]:
    """A call that the candidate answers by its share may be copied to it too: Envoy does not tell whom it chose."""
    none = {"default_value": {"numerator": 0, "denominator": "MILLION"}, "runtime_key": _copied(route.contract)}
    copy = {
        "cluster": route.candidate,
        "runtime_fraction": none,
        "request_headers_mutations": [{"append": _COPY}],
        "disable_shadow_host_suffix_append": True,  # or the other version would be asked for a name that is not its own
    }
    return [copy]


def _runtime(gateway: Gateway) -> Json:
    return dict(each for api in gateway.apis for each in _shares(api))


def _shares(api: Api) -> Iterator[tuple[str, Json]]:
    pairs = {(route.upstream, route.candidate) for route in api.routes if route.candidate}
    for stable, candidate in sorted(pairs):
        yield f"{_weights(api.contract)}.{stable}", 100 - api.shift.weight
        yield f"{_weights(api.contract)}.{candidate}", api.shift.weight
    if pairs and api.shift.mirror_percent:
        parts = round(api.shift.mirror_percent * _PARTS)
        yield _copied(api.contract), {"numerator": parts, "denominator": "MILLION"}


def _weights(contract: str) -> str:
    return f"treadle.weight.{contract}"


def _copied(contract: str) -> str:
    return f"treadle.copies.{contract}"


FEATURE = Feature("rollout", destinations=_destinations, runtime=_runtime)
