"""Keeps the gateway's access log short: its lines name callers plainly, the facts made of them do not.

Renamed, begun anew by Envoy, deleted as soon as the collector has read past it. Not read means not deleted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from treadle.base.errors import TreadleError

BYTES_MAX = 16 * 1024 * 1024
AGE_S_MAX = 3_600.0
"""A line is kept in plain for about this long at most."""
LOOK_S = 5.0
_log = logging.getLogger("treadle.control")


@dataclass(slots=True)
class Rotation:
    """One log. `reopen` has its writer begin a new file; `read_inode` says which file the collector is at."""

    path: Path
    reopen: Callable[[], Awaitable[None]]
    read_inode: Callable[[], int | None]
    bytes_max: int = BYTES_MAX
    age_s_max: float = AGE_S_MAX
    _began_s: float = 0.0

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        self._began_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look(time.monotonic())
            except (OSError, TreadleError) as why:
                _log.warning("the access log is not rotated now: %s", why)

    async def look(self, now_s: float) -> None:
        """Do what is due. At most one old file exists at a time."""
        old = self.path.with_name(self.path.name + ".1")
        if old.exists():
            # A rename that was not followed by a reopen (Envoy was away): the writer is still at the old file.
            if not self.path.exists():
                await self.reopen()
            elif self.read_inode() == self.path.stat().st_ino:
                old.unlink()
            return
        if not self.path.exists():
            return
        size = self.path.stat().st_size
        if size > self.bytes_max or (size and now_s - self._began_s > self.age_s_max):
            self.path.rename(old)
            self._began_s = now_s
            await self.reopen()
