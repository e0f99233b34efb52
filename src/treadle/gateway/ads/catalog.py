"""What nodes should run, encoded once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from treadle.base.canon import canonical, digest
from treadle.gateway.envoy.snapshot import Moving, Snapshot, version
from treadle.gateway.schema import Schema

TYPES: Mapping[Moving, str] = {
    Moving.CLUSTERS: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    Moving.ENDPOINTS: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    Moving.FILTERS: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    Moving.RUNTIME: "type.googleapis.com/envoy.service.runtime.v3.Runtime",
    Moving.ROUTES: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}
"""The type URL of each kind, in the order in which a change is made: what is referred to comes first."""

KINDS: Mapping[str, Moving] = {url: kind for kind, url in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one version. `entry` is a serialized envoy.service.discovery.v3.Resource, ready to send."""

    name: str
    version: str
    entry: bytes = field(repr=False)


Resources = Mapping[str, Resource]


@dataclass(frozen=True)
class Catalog:
    """Everything a node should run: resources by kind and name. Two equal digests are one configuration."""

    resources: Mapping[Moving, Resources]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """The digest covers names and versions, and a version is a digest of what it names."""
        parts = [[kind, sorted((each.name, each.version) for each in self.of(kind).values())] for kind in Moving]
        object.__setattr__(self, "digest", digest(canonical(parts)))

    def of(self, kind: Moving) -> Resources:
        """The resources of a kind, by name."""
        return self.resources.get(kind, {})

    def changed(self, kind: Moving, put: Resources, gone: tuple[str, ...] = ()) -> Catalog:
        """The same with some resources of a kind put in or taken out."""
        kept = {name: each for name, each in {**self.of(kind), **put}.items() if name not in gone}
        return Catalog({**self.resources, kind: kept})


NOTHING = Catalog({})


def encode(snapshot: Snapshot, schema: Schema, before: Catalog = NOTHING) -> Catalog:
    """A snapshot in the engine's words. What `before` has in the same version is not encoded again.

    Raises UnknownToEngineError.
    """
    entry = schema.message("envoy.service.discovery.v3.Resource")
    found: dict[Moving, dict[str, Resource]] = {}
    for kind, resources in snapshot.moving():
        found[kind] = {}
        for name, resource in resources.items():
            now = version(resource)
            old = before.of(kind).get(name)
            if old is None or old.version != now:
                body = {"type_url": TYPES[kind], "value": schema.encode(resource, name)}
                told = entry(name=name, version=now, resource=body)
                old = Resource(name, now, told.SerializeToString())
            found[kind][name] = old
    return Catalog(found)
