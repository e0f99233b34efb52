"""Counting faults, so that an upstream that is broken is one line a minute and not one a call. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from treadle.gateway.drift.judge import Fault

EVERY_US = 60_000_000
KEPT_MAX = 4_096
"""Different faults that are kept apart; beyond, they are only counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fault that is to be told: how often it was seen since it was told last, and in which call at first."""

    operation: str
    fault: Fault
    status: int
    trace_id: str
    count: int
    at_us: int


@dataclass(slots=True)
class _Kept:
    status: int
    trace_id: str
    count: int
    first_us: int
    told_us: int


@dataclass(slots=True)
class Tally:
    """Faults by operation, pointer and reason. Times are Unix microseconds, and the caller's."""

    _kept: dict[tuple[str, Fault], _Kept] = field(default_factory=dict)
    uncounted: int = 0
    """Faults for which there was no room."""

    def add(self, operation: str, fault: Fault, status: int, trace_id: str, now_us: int) -> None:
        """One fault was seen."""
        key = (operation, fault)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= KEPT_MAX:
                self.uncounted += 1
                return
            kept = self._kept[key] = _Kept(status, trace_id, 0, now_us, now_us - EVERY_US)
        if not kept.count:
            kept.status, kept.trace_id, kept.first_us = status, trace_id, now_us
        kept.count += 1

    def due(self, now_us: int, *, all: bool = False) -> list[Line]:
        """What is to be told now: a new fault at once, one that goes on each minute. `all`: whatever is left."""
        lines = []
        for (operation, fault), kept in list(self._kept.items()):
            if now_us - kept.told_us < EVERY_US and not all:
                continue
            if kept.count:
                lines.append(Line(operation, fault, kept.status, kept.trace_id, kept.count, kept.first_us))
                kept.count, kept.told_us = 0, now_us
            else:
                del self._kept[operation, fault]
        return lines
