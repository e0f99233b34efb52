"""Facts become one-second cells, kept for five minutes, from which every number of the console is a sum.

Each fact is counted under every scope a page asks for (everything; a contract; an operation; a consumer; pairs of
these), so that a page reads sums and never facts. Memory is bounded: cells older than `KEPT_S` go, no more than
`SERIES_MAX` scopes are kept, and the events still on their way are bounded too. What a bound drops is counted.

Lag is measured, not reported: an event's fact says when the bus accepted it, a delivery's fact says when a group was
done with it, and both carry the event id. An event that a group has not finished yet has a lag as well: its age.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight.histogram import CALL_ANCHOR_US, LAG_ANCHOR_US, bucket_of, quantile_us

KEPT_S = 300
"""Seconds of history."""
AHEAD_S = 5
"""A fact dated further ahead than this comes from a wrong clock and is not counted."""
SERIES_MAX = 8_192
PENDING_MAX = 20_000
AMISS_MAX = 200

_NEVER_WELL = frozenset((FactKind.REFUSAL, FactKind.GAP))
_SECOND_US = 1_000_000
_K = TypeVar("_K")
_V = TypeVar("_V")


class Measure(StrEnum):
    """What is counted. `DEAD` is every event that was refused or dead-lettered; `LAG` every finished delivery."""

    CALL = "call"
    EVENT = "event"
    DELIVERY = "delivery"
    LAG = "lag"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts a count is of; an empty word stands for all. `operation` is an operation id or a channel."""

    contract: str = ""
    operation: str = ""
    consumer: str = ""


EVERYTHING = Scope()


@dataclass(slots=True)
class Count:
    """How many, how many of them refused by a contract or policy, how many failed, and how long they took."""

    anchor_us: int
    n: int = 0
    refused: int = 0
    failed: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, outcome: Outcome, value_us: int | None) -> None:
        """One more. `value_us` None leaves the latency out."""
        self.n += 1
        if outcome is Outcome.REFUSED:
            self.refused += 1
        elif outcome is Outcome.FAILED:
            self.failed += 1
        if value_us is not None:
            bucket = bucket_of(value_us, self.anchor_us)
            self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def include(self, other: Count) -> None:
        """Add all that `other` counted."""
        self.n += other.n
        self.refused += other.refused
        self.failed += other.failed
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def quantile_us(self, q: float) -> float | None:
        """The quantile `q` in microseconds, within two percent, or None where nothing was timed."""
        return quantile_us(self.buckets, q, self.anchor_us)

    @property
    def failed_share(self) -> float | None:
        """Failed calls among those that were let through, in 0..1. A refused call is policy at work, not a failure."""
        served = self.n - self.refused
        return self.failed / served if served else None


def contract_id(stamp: str) -> str:
    """`sales.orders.v1` of `sales.orders.v1@1.2.0#3f9c2a1b04de`."""
    return stamp.partition("@")[0]


