"""The loss-free cursor: what to ask a source for, and how far a round may advance. Pure.

A source lists records ordered by (timestamp, id), both of its own making. Four things lose records where a cursor is
only a timestamp, and each has its answer here:

* equal timestamps: pages follow the pair (timestamp, id), and a round begins at or before the cursor, never after it;
* late commits (a record becomes visible after a later one): each round begins an overlap before the cursor, and what
  was seen already is dropped by its identity, which is remembered for two overlaps;
* a source whose clock ran ahead: the cursor never passes the source's present time (the `Date` of its answer);
* a source whose clock is set: both clocks are read in each round. Where the source's has fallen behind ours, the cursor
  goes back as far; where it has jumped ahead, the cursor waits before the jump until what was under way has committed.

What remains: a clock set back by more than the overlap and forward again between two rounds cannot be seen, nor can a
step while treadle is down if our own clock took the same step. A source without a `Date` is taken to have our clock.
Times are whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from treadle.connect.expression import moment, rfc3339
from treadle.contract.model import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_GRAIN_US = 2_000_000
"""A `Date` header has whole seconds; two of them differ from the truth by less than two seconds together."""
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A record's place in its source's order, exactly as the source wrote it."""

    timestamp: str
    id: str

    def __str__(self) -> str:
        return f"{self.timestamp},{self.id}"


@dataclass(frozen=True, slots=True)
class Query:
    """One page to ask for: records with `timestamp >= since`, after the mark, at most `limit`."""

    since: str
    after: Mark | None
    limit: int


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a page with its place. `at_us` is its timestamp."""

    at_us: int
    mark: Mark
    record: Json


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `source_us` is the source's clock when it answered, None where it does not say."""

    rows: tuple[Row, ...]
    misplaced: tuple[Json, ...]
    full: bool
    source_us: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Clocks read together: the source's, our wall clock, and a steady one that only means something within `run`."""

    source_us: int | None
    wall_us: int
    steady_us: int
    run: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Where the cursor must wait after the source's clock jumped forward, and until when by that clock.

    What was stamped before the jump may still commit, and then it looks older than the overlap allows for.
    """

    at_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read: everything before `at_us`, but for what commits late.

    `reading` is of the round that got there; `at_us` is never after its source time.
    """

    at_us: int = 0
    reading: Reading | None = None
    hold: Hold | None = None

    def query(self, overlap_us: int, limit: int) -> Query:
        """The first page of a round."""
        return Query(rfc3339(instant(max(0, self.at_us - overlap_us))), None, limit)

    def at_clock(self, now: Reading, overlap_us: int) -> Cursor:
        """The cursor at the beginning of a round: what the source's clock did since the last one is made good."""
        before = self.reading
        if before is None or before.source_us is None or now.source_us is None:
            return Cursor(self.at_us, now, self.hold)
        ours_us = now.steady_us - before.steady_us if now.run == before.run else now.wall_us - before.wall_us
        theirs_us = now.source_us - before.source_us
        # The time that a jump skips must not end a hold.
        unjumped_us = before.source_us + min(ours_us, theirs_us)
        hold = self.hold if self.hold and unjumped_us < self.hold.until_us else None
        if theirs_us - ours_us > CLOCK_GRAIN_US:
            at_us = min(hold.at_us, before.source_us) if hold else before.source_us
            return Cursor(self.at_us, now, Hold(at_us, now.source_us + overlap_us))
        # A clock that went backwards needs no second witness: ours may have been set back together with it.
        back_us = max(ours_us - theirs_us, -theirs_us)
        if back_us > CLOCK_GRAIN_US:
            return Cursor(max(0, min(self.at_us, before.source_us - back_us - CLOCK_GRAIN_US)), now, hold)
        return Cursor(self.at_us, now, hold)

    def past(self, rows: Iterable[Row]) -> Cursor:
        """The cursor once the rows are published: at the last of them, but never in the source's future."""
        assert self.reading is not None  # noqa: S101  - a round begins with `at_clock`
        most_us = self.reading.wall_us if self.reading.source_us is None else self.reading.source_us
        if self.hold is not None:
            most_us = min(most_us, self.hold.at_us)
        return Cursor(max([self.at_us, *(min(row.at_us, most_us) for row in rows)]), self.reading, self.hold)

    def forget_before_us(self, overlap_us: int) -> int:
        """Identities of records older than this need not be remembered."""
        return self.at_us - 2 * overlap_us


def instant(at_us: int) -> datetime:
    """Microseconds since 1970 as a time (UTC), exact."""
    return EPOCH + timedelta(microseconds=at_us)


def instant_us(value: Json) -> int:
    """A timestamp of a source (ISO 8601 text; no offset means UTC) in microseconds since 1970. Raises ValueError."""
    return (moment(value) - EPOCH) // timedelta(microseconds=1)


def first_disorder(rows: Iterable[Row], after: Mark | None) -> str | None:
    """Why a page cannot be trusted to lead on: out of order, or the same page again; None where it can."""
    last_us = None
    for row in rows:
        if after is not None and row.mark == after:
            return f"the record after which the page was asked for is in it ({row.mark.id})"
        if last_us is not None and row.at_us < last_us:
            return f"record {row.mark.id} is older than the one before it"
        last_us = row.at_us
    return None
