"""Who is at the other end: certificates with SPIFFE ids, read again for each handshake so that they can rotate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.base.errors import InputError
from treadle.gateway.ads.wire import ProtocolError

if TYPE_CHECKING:
    import grpc

_SPIFFE = "peer_spiffe_id"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Three files in PEM: who one is (`chain`, `key`), and who says who the others are (`authority`)."""

    chain: Path
    key: Path
    authority: Path

    def server(self) -> grpc.ServerCredentials:
        """A certificate is demanded of each node. Raises InputError `certificate-unreadable`."""
        import grpc

        def read() -> grpc.ServerCertificateConfiguration:
            key, chain, authority = self._read()
            return grpc.ssl_server_certificate_configuration([(key, chain)], authority)

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            try:
                return read()
            except InputError:
                return None  # in the middle of a rotation: what was read last stays

        return grpc.dynamic_ssl_server_credentials(read(), fetch, require_client_authentication=True)

    def channel(self) -> grpc.ChannelCredentials:
        """For a node. Raises InputError `certificate-unreadable`."""
        import grpc

        key, chain, authority = self._read()
        return grpc.ssl_channel_credentials(authority, key, chain)

    def _read(self) -> tuple[bytes, bytes, bytes]:
        try:
            return self.key.read_bytes(), self.chain.read_bytes(), self.authority.read_bytes()
        except OSError as why:
            raise InputError(
                "certificate-unreadable",
                f"{why.filename} cannot be read: {why.strerror}",
                "name readable files in PEM",
            ) from None


def name_of(auth: Mapping[str, Sequence[bytes]], said: str, within: str = "") -> str:
    """What a node is called: by its certificate where there is TLS, else by itself. Raises ProtocolError.

    `within` is how its SPIFFE id has to begin: a certificate of the same authority makes nobody a node. One that calls
    itself otherwise than its certificate does is not believed.
    """
    if b"ssl" not in auth.get("transport_security_type", ()):
        return said
    ids = [each.decode("ascii", "replace") for each in auth.get(_SPIFFE, ())]
    if len(ids) != 1 or not ids[0].startswith(within or "spiffe://"):
        raise ProtocolError("this certificate is not that of a node")
    name = ids[0].removeprefix(within) if within else ids[0].rpartition("/")[2]
    if said and said != name:
        raise ProtocolError(f"a node calls itself {said[:100]!r} and its certificate {name[:100]!r}")
    return name
