"""Compares how treadle keeps the events of a channel: what its `x-treadle` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.diff.asyncapi.bindings import shown
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.view import Channel
from treadle.check.diff.change import Change
from treadle.contract.extension import KEY
from treadle.contract.model import Json

_FIXED: Mapping[str, tuple[Json, str]] = {
    # setting: what it is where nothing is said, the rule that a change breaks
    "partitions": (8, "channel-partitions-changed"),
    "partition_key": ("/partitionKey", "channel-partition-key-changed"),
    "compaction": (False, "channel-compaction-changed"),
}
_NOT_LESS: Mapping[tuple[str, ...], tuple[int, str]] = {
    ("retention_days",): (7, "channel-retention-shortened"),
    ("replay", "days"): (7, "channel-replay-shortened"),
    ("dlq", "days"): (30, "channel-dlq-shortened"),
}


def setting_changes(here: Here, old: Channel, new: Channel) -> Iterator[Change]:
    """Only where treadle governs the channel in both versions: who comes under it, or leaves it, breaks nobody."""
    if not (old.governed and new.governed):
        return
    told: set[str] = set()
    for key, (default, rule) in _FIXED.items():
        before, after = old.settings.get(key, default), new.settings.get(key, default)
        if before != after:
            yield here.member(rule, KEY, key, old=_said(before), new=_said(after))
        told.add(key)
    for path, (default, rule) in _NOT_LESS.items():
        was, now = _days(old.settings, path, default), _days(new.settings, path, default)
        if now < was:
            yield here.member(rule, KEY, *path, old=str(was), new=str(now))
        if now <= was:
            told.add(path[0])
    for key in dict.fromkeys((*old.settings, *new.settings)):
        before, after = old.settings.get(key), new.settings.get(key)
        if key not in told and before != after and key != "ignore":
            yield here.member("channel-setting-changed", KEY, key, name=key, old=shown(before), new=shown(after))


def _days(settings: Mapping[str, Json], path: tuple[str, ...], default: int) -> int:
    value: Json = settings
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, int) else default


def _said(value: Json) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
