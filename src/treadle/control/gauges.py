"""How full the upstreams are now, asked of Envoy when somebody looks, and at most every other second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from treadle.base.errors import TreadleError
from treadle.control.compile import Compiled
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.saturation import Saturation, saturations

KEPT_S = 2.0


@dataclass(slots=True)
class Gauges:
    """All its methods belong to one event loop. `current` is what is live, None before anything is."""

    envoy: EnvoyEngine
    current: Callable[[], Compiled | None]
    clock: Callable[[], float] = time.monotonic
    _read: tuple[Saturation, ...] = ()
    _until_s: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> tuple[Saturation, ...]:
        """Every upstream, as it was within the last two seconds; nothing where Envoy does not answer."""
        async with self._lock:
            if self.clock() >= self._until_s:
                self._read = await self._ask()
                self._until_s = self.clock() + KEPT_S
            return self._read

    async def _ask(self) -> tuple[Saturation, ...]:
        compiled = self.current()
        if compiled is None:
            return ()
        try:
            stats = await self.envoy.gauges(compiled.snapshot.node)
        except TreadleError:
            return ()
        return saturations(compiled.gateway.apis, compiled.snapshot.clusters, stats)
