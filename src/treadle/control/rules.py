"""What the guard hop beside a node is to know of each operation: given by the control plane, kept by the node.

A node asks for it whenever it is given routes, before its Envoy is told of these, and hears of later changes by a
question that is answered when there is news. So an operation is known before a call can reach it. Until its Envoy took
newer routes a node also keeps what it knew when it took the present ones: no operation is forgotten that can be called.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from treadle.base.canon import digest
from treadle.base.errors import TreadleError
from treadle.base.files import write_atomically
from treadle.gateway.ads.client import AdsClient, Ask
from treadle.gateway.ads.wire import RULES
from treadle.gateway.hop.table import decode, joined

WAIT_S = 25
"""How long a question waits for news; less than what a connection may be quiet for."""
_SPARE_S = 10.0
_FIRST_AGAIN_S, _AGAIN_S_MAX = 0.1, 5.0
_log = logging.getLogger("treadle.control")


@dataclass(slots=True)
class Shelf:
    """The control plane's end: one table for all nodes, by its digest."""

    _table: bytes = b""
    _digest: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, table: bytes) -> None:
        """From now on this is the table."""
        if table != self._table:
            self._table, self._digest = table, digest(table)
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def answer(self, said: bytes) -> bytes:
        """The table, for `{"have": digest, "wait_s": seconds}`; empty where it is that one still. Raises ValueError."""
        asked = orjson.loads(said)
        have, wait_s = (asked.get(each) if isinstance(asked, dict) else None for each in ("have", "wait_s"))
        if not isinstance(have, str) or not isinstance(wait_s, int) or not 0 <= wait_s <= WAIT_S:
            raise ValueError(f"have is a digest, and wait_s a number of seconds up to {WAIT_S}")
        if have == self._digest and wait_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
        if not self._table:
            raise ValueError("nothing is live yet")
        return b"" if have == self._digest else self._table


@dataclass(slots=True)
class Rules:
    """A node's end. `path` is the file that its hop reads; it is the last good one, too."""

    client: Callable[[], AdsClient]
    path: Path
    _told: bytes = b""
    """What was told last."""
    _routed: bytes = b""
    """What was told when the routes that are in force came."""
    _asked: bytes = b""
    """What was told when the routes that are being tried came."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Follow the control plane until cancelled."""
        again_s = _FIRST_AGAIN_S
        while True:
            try:
                async with self.client().asking() as ask:
                    while True:
                        await self._ask(ask, WAIT_S)
                        again_s = _FIRST_AGAIN_S
            except (TreadleError, OSError) as why:
                _log.debug("no news of what is guarded: %s", why)
            await asyncio.sleep(again_s * (0.5 + random.random()))  # noqa: S311 - no secret
            again_s = min(again_s * 2, _AGAIN_S_MAX)

    async def before_routes(self) -> None:
        """Know what new routes need. Returns when that is on the disk; tries until then, or until cancelled."""
        again_s = _FIRST_AGAIN_S
        while True:
            try:
                async with self.client().asking() as ask:
                    while not await self._ask(ask, 0):
                        pass
            except (TreadleError, OSError) as why:
                _log.warning("new routes wait until it is known what of them is guarded: %s", why)
                await asyncio.sleep(again_s)
                again_s = min(again_s * 2, _AGAIN_S_MAX)
            else:
                self._asked = self._told
                return

    async def after_routes(self) -> None:
        """Forget what only older routes needed. Where the disk does not take it, more stays known than is needed."""
        async with self._turn:
            self._routed = self._asked
            try:
                await self._keep()
            except OSError as why:
                _log.warning("what is no longer guarded could not be forgotten: %s", why)

    async def _ask(self, ask: Ask, wait_s: int) -> bool:
        """One question. False where the other one was answered meanwhile, so that it is not known which is newer."""
        have = self._told
        said = orjson.dumps({"have": digest(have) if have else "", "wait_s": wait_s})
        table = await ask(RULES, said, wait_s + _SPARE_S)
        async with self._turn:
            if have is not self._told:
                return False
            if table:
                await self._learn(table)
            return True

    async def _learn(self, table: bytes) -> None:
        await asyncio.to_thread(decode, table)  # one that another release wrote takes no place
        if not self._routed:  # of a run before this one: the routes on the disk were made with it, or with less
            with contextlib.suppress(FileNotFoundError):
                self._routed = await asyncio.to_thread(self.path.read_bytes)
        before, self._told = self._told, table
        try:
            await self._keep()
        except BaseException:
            self._told = before
            raise

    async def _keep(self) -> None:
        """On the disk before routes are that need it: a start without the control plane goes by both."""

        def keep() -> None:
            try:
                known = joined(self._routed, self._told) if self._routed else self._told
            except TreadleError as why:
                _log.warning("%s; it is replaced", why.message)
                known = self._told
            if not self.path.exists() or self.path.read_bytes() != known:
                write_atomically(self.path, known, mode=0o600)

        await asyncio.to_thread(keep)
