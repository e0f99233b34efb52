"""Throttles: consumers that somebody, or a reaction, has slowed down for a while.

They are written down before they are in force and end by themselves, also over a restart. `Throttles` is the list,
`Desk` (`limits.py`) puts it in force.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from treadle.base.errors import InputError
from treadle.base.files import write_atomically
from treadle.contract.model import Limit
from treadle.gateway.ir import Throttle

SECONDS_MAX = 30 * 86_400
THROTTLES_MAX = 1_000
REASON_MAX = 200
_CONSUMER = re.compile(r"[!-~]{1,128}")
_REQUESTS_MAX = 1_000_000
_PER_S_MAX = 86_400


@dataclass(frozen=True, slots=True)
class Slowed:
    """One consumer that is slowed down, between two moments in Unix microseconds. `reason` is for people."""

    consumer: str
    limit: Limit
    since_us: int
    until_us: int
    reason: str = ""

    def said(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "limit": said_limit(self.limit)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; `unlisted` says that the consumer need not be in treadle.yaml."""

    consumer: str
    limit: Limit
    seconds: int
    reason: str = ""
    unlisted: bool = False


def wanted(said: Any) -> Wanted:
    """What a JSON object asks for: `consumer`, `limit` as a tier is written, `seconds`. Raises ValueError."""
    if not isinstance(said, dict) or not isinstance(said.get("limit"), dict):
        raise ValueError("it needs consumer, limit and seconds")  # noqa: TRY004 - whoever sent it is told
    limit = said["limit"]
    numbers = [limit.get("requests"), limit.get("per_s", 1), limit.get("burst", 0), said.get("seconds")]
    texts = [said.get("consumer"), said.get("reason", "")]
    unlisted = said.get("unlisted", False)
    if not all(type(each) is int for each in numbers) or not all(isinstance(each, str) for each in texts):
        raise ValueError("numbers must be whole, names text")
    requests, per_s, burst, seconds = numbers
    return Wanted(texts[0], Limit(requests, per_s, burst), seconds, texts[1], unlisted is True)


def slowed(consumer: str, limit: Limit, seconds: int, reason: str, now_us: int) -> Slowed:
    """A throttle from now on. Raises InputError `bad-throttle`."""
    if not _CONSUMER.fullmatch(consumer):
        raise _bad(f"{consumer[:40]!r} is no consumer that a token can name", "give a client id of printable ASCII")
    whole = limit.requests >= 1 and limit.per_s >= 1 and limit.size >= 1
    if not whole or max(limit.requests, limit.size) > _REQUESTS_MAX or limit.per_s > _PER_S_MAX:
        raise _bad(
            f"{limit.requests} calls in {limit.per_s} s cannot be kept",
            f"1 to {_REQUESTS_MAX} calls in 1 to {_PER_S_MAX} seconds can",
        )
    if not 1 <= seconds <= SECONDS_MAX:
        raise _bad(f"a throttle cannot last {seconds} s", f"it lasts 1 s to {SECONDS_MAX // 86_400} days")
    plain = "".join(each if each.isprintable() else " " for each in reason)[:REASON_MAX]
    return Slowed(consumer, limit, now_us, now_us + seconds * 1_000_000, plain)


def said_limit(limit: Limit) -> dict[str, int]:
    """A limit as JSON, as a tier is written."""
    return {"requests": limit.requests, "per_s": limit.per_s, "burst": limit.size}


@dataclass(slots=True)
class Throttles:
    """The list, in a file. Those that are over are not in it."""

    path: Path
    _rows: dict[str, Slowed] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Throttles:
        """What was written down. Raises InputError `throttles-damaged`: a throttle must not end because of a typo."""
        try:
            rows = [_slowed(row) for row in orjson.loads(path.read_bytes())]
        except FileNotFoundError:
            rows = []
        except (OSError, ValueError, KeyError, TypeError) as why:
            raise InputError(
                "throttles-damaged",
                f"{path} is not what was written: {why}",
                "remove it: every throttle ends then; treadle throttle sets them again",
            ) from None
        return cls(path, {row.consumer: row for row in rows})

    def now(self, now_us: int) -> list[Slowed]:
        """Those in force, by consumer."""
        return sorted((row for row in self._rows.values() if row.until_us > now_us), key=lambda row: row.consumer)

    def in_force(self, now_us: int) -> tuple[Throttle, ...]:
        """Those in force, as the gateway knows them."""
        return tuple(Throttle(row.consumer, row.limit) for row in self.now(now_us))

    def next_end_us(self, now_us: int) -> int | None:
        """When the next one is over; None where there is none."""
        return min((row.until_us for row in self.now(now_us)), default=None)

    def put(self, row: Slowed) -> None:
        """Write one down, in the place of an older one of the consumer. Blocks. Raises InputError `bad-throttle`."""
        rows = {each.consumer: each for each in self.now(row.since_us)} | {row.consumer: row}
        if len(rows) > THROTTLES_MAX:
            raise _bad(f"{THROTTLES_MAX} consumers are throttled already", "lift some; a smaller tier may be meant")
        self._keep(rows)

    def remove(self, consumer: str, now_us: int) -> Slowed | None:
        """Take one out; None where it is not throttled. Blocks."""
        rows = {each.consumer: each for each in self.now(now_us)}
        row = rows.pop(consumer, None)
        if row is not None:
            self._keep(rows)
        return row

    def _keep(self, rows: Mapping[str, Slowed]) -> None:
        write_atomically(self.path, orjson.dumps([asdict(row) for row in rows.values()]), mode=0o600)
        self._rows = dict(rows)


def _slowed(row: dict[str, Any]) -> Slowed:
    return Slowed(
        consumer=str(row["consumer"]),
        limit=Limit(**{name: int(value) for name, value in row["limit"].items()}),
        since_us=int(row["since_us"]),
        until_us=int(row["until_us"]),
        reason=str(row["reason"]),
    )


def _bad(message: str, hint: str) -> InputError:
    return InputError("bad-throttle", message, hint)
