"""One stream of live values for every page that is open.

Each second the moment is compared with the one before, what changed is encoded once, and the same bytes go to every
client. A client gets everything first and changes after. One that reads too slowly is not waited for: what it has
missed is thrown away and replaced by everything. While nobody looks, nothing is computed.

The format is that of server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html: the event
`full` or `delta`, its data `{"values": {key: text}, "lists": {name: [row]}}`, its id the number of the tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping

import orjson

from treadle.web.moment import Entry, Lens

CLIENTS_MAX = 64
PENDING_MAX = 8
TICK_S = 1.0
RETRY_MS = 2_000

_log = logging.getLogger(__name__)

Lists = Mapping[str, tuple[Entry, ...]]


class TooManyClients(Exception):  # noqa: N818 - a condition that the caller answers, not a fault
    """No further stream is opened, or none at all because the console is ending."""


class _Client:
    """What one open page has not been sent yet."""

    def __init__(self) -> None:
        self.pending: deque[bytes] = deque()
        self.wake = asyncio.Event()


class Stream:
    """Fans ticks out to pages. All methods belong to one event loop; `close` ends every stream at once."""

    def __init__(self, lens: Lens, *, tick_s: float = TICK_S) -> None:
        self._lens = lens
        self._tick_s = tick_s
        self._clients: set[_Client] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._closed = False
        self._number = 0
        self._values: dict[str, str] = {}
        self._lists: Lists = {}

    @property
    def clients(self) -> int:
        """How many pages are open."""
        return len(self._clients)

    def open(self) -> AsyncIterator[bytes]:
        """Chunks for one page, until it goes away or the console ends. Raises TooManyClients."""
        if self._closed or len(self._clients) >= CLIENTS_MAX:
            raise TooManyClients
        return self._chunks(_Client())

    def close(self) -> None:
        """End every stream, and open none again."""
        self._closed = True
        for client in self._clients:
            client.wake.set()
        if self._ticker is not None:
            self._ticker.cancel()

    async def _chunks(self, client: _Client) -> AsyncIterator[bytes]:
        # A client is one once it reads: a response that is never begun would not be counted out again.
        if self._closed or len(self._clients) >= CLIENTS_MAX:
            return
        self._clients.add(client)
        try:
            if self._ticker is None:
                self._tick()
                self._ticker = asyncio.create_task(self._run())
            yield b"retry: %d\n\n" % RETRY_MS + self._full()
            while not self._closed:
                client.wake.clear()
                while client.pending:
                    yield client.pending.popleft()
                    if self._closed:
                        return
                await client.wake.wait()
        finally:
            self._clients.discard(client)

    async def _run(self) -> None:
        """Tick while anybody looks."""
        try:
            while self._clients:
                await asyncio.sleep(self._tick_s)
                try:
                    self._publish(self._tick())
                except Exception:  # noqa: BLE001 - one bad tick must not end the stream of every page
                    _log.exception("a tick of the console failed")
        finally:
            self._ticker = None

    def _tick(self) -> bytes:
        """Look once, and encode what differs from the tick before."""
        moment = self._lens.moment()
        values, lists = dict(moment.values), moment.lists
        changed = {key: text for key, text in values.items() if self._values.get(key) != text}
        relisted = {name: rows for name, rows in lists.items() if self._lists.get(name) != rows}
        self._values, self._lists = values, lists
        self._number += 1
        return self._encode("delta", changed, relisted)

    def _publish(self, chunk: bytes) -> None:
        full: bytes | None = None
        for client in self._clients:
            if len(client.pending) >= PENDING_MAX:
                client.pending.clear()
                full = full or self._full()
                client.pending.append(full)
            else:
                client.pending.append(chunk)
            client.wake.set()

    def _full(self) -> bytes:
        return self._encode("full", self._values, self._lists)

    def _encode(self, event: str, values: Mapping[str, str], lists: Lists) -> bytes:
        # JSON has no raw line break, so one data line holds it all.
        data = orjson.dumps({"values": values, "lists": lists})
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self._number, event.encode(), data)
