"""Which contracts an engine's words are about. Pure.

Envoy judges every contract alone before anything is pushed. What a node refuses all the same is of its own (a version
of Envoy, a file that is not there); the table of routes is one resource, and its words are all there is to go by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from treadle.gateway.ads.conversation import Refused
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.ir import Fault, Gateway

_WORD = re.compile(r"[A-Za-z0-9_.{}/@#-]+")


def faults_of(refused: Iterable[Refused], gateway: Gateway) -> tuple[Fault, ...]:
    """A fault of each contract that is named; one without a contract where none is: leaving one out mends nothing."""
    found: set[Fault] = set()
    for each in refused:
        words = {word.rstrip(".") for word in _WORD.findall(each.words)}
        named = [
            api.contract
            for api in gateway.apis
            if (each.kind in (Moving.CLUSTERS, Moving.ENDPOINTS) and each.name in {up.name for up in api.upstreams})
            or words & _names(api.contract, ((route.operation, route.template, route.stamp) for route in api.routes))
        ]
        said = f"{each.kind} {each.name}: {each.words}"
        found |= {Fault(contract, said) for contract in named} or {Fault("", said)}
    return tuple(sorted(found))


def _names(contract: str, routes: Iterable[tuple[str, str, str]]) -> set[str]:
    return {contract, *(word for route in routes for word in route)}
