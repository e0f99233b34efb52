"""One HTTP request to a loopback address, on the standard library: verbs and stories start quickly."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from treadle.base.errors import EngineError

TIMEOUT_S = 30.0
BODY_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed. Raises EngineError `remote-not-json`."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as why:
            raise EngineError(
                "remote-not-json", f"a reply with status {self.status} is not JSON: {why}", "run: treadle status"
            ) from None


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    ca: str | None = None,
    certificate: str | None = None,
) -> Reply:
    """Send one request, over TLS to whom `ca` (a PEM file) certifies. Raises EngineError `remote-unreachable`.

    `certificate` is the folder of one that is shown there.
    """
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, ca, certificate)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        reply = connection.getresponse()
        said = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(reply.status, said, reply.read(BODY_BYTES_MAX))
    except (OSError, http.client.HTTPException) as why:
        where = f"{parts.scheme}://{parts.netloc}"
        raise EngineError("remote-unreachable", f"{where} does not answer: {why}", "run: treadle status") from None
    finally:
        connection.close()


def _connection(
    scheme: str, host: str, port: int | None, ca: str | None, certificate: str | None
) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port or 80, timeout=TIMEOUT_S)
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate:
            context.load_cert_chain(f"{certificate}/tls.crt", f"{certificate}/tls.key")
    except OSError as why:
        raise EngineError(
            "remote-unreachable", f"{ca} or {certificate} cannot be read: {why}", "run: treadle status"
        ) from None
    return http.client.HTTPSConnection(host, port or 443, timeout=TIMEOUT_S, context=context)
