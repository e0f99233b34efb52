"""Where one gateway node listens and keeps its files: what differs between two nodes of one gateway."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.model import Json


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node. `folder` is an absolute path; Envoy reads its resources there and writes the access log.

    `address` and `port` take calls; `admin_port` is on loopback always. `body_bytes_max` bounds a request's body.
    `hop_socket` is where the guard hop takes calls and `onward_socket` where it sends them on, `drift_socket` where
    sampled answers go, all Unix sockets; empty: in the node's folder. `tls` is the folder of the node's certificates,
    empty for a node that has none and speaks plain HTTP; one that is `plain` takes calls without TLS though it has
    them, behind a balancer that speaks it.
    `carrier` is how what moves reaches the node: `files`, or `ads` from a server on the Unix socket `ads_socket`.
    `client_certificates` is `none`, `optional` or `required`. `authorities` is the PEM file of those that the system
    trusts.
    """

    folder: str
    port: int
    admin_port: int
    address: str = "127.0.0.1"
    name: str = "gateway"
    body_bytes_max: int = 1_048_576
    hop_socket: str = ""
    onward_socket: str = ""
    drift_socket: str = ""
    carrier: str = "files"
    ads_socket: str = ""
    tls: str = ""
    plain: bool = False
    client_certificates: str = "optional"
    authorities: str = "/etc/ssl/certs/ca-certificates.crt"

    @property
    def bootstrap(self) -> str:
        """What Envoy is started with."""
        return f"{self.folder}/bootstrap.json"

    @property
    def access_log(self) -> str:
        """One JSON line a call."""
        return f"{self.folder}/access.log"

    @property
    def hop(self) -> str:
        """The socket of the guard hop."""
        return self.hop_socket or f"{self.folder}/hop.sock"

    @property
    def onward(self) -> str:
        """The socket that takes calls back from the guard hop."""
        return self.onward_socket or f"{self.folder}/onward.sock"

    @property
    def drift(self) -> str:
        """The socket that takes sampled answers."""
        return self.drift_socket or f"{self.folder}/drift.sock"

    def file(self, kind: str, name: str = "all") -> str:
        """The discovery file of one resource, or of all of a kind.

        Each is alone in its folder: Envoy watches folders, so a change wakes nobody else.
        """
        return f"{self.folder}/{kind}/{name}/resources.json"

    def certificate(self, name: str) -> str:
        """One file of the node's certificates, named as Kubernetes does: `tls.crt`, `tls.key`, `ca.crt`."""
        return f"{self.tls}/{name}"

    @property
    def ads(self) -> str:
        """The socket of the delta ADS server beside the node."""
        return self.ads_socket or f"{self.folder}/ads.sock"

    def source(self, kind: str, name: str = "all") -> Json:
        """How Envoy finds a resource that moves. Certificates are files always."""
        if self.carrier == "ads" and kind != "sds":
            return {"ads": {}, "resource_api_version": "V3"}
        path = self.file(kind, name)
        watched = {"path": path, "watched_directory": {"path": path.rpartition("/")[0]}}
        return {"path_config_source": watched, "resource_api_version": "V3"}
