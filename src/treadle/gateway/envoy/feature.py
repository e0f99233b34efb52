"""What an Envoy feature is: a name and the places where it adds to the configuration.

A feature fills the hooks that it needs and leaves out the others. Hooks are pure. What features return for one
place is merged in their order: objects key by key, lists one after the other. Two features that set one value
differently contradict each other, which is a bug and raises ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from treadle.contract.model import Json
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.ir import Gateway, Route, Upstream


@dataclass(frozen=True, slots=True)
class Feature:
    """One capability of the gateway.

    Fixed for the life of a process: `bootstrap`, `listener`, `transport` and `manager` give fields of the bootstrap,
    the listener, its filter chain and the HTTP connection manager; `onward_manager` those of the manager that takes
    calls back from the guard hop; `http_filter` gives one filter of the chain, at this feature's position. One that is
    `on_demand` costs nothing but on routes that carry a configuration for it, which switches it on there.

    Moving while it runs, without draining a connection: `table` gives fields of the route table, `route` of one
    operation's route, `unmatched` of the routes that answer 405 (with the operations of that template) and 404 (with
    none), `before` of routes that go before the operations of a template: pairs of a condition on the call and fields;
    a filter answers there, and what none answers is forbidden. `cluster` gives fields of an upstream's cluster,
    `secured` those of it that name files of the node, `runtime` of the runtime layer, `endpoints` whole load
    assignments by name. `moving_filters` are filters of the chain too, delivered apart (ECDS): only its own change
    renews one.

    An operation's call leaves the gateway by `forward` (fields of its route that say how it is sent) and by one of
    `destinations`: pairs of a further condition on the call and fields that say where it goes, the last one without a
    condition. Exactly one feature has destinations. A guarded call leaves to the guard hop first, and both apply when
    it comes back.
    """

    name: str
    on_demand: bool = False
    bootstrap: Callable[[Gateway, NodeSettings], Json] | None = None
    listener: Callable[[Gateway, NodeSettings], Json] | None = None
    transport: Callable[[Gateway, NodeSettings], Json] | None = None
    manager: Callable[[Gateway, NodeSettings], Json] | None = None
    onward_manager: Callable[[Gateway, NodeSettings], Json] | None = None
    http_filter: Callable[[Gateway, NodeSettings], Json] | None = None
    moving_filters: Callable[[Gateway], list[Json]] | None = None
    table: Callable[[Gateway], Json] | None = None
    route: Callable[[Route], Json] | None = None
    forward: Callable[[Route], Json] | None = None
    destinations: Callable[[Route], list[tuple[Json, Json]]] | None = None
    unmatched: Callable[[tuple[Route, ...]], Json] | None = None
    before: Callable[[tuple[Route, ...]], list[tuple[Json, Json]]] | None = None
    cluster: Callable[[Upstream], Json] | None = None
    secured: Callable[[Upstream, NodeSettings], Json] | None = None
    runtime: Callable[[Gateway], Json] | None = None
    endpoints: Callable[[Gateway], dict[str, Json]] | None = None


def merge(parts: Iterable[Json]) -> Json:
    """One object of many. Raises ValueError where two parts disagree."""
    whole: dict[str, Any] = {}
    for part in parts:
        _into(whole, part, "")
    return whole


def _into(whole: dict[str, Any], part: dict[str, Any], at: str) -> None:
    for key, value in part.items():
        old = whole.get(key)
        if key not in whole:
            whole[key] = dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        elif isinstance(old, dict) and isinstance(value, dict):
            whole[key] = old = dict(old)
            _into(old, value, f"{at}/{key}")
        elif isinstance(old, list) and isinstance(value, list):
            whole[key] = [*old, *value]
        elif old != value:
            raise ValueError(f"{at}/{key}: {old!r} and {value!r}")
