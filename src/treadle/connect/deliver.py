"""Publish a batch: the events of one key in order, different keys at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from treadle.base.errors import EngineError
from treadle.connect.source import Outgoing, Publish, Published, Quarantine, Quarantined, Receipt, Refused

UNANSWERED = (EngineError, OSError, TimeoutError)
"""What `Publish` and `Quarantine` raise where nobody answered: the same thing is tried again later."""
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Held:
    """A record that is kept for a person."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows how it ended, or an earlier one of its key is in that state. `why` is for people."""

    why: str


End = Receipt | Held | Unanswered


class UnansweredError(EngineError):
    """The bus did not answer for some of a batch; what was not answered is tried again."""

    def __init__(self, why: str) -> None:
        super().__init__("publish-unanswered", f"the bus did not answer: {why}", "it is tried again by itself")


@dataclass(slots=True)
class Tally:
    """What came in, and how it ended. `last_refusal` is the code and detail of the latest refusal."""

    read: int = 0
    published: int = 0
    refused: int = 0
    quarantined: int = 0
    last_refusal: str = ""

    def count(self, ends: Iterable[End]) -> None:
        """Count how a batch ended. A refused event is handled: it lies among the dead letters with its reason."""
        for end in ends:
            if isinstance(end, Refused):
                self.refused += 1
                self.last_refusal = f"{end.code} {end.detail}"
            elif isinstance(end, Held):
                self.quarantined += 1
            elif isinstance(end, Published):
                self.published += 1

    @property
    def handled(self) -> int:
        """How many have come to an end."""
        return self.published + self.refused + self.quarantined


def first_unanswered(ends: Iterable[End]) -> Unanswered | None:
    """The first that nobody answered, if any."""
    return next((end for end in ends if isinstance(end, Unanswered)), None)


async def deliver(batch: Sequence[Outgoing | Quarantined], publish: Publish, quarantine: Quarantine) -> list[End]:
    """How each of the batch ended, in its order.

    Once one of a key is unanswered, the later ones of that key are not tried: they would overtake it. An error that
    is not one of `UNANSWERED` is a bug of the callee and goes through.
    """
    ends: list[End] = [Unanswered("not tried")] * len(batch)
    lanes: dict[tuple[str, str], list[int]] = {}
    for at, each in enumerate(batch):
        lane = (each.channel, each.key) if isinstance(each, Outgoing) else ("", each.identity)
        lanes.setdefault(lane, []).append(at)
    limit = asyncio.Semaphore(AT_ONCE)

    async def run(lane: list[int]) -> None:
        async with limit:
            for at in lane:
                ends[at] = await _one(batch[at], publish, quarantine)
                if isinstance(ends[at], Unanswered):
                    return

    if len(lanes) == 1:
        await run(next(iter(lanes.values())))
    elif lanes:
        async with asyncio.TaskGroup() as group:
            for places in lanes.values():
                group.create_task(run(places))
    return ends


async def _one(each: Outgoing | Quarantined, publish: Publish, quarantine: Quarantine) -> End:
    try:
        if isinstance(each, Outgoing):
            return await publish(each)
        await quarantine(each)
    except UNANSWERED as error:
        return Unanswered(str(error) or type(error).__name__)
    return Held()
