"""Facts of what happened at a node of a fleet: read there, kept here, each of them once.

A node reads its own logs, and sends facts with the place in the log that is after them. Both are stored in one step,
and only if the last place stored is the one that the node went on from: a message that is sent again because its answer
was lost finds another place, is not stored, and the node goes on from there. Nothing is lost by a restart of either
side: until a place is stored, what is before it stays in the node's log.

A message is one line of JSON, `{"log", "after", "offset"}`, and a line for each fact. The answer is `{"offset"}`: the
place that is stored now. A message without `offset` only asks for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from treadle.base.errors import TreadleError
from treadle.facts.fact import Fact, FactKind
from treadle.facts.line import decode, encode
from treadle.facts.source import Json, Source
from treadle.gateway.ads.client import AdsClient, Ask
from treadle.gateway.ads.wire import FACTS

LOGS = ("gateway", "processes")
"""The logs of a node: the calls that its Envoy answered, and how its processes did."""
READ_BYTES = 512 * 1024
"""Of a log at a time: its facts fit into one message."""
POLL_S = 0.25
_TIMEOUT_S = 20.0
_FIRST_AGAIN_S, _AGAIN_S_MAX = 0.2, 10.0
_KINDS = frozenset({FactKind.CALL, FactKind.ENGINE, FactKind.GAP})
_FACTS_MAX = 20_000
_PLACE_BYTES_MAX = 1024 * 1024
_HERE = ("", "gateway")
_log = logging.getLogger("treadle.control")


class Keeper(Protocol):
    """What stores facts: the collector."""

    def position(self, name: str) -> Json:
        """The place of a source that is stored."""
        ...

    async def take(self, name: str, after: Json, facts: Sequence[Fact], offset: Json) -> bool:
        """Store facts and the place after them, unless the place stored is not `after`."""
        ...


async def answer(keeper: Keeper, node: str, said: bytes) -> bytes:
    """The control plane's end. Raises ValueError for what no node says.

    `node` is the name in its certificate: whatever a fact says of itself, it happened there.
    """
    first, *lines = said.split(b"\n")
    head = orjson.loads(first)
    log = head.get("log") if isinstance(head, dict) else None
    if log not in LOGS:
        raise ValueError(f"the logs of a node are {', '.join(LOGS)}")
    name = f"node {node} {log}"
    if "offset" in head:
        if len(lines) > _FACTS_MAX:
            raise ValueError(f"more than {_FACTS_MAX} facts in one message")
        if len(first) > _PLACE_BYTES_MAX:
            raise ValueError(f"the place is longer than {_PLACE_BYTES_MAX} bytes")
        facts = await asyncio.to_thread(lambda: [_fact(node, line) for line in lines])
        await keeper.take(name, head.get("after"), facts, head["offset"])
    return orjson.dumps({"offset": keeper.position(name)})


def _fact(node: str, line: bytes) -> Fact:
    fact = decode(line)
    if fact.kind not in _KINDS:
        raise ValueError(f"a node makes no facts of the kind {fact.kind.value}")
    return replace(fact, node=node if fact.node in _HERE else f"{node}/{fact.node}")


@dataclass(slots=True)
class Shipping:
    """A node's end, for one log. `position` is the place that is stored, None where none is known."""

    client: Callable[[], AdsClient]
    source: Source
    position: Json = None

    async def run(self) -> None:
        """Send until cancelled. While the control plane is away the log keeps what there is to say."""
        again_s = _FIRST_AGAIN_S
        said = ""
        while True:
            try:
                async with self.client().asking() as ask:
                    self.position = await self._say(ask, {})
                    again_s, said = _FIRST_AGAIN_S, ""
                    await self._follow(ask)
            except (TreadleError, OSError, ValueError, KeyError) as why:
                if str(why) != said:
                    said = str(why)
                    _log.warning("what happened here is not told now, and stays in the log %s: %s", self._name, said)
            await asyncio.sleep(again_s * (0.5 + random.random()))  # noqa: S311 - no secret
            again_s = min(again_s * 2, _AGAIN_S_MAX)

    @property
    def _name(self) -> str:
        return self.source.name

    async def _follow(self, ask: Ask) -> None:
        """Until what is stored is not what was sent."""
        batches = self.source.batches(self.position)
        try:
            async for facts, place in batches:
                if not facts and _place(place) == _place(self.position):
                    continue
                sent = orjson.loads(orjson.dumps(place))  # as it comes back
                self.position = await self._say(ask, {"after": self.position, "offset": sent}, facts)
                if self.position != sent:
                    return
        finally:
            close = getattr(batches, "aclose", None)
            if close is not None:
                await close()

    async def _say(self, ask: Ask, more: dict[str, Json], facts: Sequence[Fact] = ()) -> Json:
        head = orjson.dumps({"log": self._name, **more})
        said = b"\n".join([head, *map(encode, facts)])
        return orjson.loads(await ask(FACTS, said, _TIMEOUT_S))["offset"]


def inode_of(offset: Json) -> int | None:
    """Which file a place is in."""
    place = _place(offset)
    return place[0] if place else None


def _place(offset: Json) -> tuple[int | None, int] | None:
    """File and byte. What a count adds to a place is of use only with the facts that it counts."""
    at = offset.get("at") if isinstance(offset, dict) and "count" in offset else offset
    return (at.get("inode"), at.get("at", 0)) if at else None
