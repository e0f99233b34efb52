"""Metering: how many calls each consumer made this UTC day and month, from stored facts.

A call counts where it was let through to a service, whatever that answered. What never reached one does not count: a
refusal of the gateway or of the guard hop, and a service that was not there. Facts are counted once, by their number
in the log; what was counted is written down every few seconds, and the rest is counted again from the log.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from treadle.base.files import write_atomically
from treadle.contract.model import Settings
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.ir import WINDOWS, Exhausted

UNLISTED_MAX = 10_000
"""So many consumers that are in no list are counted in one window; others, until it ends, are not."""
_DAY_US = 86_400_000_000
_FORM = 1
_UNANSWERED = frozenset({"UPSTREAM_UNAVAILABLE"})
"""Failures of calls that reached no service."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of a quota is used. `window` is `day` or `month`, `until_s` its end in Unix seconds."""

    consumer: str
    tier: str
    window: str
    used: int
    limit: int
    until_s: int

    @property
    def exhausted(self) -> bool:
        """Whether the next call is refused."""
        return self.used >= self.limit


def counts(fact: Fact) -> bool:
    """Whether a fact is a call that its consumer's quota pays for."""
    if fact.kind is not FactKind.CALL or not fact.consumer:
        return False
    if fact.outcome is Outcome.REFUSED:
        return fact.code == "UPSTREAM_4XX"
    return fact.code not in _UNANSWERED


def bounds(window: str, at_us: int) -> tuple[str, int]:
    """The UTC day or month of a moment: its name (`2026-11-25`, `2026-11`), and its end in Unix seconds."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    days = at.day if window == "day" else calendar.monthrange(at.year, at.month)[1]
    midnight = at.replace(day=days, hour=0, minute=0, second=0)
    return f"{at:%Y-%m-%d}" if window == "day" else f"{at:%Y-%m}", int(midnight.timestamp()) + 86_400


@dataclass(slots=True)
class Meter:
    """The counts of one fabric. All but `write` belong to one thread; `add` takes about a microsecond for a fact.

    `seq` is the last fact that was looked at. `settings` are those in force: who is listed, and which quotas there are.
    `told` are those of whom was said that they are out of quota.
    """

    path: Path
    settings: Settings | None = None
    seq: int = 0
    crossed: bool = False
    """Somebody has used up a quota since this was last set to False."""
    told: frozenset[Exhausted] = frozenset()
    _last_us: int = 0
    _used: dict[str, dict[str, int]] = field(default_factory=dict)
    _windows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _written: tuple[int, frozenset[Exhausted]] = (-1, frozenset())

    @classmethod
    def open(cls, path: Path, read: Callable[[int], Iterable[Fact]], last_seq: int) -> Meter:
        """What was written down, and what the log has beyond it: `read(after_seq)` reads the log. Blocks.

        What is broken, or is of another log, is counted again from its beginning.
        """
        meter = cls(path)
        meter._load(read, last_seq)
        meter.add(read(meter.seq))
        meter.crossed = True
        return meter

    def add(self, facts: Iterable[Fact]) -> None:
        """Count facts of the log, in its order. Those that were counted are passed over."""
        for fact in facts:
            if fact.seq <= self.seq:
                continue
            self.seq, self._last_us = fact.seq, fact.at_us
            if counts(fact):
                self._count(fact)

    def used(self, consumer: str, window: str, now_us: int) -> int:
        """The calls of a consumer in the window that is on."""
        name, _ = bounds(window, now_us)
        return self._used.get(name, {}).get(consumer, 0)

    def quotas(self, settings: Settings, now_us: int) -> list[Quota]:
        """Every quota there is, by consumer: of those that are listed, and of others that called in this window."""
        tiers = {name: settings.tiers[each.tier] for name, each in settings.consumers.items()}
        found = []
        for window in WINDOWS:
            name, until_s = bounds(window, now_us)
            used = self._used.get(name, {})
            unlisted = dict.fromkeys(used, settings.tiers["default"]) if "default" in settings.tiers else {}
            for consumer, tier in {**unlisted, **tiers}.items():
                if limit := getattr(tier, window):
                    found.append(Quota(consumer, tier.name, window, used.get(consumer, 0), limit, until_s))
        return sorted(found, key=lambda each: (each.consumer, each.window))

    def exhausted(self, settings: Settings, now_us: int) -> tuple[Exhausted, ...]:
        """Who is out of quota now."""
        out = (each for each in self.quotas(settings, now_us) if each.exhausted)
        return tuple(Exhausted(each.consumer, each.window, each.until_s) for each in out)

    def encode(self, now_us: int) -> bytes:
        """What is counted, without windows that are over, to be written down; empty where nothing is new."""
        if self._written == (self.seq, self.told):
            return b""
        kept = {bounds(window, now_us)[0] for window in WINDOWS}
        self._used = {name: used for name, used in self._used.items() if name in kept}
        self._windows.clear()
        self._written = (self.seq, self.told)
        told = [asdict(each) for each in self.told]
        said = {"form": _FORM, "seq": self.seq, "last_us": self._last_us, "used": self._used, "told": told}
        return orjson.dumps(said)

    def unsaved(self) -> None:
        """What `encode` gave last was not written down."""
        self._written = (-1, frozenset())

    def write(self, data: bytes) -> None:
        """Write down what `encode` gave. Blocks. Raises OSError."""
        if data:
            # Not synced: what is lost with the machine's power is counted again from the log.
            write_atomically(self.path, data, mode=0o600, durable=False)

    def _count(self, fact: Fact) -> None:
        for name, window in zip(self._names(fact.at_us), WINDOWS, strict=True):
            used = self._used.setdefault(name, {})
            many = used.get(fact.consumer, 0) + 1
            if many == 1 and len(used) >= UNLISTED_MAX and not self._listed(fact.consumer):
                continue  # names come from tokens: whoever may mint them must not fill the memory
            used[fact.consumer] = many
            if many == self._limit(fact.consumer, window):
                self.crossed = True

    def _names(self, at_us: int) -> tuple[str, ...]:
        """The windows of a moment. Most facts are of one day, so its names are kept."""
        day = at_us // _DAY_US
        if day not in self._windows:
            self._windows[day] = tuple(bounds(window, at_us)[0] for window in WINDOWS)
        return self._windows[day]

    def _listed(self, consumer: str) -> bool:
        return self.settings is None or consumer in self.settings.consumers

    def _limit(self, consumer: str, window: str) -> int:
        if self.settings is None:
            return 0
        listed = self.settings.consumers.get(consumer)
        tier = self.settings.tiers.get(listed.tier if listed else "default")
        return int(getattr(tier, window)) if tier else 0

    def _load(self, read: Callable[[int], Iterable[Fact]], last_seq: int) -> None:
        said = _read(self.path)
        if said is None or not 0 < said["seq"] <= last_seq:
            return
        newest = next(iter(read(said["seq"] - 1)), None)
        if newest is not None and newest.at_us == said["last_us"]:
            self.seq, self._last_us, self._used = said["seq"], said["last_us"], said["used"]
            self.told = frozenset(Exhausted(**each) for each in said["told"])


def _read(path: Path) -> dict[str, Any] | None:
    """The file, or None where it is not there or not ours. It is derived: the log has all that it says."""
    try:
        said = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and said.get("form") == _FORM else None
