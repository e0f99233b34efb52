"""The carrier over delta ADS: to push is to publish, and to wait for what the node says.

It stands in for the pushes by file of `EnvoyEngine`; both keep the same promises, by the same tests.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from treadle.base.canon import canonical
from treadle.base.errors import EngineError
from treadle.base.files import write_atomically
from treadle.gateway.ads.catalog import NOTHING, Catalog, encode
from treadle.gateway.ads.conversation import Conversation, Verdict
from treadle.gateway.ads.server import AdsServer
from treadle.gateway.engine import EnvoyEngine, Push, RefusedSnapshotError, require_same_bootstrap
from treadle.gateway.envoy.snapshot import Moving, Snapshot
from treadle.gateway.schema import Schema

_LIVE_TIMEOUT_S = 10.0


@dataclass(slots=True)
class AdsCarrier:
    """One node that is served by a server of our own. Its verdicts come in by `heard`."""

    engine: EnvoyEngine
    server: AdsServer
    schema: Schema
    live_timeout_s: float = _LIVE_TIMEOUT_S
    _heard: list[tuple[float, Verdict]] = field(default_factory=list)

    def heard(self, verdict: Verdict) -> None:
        """To be given to the server."""
        self._heard.append((time.perf_counter(), verdict))

    async def prepare(self, snapshot: Snapshot) -> None:
        """Write what Envoy is started with, and publish the rest. Raises RefusedSnapshotError."""
        await asyncio.to_thread(self.engine.validate, snapshot)
        catalog = await asyncio.to_thread(encode, snapshot, self.schema)
        self.server.publish(catalog)
        data = canonical(snapshot.bootstrap)
        await asyncio.to_thread(self._write, snapshot.node.bootstrap, data)

    async def push(self, snapshot: Snapshot, *, judged: bool = False) -> Push:
        """As `EnvoyEngine.push`: the node serves this snapshot when it returns, and no call fails."""
        started = time.perf_counter()
        name = snapshot.node.name
        require_same_bootstrap(snapshot)
        if not judged:
            await asyncio.to_thread(self.engine.validate, snapshot)
        judged_ms = (time.perf_counter() - started) * 1_000
        node = self.server.nodes.get(name)
        if node is None:
            raise EngineError("engine-unreachable", f"the gateway {name} is not connected", "see treadle status")
        old = self.server.catalog or NOTHING
        new = await asyncio.to_thread(encode, snapshot, self.schema, old)
        self._heard.clear()
        self.server.publish(new)
        decided = await self.server.until(lambda: self._decided(name, new), self.live_timeout_s)
        node = self.server.nodes.get(name)
        if node and (refused := node.refused(new)):
            await self._back(name, old)
            raise RefusedSnapshotError("; ".join(f"{each.name}: {each.words}" for each in refused))
        if not decided or node is None:
            await self._back(name, old)
            raise EngineError(
                "engine-stuck" if node else "engine-unreachable",
                f"the gateway {name} did not take what it was given within {self.live_timeout_s:g} s",
                "see the log of the process envoy",
            )
        return Push(snapshot.digest, judged_ms, self._live_ms(name, started, old))

    async def _back(self, name: str, old: Catalog) -> None:
        """What was published before is published again, so that a node that connects later does not differ."""
        self.server.publish(old)
        await self.server.until(lambda: self._decided(name, old), self.live_timeout_s)

    def _decided(self, name: str, catalog: Catalog) -> bool:
        node: Conversation | None = self.server.nodes.get(name)
        return node is None or bool(node.refused(catalog)) or node.settled(catalog)

    def _live_ms(self, name: str, started: float, old: Catalog) -> dict[str, float]:
        """When each part was taken, in the words of a push by file."""
        found: dict[str, float] = {}
        for at, verdict in self._heard:
            if verdict.node != name:
                continue
            for resource, version in verdict.versions.items():
                if verdict.kind is Moving.CLUSTERS:
                    part = "all" if version else "removed"
                elif version or resource in old.of(verdict.kind):
                    part = resource
                else:
                    continue
                found[f"{verdict.kind}/{part}"] = (at - started) * 1_000
        return found

    @staticmethod
    def _write(path: str, data: bytes) -> None:
        from pathlib import Path

        write_atomically(Path(path), data, durable=False)
