"""Where one gateway node listens and keeps its files: what differs between two nodes of one gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node. `folder` is an absolute path; Envoy reads its resources there and writes the access log.

    `address` and `port` take calls; `admin_port` is on loopback always. `body_bytes_max` bounds a request's body.
    """

    folder: str
    port: int
    admin_port: int
    address: str = "127.0.0.1"
    name: str = "gateway"
    body_bytes_max: int = 1_048_576

    @property
    def bootstrap(self) -> str:
        """What Envoy is started with."""
        return f"{self.folder}/bootstrap.json"

    @property
    def access_log(self) -> str:
        """One JSON line a call."""
        return f"{self.folder}/access.log"

    @property
    def clusters(self) -> str:
        """The discovery file of the upstreams (CDS), alone in its folder: Envoy watches the folder."""
        return f"{self.folder}/cds/clusters.json"

    @property
    def routes(self) -> str:
        """The discovery file of the routes (RDS)."""
        return f"{self.folder}/rds/routes.json"

    def filter(self, name: str) -> str:
        """The discovery file of one filter (ECDS): a folder each, so that a change wakes nobody else."""
        return f"{self.folder}/ecds/{name}/filter.json"
