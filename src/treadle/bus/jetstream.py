"""One connection to NATS and the JetStream API over it, as raw JSON.

The client library has no methods for priority groups, and its own reply inbox is not the user's private one; the API
itself is stable and small. Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import nats.errors
import orjson
from nats.aio.client import Client

from treadle.base.errors import EngineError
from treadle.bus.record import Receipt

_log = logging.getLogger("treadle.bus")

NOT_FOUND = frozenset({10014, 10037, 10059})
"""`err_code` of a consumer, a message and a stream that do not exist."""


async def connect(
    url: str,
    user: str,
    password: str,
    *,
    name: str,
    wait_s: float | None = 10.0,
    on_closed: Callable[[], None] = lambda: None,
) -> Client:
    """Connect as one user of the bus, whose only inbox is `_INBOX.<user>`, and reconnect for ever.

    `wait_s` bounds the first connection; None waits until the server is there. `on_closed` is called where the server
    ends the connection for good (a password that was changed, a broken protocol): start again. Raises EngineError
    `bus-unreachable` or `bus-forbidden`.
    """
    nc = Client()
    watch = _Watch(nc, name, on_closed)
    connecting = asyncio.create_task(
        nc.connect(
            url,
            user=user,
            password=password,
            name=name,
            inbox_prefix=f"_INBOX.{user}",
            error_cb=watch.error,
            disconnected_cb=watch.lost,
            reconnected_cb=watch.back,
            closed_cb=watch.closed,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=10,
            max_outstanding_pings=2,
            pending_size=8 * 1024 * 1024,
            reconnect_to_server_handler=lambda servers, _: (servers[0], 0.2),
        )
    )
    forbidden = asyncio.create_task(watch.forbidden.wait())
    try:
        await asyncio.wait({connecting, forbidden}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
            watch.connected = True
            return nc
        if watch.forbidden.is_set():
            raise EngineError("bus-forbidden", f"NATS refused the password of user {user}", "restart the fabric")
        raise EngineError("bus-unreachable", f"NATS does not answer at {url}", "start the fabric: treadle up")
    finally:
        forbidden.cancel()
        if not watch.connected:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            await nc.close()


class _Watch:
    """Says once that the connection was lost and once that it is back, not at every attempt."""

    def __init__(self, nc: Client, name: str, on_closed: Callable[[], None]) -> None:
        self._nc = nc
        self._name = name
        self._on_closed = on_closed
        self.connected = False
        self.forbidden = asyncio.Event()

    async def lost(self) -> None:
        if self.connected and not self._nc.is_closed:
            self.connected = False
            _log.warning("%s: lost the connection to NATS", self._name)

    async def back(self) -> None:
        self.connected = True
        _log.warning("%s: connected to NATS again", self._name)

    async def closed(self) -> None:
        self._on_closed()

    async def error(self, error: Exception) -> None:
        if "authorization violation" in str(error).lower() and not self.forbidden.is_set():
            self.forbidden.set()
            _log.warning("%s: NATS refuses the password", self._name)
            self._on_closed()
        elif self.connected and not isinstance(error, OSError | nats.errors.UnexpectedEOF):
            _log.warning("%s: %s", self._name, error)


class JetStream:
    """The JetStream API over one connection."""

    def __init__(self, nc: Client, *, timeout_s: float = 5.0) -> None:
        self.nc = nc
        self._timeout_s = timeout_s

    @property
    def consumer_info(self) -> str:
        """Where this user asks about a consumer: a group asks across accounts (see `nats_conf`)."""
        grouped = str(self.nc.options.get("user", "")).startswith("group_")
        return "group.info." if grouped else "$JS.API.CONSUMER.INFO."

    async def call(self, verb: str, body: Any = None, *, prefix: str = "$JS.API.") -> dict[str, Any]:
        """Ask the API. An answer with an `error` of NOT_FOUND is returned, any other raises `bus-refused`."""
        answer = await self.request(prefix + verb, orjson.dumps(body) if body is not None else b"")
        found: dict[str, Any] = orjson.loads(answer)
        error = found.get("error")
        if error and error.get("err_code") not in NOT_FOUND:
            raise EngineError("bus-refused", f"NATS refused {verb}: {error.get('description')}", "see the log of nats")
        return found

    async def publish(self, subject: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Publish and wait until the message is kept."""
        answer = orjson.loads(await self.request(subject, body, headers))
        if error := answer.get("error"):
            raise EngineError(
                "bus-refused",
                f"NATS did not keep a message on {subject}: {error.get('description')}",
                "see the log of nats",
            )
        return Receipt(answer["stream"], answer["seq"], answer.get("duplicate", False))

    async def request(self, subject: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """One request and its answer. Raises EngineError `stream-missing` or `bus-unreachable`."""
        try:
            given = dict(headers) if headers else None
            message = await self.nc.request(subject, body, timeout=self._timeout_s, headers=given)
        except nats.errors.NoRespondersError as error:
            raise EngineError("stream-missing", f"nothing keeps {subject}", "apply the contracts") from error
        except (nats.errors.Error, OSError) as error:
            raise EngineError(
                "bus-unreachable", f"NATS did not answer on {subject}: {error or type(error).__name__}", "is NATS up?"
            ) from error
        return message.data
