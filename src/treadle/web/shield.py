"""What stands before every page and every route of the control process: who may ask, and what a browser may do.

Source: Content Security Policy Level 3, https://www.w3.org/TR/CSP3/; on DNS rebinding, the Host check is the only
thing that tells a page of another site, whose name was pointed at this machine, from one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from treadle.web.envelope import envelope

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)


class Shield:
    """Refuses requests for a foreign host, and sends the security headers with every answer.

    `hosts` are further names under which an operator publishes the console, as `name` or `name:port`.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the class says it
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http" and not self._welcome(scope):
            refusal = envelope(
                scope, 400, "BAD_REQUEST", "this host name is not served here: use 127.0.0.1 or localhost with our port"
            )
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _welcome(self, scope: Scope) -> bool:
        """Whether the one Host header names this machine, with our port or with none."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            return False
        host = given[0].decode("latin-1").lower()
        if host in self._hosts:
            return True
        match = _HOST.fullmatch(host)
        if match is None or match[1] not in _LOOPBACK:
            return False
        server = scope.get("server")
        return match[2] is None or (server is not None and int(match[2]) == server[1])