class Rollup:
    """The last five minutes, as sums. Feed it with `add`, ask it with `count`, `series` and `oldest_us`."""

    def __init__(self) -> None:
        self.dropped = 0
        """Facts that were not fully counted: too old, dated in the future, or of one scope too many."""
        self.unfinished = 0
        """Events whose last delivery was never reported, though the group went on."""
        self.amiss: deque[Fact] = deque(maxlen=AMISS_MAX)
        """The newest facts of what was refused, failed or is missing, newest last."""
        self._series: dict[tuple[Measure, Scope], dict[int, Count]] = {}
        self._swept_s = 0
        self._groups: dict[str, frozenset[str]] = {}
        self._waiting: dict[tuple[str, str], OrderedDict[str, int]] = {}
        self._accepted: OrderedDict[str, int] = OrderedDict()
        self._early: OrderedDict[tuple[str, str], Fact] = OrderedDict()

    def expect(self, groups: Mapping[str, Iterable[str]]) -> None:
        """Say which consumer groups must get each channel's events. Groups that are gone are waited for no more."""
        self._groups = {channel: frozenset(ids) for channel, ids in groups.items()}
        self._waiting = {
            (channel, group): self._waiting.get((channel, group), OrderedDict())
            for channel, ids in self._groups.items()
            for group in ids
        }

    def add(self, facts: Iterable[Fact], now_us: int) -> None:
        """Count facts, in any order. `now_us` is Unix time in microseconds."""
        self._sweep(now_us)
        for fact in facts:
            done_us = fact.at_us + fact.duration_us
            if fact.outcome is not Outcome.OK or fact.kind in _NEVER_WELL:
                self.amiss.append(fact)
            match fact.kind:
                case FactKind.CALL:
                    self._count(Measure.CALL, fact, done_us, fact.duration_us, now_us)
                case FactKind.EVENT:
                    self._count(Measure.EVENT, fact, done_us, None, now_us)
                    self._accept(fact, done_us, now_us)
                case FactKind.DELIVERY:
                    self._count(Measure.DELIVERY, fact, done_us, None, now_us)
                    if fact.outcome is Outcome.OK:
                        self._deliver(fact, done_us, now_us)
                case FactKind.REFUSAL:
                    self._count(Measure.DEAD, fact, done_us, None, now_us)
                    self._settle(fact, done_us)
                case _:
                    pass

    def count(self, measure: Measure, scope: Scope, now_us: int, last_s: int) -> Count:
        """The sum of the last `last_s` whole seconds. The second that is running is left out: it is not over yet."""
        now_s = now_us // _SECOND_US
        return self._sum(measure, scope, now_s - last_s, now_s)

    def series(self, measure: Measure, now_us: int, *, step_s: int = 5) -> tuple[Count, ...]:
        """Sums of everything in steps of `step_s` seconds over the time kept, oldest first, aligned to the step."""
        end_s = now_us // _SECOND_US // step_s * step_s
        return tuple(
            self._sum(measure, EVERYTHING, at_s, at_s + step_s) for at_s in range(end_s - KEPT_S, end_s, step_s)
        )

    def scopes(self, measure: Measure) -> Iterator[Scope]:
        """The scopes that have been seen lately."""
        return (scope for seen, scope in self._series if seen is measure)

    def oldest_us(self, channel: str, group: str) -> int | None:
        """When the oldest event that `group` has not finished was accepted, or None where it has finished all."""
        return next(iter(self._waiting.get((channel, group), {}).values()), None)

    def waiting(self, channel: str, group: str) -> int:
        """How many events of `channel` the group has not finished."""
        return len(self._waiting.get((channel, group), ()))

    def _sum(self, measure: Measure, scope: Scope, from_s: int, to_s: int) -> Count:
        total = Count(_anchor(measure))
        cells = self._series.get((measure, scope))
        if not cells:
            return total
        if len(cells) < to_s - from_s:
            within = [cell for at_s, cell in cells.items() if from_s <= at_s < to_s]
        else:
            within = [cells[at_s] for at_s in range(from_s, to_s) if at_s in cells]
        for cell in within:
            total.include(cell)
        return total

    def _count(self, measure: Measure, fact: Fact, at_us: int, value_us: int | None, now_us: int) -> None:
        at_s, now_s = at_us // _SECOND_US, now_us // _SECOND_US
        if not now_s - KEPT_S <= at_s <= now_s + AHEAD_S:
            self.dropped += 1
            return
        complete = True
        for scope in _scopes(fact):
            cells = self._series.get((measure, scope))
            if cells is None:
                if len(self._series) >= SERIES_MAX and scope != EVERYTHING:
                    complete = False
                    continue
                cells = self._series[measure, scope] = {}
            cell = cells.get(at_s)
            if cell is None:
                cell = cells[at_s] = Count(_anchor(measure))
            cell.add(fact.outcome, value_us)
        if not complete:
            self.dropped += 1

    def _sweep(self, now_us: int) -> None:
        """Forget what is older than the time kept, at most once a second."""
        oldest_s = now_us // _SECOND_US - KEPT_S
        if oldest_s <= self._swept_s:
            return
        self._swept_s = oldest_s
        for key, cells in list(self._series.items()):
            for at_s in [each for each in cells if each < oldest_s]:
                del cells[at_s]
            if not cells:
                del self._series[key]

    def _accept(self, fact: Fact, accepted_us: int, now_us: int) -> None:
        if not fact.event_id or fact.event_id in self._accepted:
            return
        _remember(self._accepted, fact.event_id, accepted_us)
        for group in self._groups.get(fact.operation, ()):
            early = self._early.pop((fact.event_id, group), None)
            if early is None:
                _remember(self._waiting[fact.operation, group], fact.event_id, accepted_us)
            elif early.kind is FactKind.DELIVERY:
                self._lag(early, accepted_us, now_us)

    def _deliver(self, fact: Fact, done_us: int, now_us: int) -> None:
        accepted_us = self._accepted.get(fact.event_id)
        if accepted_us is None:
            _remember(self._early, (fact.event_id, fact.consumer), fact)
        else:
            self._count(Measure.LAG, fact, done_us, max(done_us - accepted_us, 0), now_us)
            self._settle(fact, done_us)

    def _lag(self, fact: Fact, accepted_us: int, now_us: int) -> None:
        done_us = fact.at_us + fact.duration_us
        self._count(Measure.LAG, fact, done_us, max(done_us - accepted_us, 0), now_us)

    def _settle(self, fact: Fact, done_us: int) -> None:
        """The group is done with the event, for good or ill."""
        waiting = self._waiting.get((fact.operation, fact.consumer))
        if waiting is None:
            return
        if waiting.pop(fact.event_id, None) is None and fact.event_id not in self._accepted:
            _remember(self._early, (fact.event_id, fact.consumer), fact)
        # A group that goes on with newer events is not stuck: an older one that never ended lost its last fact.
        while waiting and next(iter(waiting.values())) < done_us - KEPT_S * _SECOND_US:
            waiting.popitem(last=False)
            self.unfinished += 1


def _scopes(fact: Fact) -> frozenset[Scope]:
    contract, operation, consumer = contract_id(fact.contract), fact.operation, fact.consumer
    return frozenset(
        (
            EVERYTHING,
            Scope(contract=contract),
            Scope(contract=contract, operation=operation),
            Scope(contract=contract, consumer=consumer),
            Scope(operation=operation),
            Scope(operation=operation, consumer=consumer),
            Scope(consumer=consumer),
        )
    )


def _anchor(measure: Measure) -> int:
    return LAG_ANCHOR_US if measure is Measure.LAG else CALL_ANCHOR_US


def _remember(book: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    """Keep the newest `PENDING_MAX` entries."""
    book[key] = value
    if len(book) > PENDING_MAX:
        book.popitem(last=False)
