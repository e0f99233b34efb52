"""The words a reader sees beside every number, and what is known about the engines behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a number stands to its objective.

    `IDLE` is an engine that runs and had nothing to do. `NO_DATA` is an engine that does not run, so nobody knows.
    The two are never shown alike.
    """

    OK = "ok"
    IDLE = "idle"
    NO_DATA = "no-data"
    WATCH = "watch"
    BREACH = "breach"


_SEVERITY = {State.IDLE: 0, State.OK: 1, State.NO_DATA: 2, State.WATCH: 3, State.BREACH: 4}

GLYPHS = {State.OK: "●", State.IDLE: "○", State.NO_DATA: "◇", State.WATCH: "▲", State.BREACH: "■"}
"""One shape for each state, so that no state is told by colour alone."""

WORDS = {
    State.OK: "ok",
    State.IDLE: "idle",
    State.NO_DATA: "no data",
    State.WATCH: "watch",
    State.BREACH: "breach",
}


def worst(states: Iterable[State]) -> State:
    """The state that most needs a person; `IDLE` where there is none."""
    return max(states, key=_SEVERITY.__getitem__, default=State.IDLE)


class Run(StrEnum):
    """Whether an engine runs."""

    UP = "up"
    STARTING = "starting"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine or process of the fabric. `since_us` is when it entered this state, in Unix microseconds."""

    name: str
    run: Run
    since_us: int
    detail: str = ""


def missing(engines: Iterable[Engine], needed: Iterable[str]) -> Engine | None:
    """The engine of `needed` that has been away longest, or None where all of them run.

    An engine nobody reports is not held against a number: an embedded fabric may run without it.
    """
    wanted = set(needed)
    away = [each for each in engines if each.name in wanted and each.run is not Run.UP]
    return min(away, key=lambda each: each.since_us, default=None)
