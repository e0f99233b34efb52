"""What the compiler hands over: everything one Envoy node is to run, in parts that move on their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from treadle.base.canon import canonical, digest
from treadle.contract.model import Json
from treadle.gateway.envoy.node import NodeSettings


class Moving(StrEnum):
    """The kinds of resource that change while a node runs, named after their discovery services."""

    CLUSTERS = "cds"
    ENDPOINTS = "eds"
    FILTERS = "ecds"
    RUNTIME = "rtds"
    ROUTES = "rds"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One node's whole configuration.

    `bootstrap` is fixed for the life of a process; the rest changes while it runs, each a resource by its name:
    `clusters`, `endpoints` (load assignments), `filters` of the chain, `runtime` (layers), `routes` (tables). `whole`
    has all of them inlined and touches no port, no log and no certificate: the engine judges it. `stamps` are the
    contracts in it. Certificates are files of each node and never part of it.
    """

    node: NodeSettings
    bootstrap: Json
    clusters: Mapping[str, Json]
    endpoints: Mapping[str, Json]
    filters: Mapping[str, Json]
    runtime: Mapping[str, Json]
    routes: Mapping[str, Json]
    whole: Json
    stamps: tuple[str, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """The digest covers what runs; two equal digests are one behaviour."""
        parts = [self.bootstrap, *(dict(resources) for _, resources in self.moving())]
        object.__setattr__(self, "digest", digest(canonical(parts)))

    def moving(self) -> Iterator[tuple[Moving, Mapping[str, Json]]]:
        """What moves, kind by kind, in the order in which it is to be pushed: what is referred to comes first."""
        yield Moving.CLUSTERS, self.clusters
        yield Moving.ENDPOINTS, self.endpoints
        yield Moving.FILTERS, self.filters
        yield Moving.RUNTIME, self.runtime
        yield Moving.ROUTES, self.routes


def discovery(*resources: Json) -> bytes:
    """A discovery file. Its version is a digest of what is in it, so that equal content is equal bytes."""
    return canonical({"resources": resources, "version_info": version(*resources)})


def version(*resources: Json) -> str:
    """What Envoy reports once it runs these resources: 16 hexadecimal characters."""
    return digest(canonical(resources)).removeprefix("sha256:")[:16]
