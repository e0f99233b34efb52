"""What goes into a broker and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message is kept. `duplicate`: the same Nats-Msg-Id was kept before, at this sequence."""

    stream: str
    sequence: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """One kept message. `sequence` counts from 1 within its stream; `at_us` is Unix time in microseconds."""

    stream: str
    sequence: int
    subject: str
    headers: Mapping[str, str]
    body: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind: events it has not been given, and events given but not finished."""

    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a group consumes a channel, as the contracts say."""

    max_attempts: int
    domain: str
    subject_pointer: str | None
