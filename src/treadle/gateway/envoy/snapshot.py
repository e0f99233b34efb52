"""What the compiler hands over: everything one Envoy node is to run, in parts that move on their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from treadle.base.canon import canonical, digest
from treadle.contract.model import Json
from treadle.gateway.envoy.node import NodeSettings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One node's whole configuration.

    `bootstrap` is fixed for the life of a process; `clusters` (by name), `routes` and `filters` (by name) change while
    it runs. `whole` has all of them inlined and touches no port and no log: the engine judges it. `stamps` are
    the contracts in it.
    """

    node: NodeSettings
    bootstrap: Json
    clusters: Mapping[str, Json]
    routes: Json
    filters: Mapping[str, Json]
    whole: Json
    stamps: tuple[str, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """The digest covers what runs; two equal digests are one behaviour."""
        parts = [self.bootstrap, dict(self.clusters), self.routes, dict(self.filters)]
        object.__setattr__(self, "digest", digest(canonical(parts)))


def discovery(*resources: Json) -> bytes:
    """A discovery file. Its version is a digest of what is in it, so that equal content is equal bytes."""
    return canonical({"resources": resources, "version_info": version(*resources)})


def version(*resources: Json) -> str:
    """What Envoy reports once it runs these resources: 16 hexadecimal characters."""
    return digest(canonical(resources)).removeprefix("sha256:")[:16]
