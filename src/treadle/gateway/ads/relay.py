"""A node's own control plane: follows the fleet's, serves the Envoy beside it, and keeps what that took on disk.

What the fleet's control plane hears is what this node's Envoy said. While it is away the Envoy is served from here,
also after a restart of either of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from treadle.gateway.ads.catalog import NOTHING, Catalog, Resource
from treadle.gateway.ads.client import AdsClient
from treadle.gateway.ads.conversation import Conversation
from treadle.gateway.ads.server import AdsServer
from treadle.gateway.ads.store import LastGood
from treadle.gateway.ads.tls import Credentials
from treadle.gateway.ads.wire import Response, Wire
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.schema import Schema

_log = logging.getLogger("treadle.gateway.ads")


@dataclass(slots=True)
class Relay:
    """`node` is the name of both: of this node in the fleet, and of its Envoy. `folder` is where the last good lies."""

    schema: Schema
    node: str
    target: str
    folder: Path
    credentials: Credentials | None = None
    before_routes: Callable[[], Awaitable[None]] | None = None
    """Returns when all that new routes lead to is ready for them; until then the Envoy is not told of them."""
    after_routes: Callable[[], Awaitable[None]] | None = None
    """Is told that the Envoy took routes."""
    server: AdsServer = field(init=False)
    client: AdsClient = field(init=False)
    _store: LastGood = field(init=False)
    _good: Catalog = NOTHING
    """What the Envoy took."""
    _wanted: Catalog = NOTHING
    """What it is asked to take."""
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Nothing is read or opened yet."""
        wire = Wire(self.schema)
        self.server = AdsServer(self.schema)
        self._store = LastGood(self.folder, wire)
        self.client = AdsClient(wire, self.node, self.target, self._have, self._judge, self.credentials)

    @contextlib.asynccontextmanager
    async def running(self, socket: Path) -> AsyncIterator[Relay]:
        """Serve on a Unix socket, from the disk at once, and follow the control plane. Raises EngineError."""
        kept = await asyncio.to_thread(self._store.load)
        if kept:
            self._good = self._wanted = kept
            self.server.publish(kept)
        await self.server.start(unix=socket)
        following = asyncio.create_task(self.client.run())
        try:
            yield self
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.server.stop()

    def _have(self) -> Mapping[Moving, Mapping[str, str]]:
        # What was being tried when a stream ended is tried anew.
        self._wanted = self._good
        return {kind: {name: each.version for name, each in self._good.of(kind).items()} for kind in Moving}

    async def _judge(self, response: Response) -> str:
        """Have the Envoy take it; wait for as long as there is no Envoy. Its words where it does not."""
        put = {each.name: each for each in response.put}
        routes = response.kind is Moving.ROUTES
        if routes and self.before_routes:
            await self.before_routes()
        self._wanted = self._wanted.changed(response.kind, put, response.gone)
        self.server.publish(self._wanted)
        await self.server.until(lambda: self._decided(response), None)
        refused = self._refused(response)
        words = "; ".join(f"{name}: {said}" for name, said in refused.items())
        taken = {name: each for name, each in put.items() if name not in refused}
        self._good = self._good.changed(response.kind, taken, response.gone)
        for name in refused:
            old = self._good.of(response.kind).get(name)
            back: dict[str, Resource] = {name: old} if old else {}
            self._wanted = self._wanted.changed(response.kind, back, () if old else (name,))
        if refused:
            self.server.publish(self._wanted)
        async with self._saving:
            try:
                await asyncio.to_thread(self._store.save, self._good)
            except OSError as why:
                # It runs all the same; only a restart while the control plane is away would not know it.
                _log.warning("the last good configuration cannot be kept: %s", why)
        if routes and not refused and self.after_routes:
            await self.after_routes()
        return words

    def _decided(self, response: Response) -> bool:
        envoy = self._envoy
        return envoy is not None and all(
            envoy.holds(response.kind, each.name) == each.version
            or each.name in self._refused(response)
            or (response.kind is Moving.ENDPOINTS and not envoy.asks_for(response.kind, each.name))
            for each in response.put
        )

    def _refused(self, response: Response) -> Mapping[str, str]:
        envoy = self._envoy
        known = envoy.memory.refused if envoy else {}
        versions = {each.name: each.version for each in response.put}
        return {
            name: words
            for (kind, name), (version, words) in known.items()
            if kind is response.kind and versions.get(name) == version
        }

    @property
    def _envoy(self) -> Conversation | None:
        return self.server.nodes.get(self.node)
