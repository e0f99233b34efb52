"""The side of a service that only the gateway reaches: TLS 1.3, with a certificate of one authority on either end.

The authority knows many (consumers have certificates too), so whoever connects must be a gateway by name: the SPIFFE id
`spiffe://DOMAIN/gateway/gateway`, or that of a node of a fleet, `spiffe://DOMAIN/node/NAME`, in the trust domain of our
own certificate. That one is renewed every few hours.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from treadle.secrets.authority import validity

LOOK_S = 30.0


def names(certificate: dict[str, Any] | None) -> list[str]:
    """The URI names in a certificate, as `ssl` tells them."""
    return [str(value) for kind, value in (certificate or {}).get("subjectAltName", ()) if kind == "URI"]


def is_gateway(found: list[str], domain: str) -> bool:
    """Whether these are the names of a gateway: just one, and of such a kind."""
    return len(found) == 1 and (
        found[0] == f"spiffe://{domain}/gateway/gateway" or found[0].startswith(f"spiffe://{domain}/node/")
    )


def only_for_gateways(domain: str) -> type[HttpToolsProtocol]:
    """HTTP for the connections of gateways; those of anybody else end before a byte of them is read."""

    class Known(HttpToolsProtocol):
        known = False

        def connection_made(self, transport: Any) -> None:
            self.known = is_gateway(names(transport.get_extra_info("peercert")), domain)
            if self.known:
                super().connection_made(transport)
            else:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            if self.known:
                super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.known:
                super().connection_lost(exc)

    return Known


def context_of(folder: Path) -> ssl.SSLContext:
    """TLS 1.3 with the certificate in a folder, towards those who have one of its authority."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_3
    found.verify_mode = ssl.CERT_REQUIRED
    found.load_verify_locations(folder / "ca.crt")
    found.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return found


async def follow_renewals(context: ssl.SSLContext, folder: Path) -> None:
    """Until cancelled: show the certificate that is in the folder now. Connections that are open stay."""
    shown = (folder / "tls.crt").read_bytes()
    while True:
        await asyncio.sleep(LOOK_S)
        with contextlib.suppress(OSError):  # it is being renewed in this moment: the old one goes on
            found = (folder / "tls.crt").read_bytes()
            if found != shown:
                context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
                shown = found


class _Beside(uvicorn.Server):
    """A second server of the process; the first one handles signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Any, port: int, folder: Path) -> AsyncIterator[None]:
    """Answer the gateway, and nobody else, on a loopback port. `folder` holds tls.crt, tls.key and ca.crt."""
    context = context_of(folder)
    own = next(name for name in validity((folder / "tls.crt").read_bytes()).names if name.startswith("spiffe://"))
    config = uvicorn.Config(
        app,
        http=only_for_gateways(own.split("/")[2]),
        ssl_context_factory=lambda *_: context,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _Beside(config)
    with socket.create_server(("127.0.0.1", port)) as listener:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        renewing = asyncio.ensure_future(follow_renewals(context, folder))
        try:
            yield
        finally:
            server.should_exit = True
            renewing.cancel()
            await asyncio.gather(serving, renewing, return_exceptions=True)
