"""The loss-free cursor against a source that misbehaves as real ones do, and a poller that is interrupted anywhere.

The last tests break the cursor on purpose: the same cases must then find fault with it.
Everything is drawn from one seed. Times are microseconds; "true" time is what a perfect clock would show, the source
stamps its records with a clock that is set forward and back.
"""

import asyncio
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from treadle.base.errors import EngineError
from treadle.base.ids import new_trace
from treadle.connect.cursor import SECOND_US, Cursor, Mark, Page, Query, Row, instant, instant_us
from treadle.connect.deliver import Tally
from treadle.connect.expression import rfc3339
from treadle.connect.mapping import Occurrence
from treadle.connect.poll import Clocks, Poller, SourceBusyError
from treadle.connect.source import Outgoing, Published, Refused

OVERLAP_US = 20 * SECOND_US
COMMIT_US = 12 * SECOND_US
"""The longest time between a record's timestamp and its appearance."""
BEGIN_US = 1_700_000_000 * SECOND_US
TRACE = new_trace()


class CrashError(Exception):
    """The process dies here."""


@dataclass
class Version:
    at_us: int
    number: int
    visible_us: int


@dataclass
class World:
    """The source, the bus and the disk: what outlives a restart of the poller."""

    random: random.Random
    faults: bool = True
    true_us: int = BEGIN_US
    offset_us: int = 0
    rows: dict[str, list[Version]] = field(default_factory=dict)
    bus: list[tuple[str, int]] = field(default_factory=list)
    cursor: Cursor = field(default_factory=Cursor)
    seen: dict[str, int] = field(default_factory=dict)
    step_us: int = 0
    reading_us: int = 0
    crashes: int = 0
    steps: int = 0
    lost_acks: int = 0

    def __post_init__(self):
        self.grain_us = self.random.choice([1, 1_000, SECOND_US])

    # The source

    def live(self):
        """Time passes, and people work."""
        for _ in range(self.random.randrange(3)):
            self.true_us += self.random.choice([0, 1, 300, SECOND_US // 3, 2 * SECOND_US, 5 * SECOND_US])
            dice = self.random.random()
            if dice < 0.65:
                self.write()
            elif dice < 0.72 and self.faults:
                self.set_clock()

    def write(self):
        id = f"r{self.random.randrange(5)}"
        history = self.rows.setdefault(id, [])
        if history and history[-1].visible_us > self.true_us:
            return  # another transaction holds the row
        stamp = (self.true_us + self.offset_us) // self.grain_us * self.grain_us
        delay = self.random.choice([0, 0, 0, 1, SECOND_US, self.random.randrange(COMMIT_US)])
        history.append(Version(stamp, len(history) + 1, self.true_us + delay))

    def set_clock(self):
        """Not before the poller has read the clock, nor twice between: steps that cancel out look like none."""
        if self.reading_us <= self.step_us:
            return
        self.steps += 1
        self.step_us = self.true_us
        self.offset_us += self.random.choice([-1, 1]) * self.random.choice([1, 30, 90, 3600]) * SECOND_US

    def visible(self):
        for id, history in self.rows.items():
            seen = [each for each in history if each.visible_us <= self.true_us]
            if seen:
                yield seen[-1].at_us, id, seen[-1].number

    async def fetch(self, query):
        self.live()
        if self.faults and self.random.random() < 0.1:
            raise SourceBusyError("429", self.random.randrange(3))
        since = instant_us(query.since)
        after = (instant_us(query.after.timestamp), query.after.id) if query.after else (0, "")
        found = sorted(row for row in self.visible() if row[0] >= since and row[:2] > after)[: query.limit]
        rows = tuple(Row(at, Mark(rfc3339(instant(at)), id), (id, number)) for at, id, number in found)
        clock = (self.true_us + self.offset_us) // SECOND_US * SECOND_US
        return Page(rows, (), len(rows) >= query.limit, clock)

    # The bus and the disk

    async def publish(self, outgoing):
        dice = self.random.random() if self.faults else 1.0
        if dice < 0.03:
            raise EngineError("away", "nobody answers", "")
        if dice < 0.05:
            self.crash()
        self.bus.append(outgoing.event["is"])
        if dice < 0.07:
            self.crash()
        if dice < 0.10:
            self.lost_acks += 1
            raise TimeoutError
        return Refused("CONTRACT_VIOLATION", "/x") if dice < 0.2 else Published()

    def crash(self):
        self.crashes += 1
        raise CrashError

    async def load(self, _):
        return self.cursor, dict(self.seen)

    async def save(self, _, cursor, seen, forget_before_us):
        if self.faults and self.random.random() < 0.03:
            self.crash()
        self.cursor = cursor
        self.seen = {id: at for id, at in (self.seen | seen).items() if at >= forget_before_us}
        if cursor.reading:
            self.reading_us = max(self.reading_us, cursor.reading.wall_us)
        if self.faults and self.random.random() < 0.03:
            self.crash()


class PlainMapping:
    """Each version of a record is one event; the mapping itself has tests of its own."""

    settings = SimpleNamespace(name="simulated")

    def occurrences(self, record, **_):
        yield Occurrence(None, record, f"{record[0]}/{record[1]}")

    def outgoing(self, occurrence, **_):
        id, number = occurrence.change
        return Outgoing("channel", id, {"is": (id, number)}, occurrence.identity, TRACE, "simulated")


def a_poller(world, kind=Poller, *, overlap_us=OVERLAP_US, fetch=None):
    clocks = Clocks(lambda: world.true_us / SECOND_US, lambda: world.true_us / SECOND_US, run=str(world.crashes))
    return kind(
        mapping=PlainMapping(),
        page_size=world.random.choice([1, 2, 3, 50]),
        overlap_us=overlap_us,
        fetch=fetch or world.fetch,
        publish=world.publish,
        quarantine=None,
        schema_version_of=lambda _: "1.0.0",
        positions=world,
        clocks=clocks,
    )


async def complaint(seed, make=a_poller):
    """Play one case. What is wrong with what the bus got, or None."""
    world = World(random.Random(seed))
    poller = make(world)
    for _ in range(world.random.randrange(3, 9)):
        world.live()
        try:
            await poller.round(Tally())
        except (CrashError, ExceptionGroup) as error:
            if isinstance(error, ExceptionGroup) and error.split(CrashError)[1]:
                raise
            poller = make(world)
        except (EngineError, TimeoutError):
            continue
    world.faults = False
    world.true_us += COMMIT_US
    poller = make(world)
    # The first makes up for what went wrong; the second sees what was written during the first.
    for _ in range(2):
        await poller.round(Tally())
        world.true_us += COMMIT_US
    frozen = world.rows
    world.live = lambda: None
    await poller.round(Tally())
    return judge(world, frozen)


def judge(world, rows):
    got = set(world.bus)
    for id, history in rows.items():
        if (id, history[-1].number) not in got:
            return f"lost: {id} version {history[-1].number} of {len(history)}"
        firsts = list(dict.fromkeys(number for each, number in world.bus if each == id))
        if firsts != sorted(firsts):
            return f"out of order: {id} as {firsts}"
    known = {(id, each.number) for id, history in rows.items() for each in history}
    if not got <= known:
        return f"invented: {got - known}"
    if len(got) != len(world.bus) and not (world.crashes or world.steps or world.lost_acks):
        return "published twice though nothing went wrong"
    return None


@pytest.mark.parametrize("block", range(10))
def test_no_record_is_lost_whatever_happens(block):
    async def play():
        for seed in range(block * 1_000, block * 1_000 + 1_000):
            assert await complaint(seed) is None, f"seed {seed}"

    asyncio.run(play())


class AdvancesFirst(Poller):
    """Saves its position before the bus has answered."""

    async def _page(self, page, cursor, seen, tally):
        batch, _ = self._new(page, seen)
        await self.positions.save("simulated", cursor.past(page.rows), {each.event_id: at for each, at in batch}, 0)
        return await super()._page(page, cursor, seen, tally)


class TrustsTime(Poller):
    """Believes every timestamp and every clock."""

    async def round(self, tally):
        world = self.positions
        honest = self.fetch

        async def fetch(query):
            page = await honest(query)
            return Page(page.rows, page.misplaced, page.full, None)

        clocks = Clocks(lambda: 2 * BEGIN_US / SECOND_US, lambda: 0, "")
        blind = Poller(
            self.mapping,
            self.page_size,
            self.overlap_us,
            fetch,
            self.publish,
            None,
            self.schema_version_of,
            world,
            clocks,
        )
        return await blind.round(tally)


class ForgetsAtOnce(Poller):
    """Remembers nothing between rounds."""

    async def _page(self, page, cursor, seen, tally):
        seen.clear()
        return await super()._page(page, cursor, seen, tally)


def pages_by_time_alone(world):
    """The next page begins after the last timestamp, whichever record had it."""

    async def fetch(query):
        if query.after is not None:
            query = Query(query.since, Mark(query.after.timestamp, "~"), query.limit)
        return await world.fetch(query)

    return a_poller(world, fetch=fetch)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda world: a_poller(world, overlap_us=0), "lost"),
        (lambda world: a_poller(world, AdvancesFirst), "lost"),
        (lambda world: a_poller(world, TrustsTime), "lost"),
        (pages_by_time_alone, "lost"),
        (lambda world: a_poller(world, ForgetsAtOnce), "published twice"),
    ],
    ids=["no overlap", "advances before the ack", "trusts clocks", "pages by time alone", "forgets"],
)
def test_the_cases_catch_a_cursor_that_is_wrong(make, fault):
    async def play():
        for seed in range(2_000):
            found = await complaint(seed, make)
            if found and fault in found:
                return found
        return None

    assert asyncio.run(play())
