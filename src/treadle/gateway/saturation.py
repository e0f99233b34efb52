"""How full each upstream is: Envoy's own gauges against the breakers that are in force. Pure.

Numbers of a moment, but for `retries` and `turned_away`, which count since Envoy started.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from treadle.contract.model import Json
from treadle.gateway.ir import Api

_GAUGES = {
    "upstream_rq_active": "active",
    "upstream_rq_pending_active": "pending",
    "upstream_cx_active": "connections",
    "upstream_rq_retry": "retries",
    "membership_total": "endpoints",
    "outlier_detection.ejections_active": "ejected",
}
_OPEN = {"rq_open": "requests", "rq_pending_open": "pending", "cx_open": "connections"}
_OVERFLOWS = ("upstream_rq_active_overflow", "upstream_rq_pending_overflow", "upstream_cx_overflow")
_NAMES = (*_GAUGES, *(f"circuit_breakers.default.{each}" for each in _OPEN), *_OVERFLOWS)
PATTERN = r"^cluster\..+\.(" + "|".join(name.replace(".", r"\.") for name in _NAMES) + ")$"
"""Which of Envoy's statistics this is made of, as its admin interface filters them."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """One upstream now. `contract` is the id of the API that it serves.

    `active`, `pending` and `connections` are calls being answered, calls waiting for a connection, and connections;
    each has its breaker, `*_max`. `open` names the breakers at their limit: further calls are turned away with 503.
    Of `endpoints`, `ejected` are left out because they failed.
    """

    contract: str
    upstream: str
    active: int = 0
    active_max: int = 0
    pending: int = 0
    pending_max: int = 0
    connections: int = 0
    connections_max: int = 0
    open: tuple[str, ...] = ()
    endpoints: int = 0
    ejected: int = 0
    retries: int = 0
    turned_away: int = 0

    @property
    def share(self) -> float:
        """How near the nearest breaker is, in 0..1."""
        pairs = (
            (self.active, self.active_max),
            (self.pending, self.pending_max),
            (self.connections, self.connections_max),
        )
        return max((min(now / most, 1.0) for now, most in pairs if most), default=0.0)


def saturations(apis: Iterable[Api], clusters: Mapping[str, Json], stats: Mapping[str, str]) -> tuple[Saturation, ...]:
    """Every upstream, by contract and name. `clusters` are those in force; what Envoy does not tell of is 0."""
    return tuple(
        _row(api.contract, upstream.name, clusters.get(upstream.name), stats)
        for api in sorted(apis, key=lambda each: each.contract)
        for upstream in api.upstreams
    )


def _row(contract: str, upstream: str, cluster: Json, stats: Mapping[str, str]) -> Saturation:
    def number(name: str) -> int:
        value = stats.get(f"cluster.{upstream}.{name}", "0")
        return int(value) if value.isdigit() else 0

    breaker = ((cluster or {}).get("circuit_breakers") or {}).get("thresholds") or [{}]
    return Saturation(
        contract=contract,
        upstream=upstream,
        active_max=breaker[0].get("max_requests", 0),
        pending_max=breaker[0].get("max_pending_requests", 0),
        connections_max=breaker[0].get("max_connections", 0),
        open=tuple(what for name, what in _OPEN.items() if number(f"circuit_breakers.default.{name}")),
        turned_away=sum(map(number, _OVERFLOWS)),
        **{field: number(name) for name, field in _GAUGES.items()},
    )
