"""Compares the channels of two versions of an event contract."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.compat.bodies import Pairs, compare_schemas
from treadle.check.compat.edit import Edit, Spot
from treadle.check.compat.flow import EVENT, EVENT_HEADERS
from treadle.contract.model import Channel, Contract

_EXTENSION = "/x-treadle"
_ANY_HEADERS = {"type": "object"}
"""What headers are where nothing is said of them (AsyncAPI 3.0, message object)."""
_SETTINGS = {"partitions": "channel-partitions-changed", "partition_key": "channel-partition-key-changed"}


def compare_channels(old: Contract, new: Contract) -> Iterator[Edit]:
    """Every edit between the channels. A channel is known by its address."""
    before = {each.name: each for each in old.channels}
    after = {each.name: each for each in new.channels}
    for name, channel in before.items():
        if name not in after:
            yield Edit("channel-removed", Spot(channel.pointer), Spot("/channels"), {"what": name})
    for name, channel in after.items():
        if name not in before:
            yield Edit("channel-added", Spot("/channels"), Spot(channel.pointer), {"what": name})
        else:
            yield from _compare(before[name], channel)


def _compare(old: Channel, new: Channel) -> Iterator[Edit]:
    for key, id in _SETTINGS.items():
        values = (getattr(old, key), getattr(new, key))
        if values[0] != values[1]:
            yield _edit(id, old, new, key, values)
    if old.compaction != new.compaction:
        values = (_on(old.compaction), _on(new.compaction))
        yield _edit("channel-compaction-changed", old, new, "compaction", values)
    if new.retention_days < old.retention_days:
        values = (old.retention_days, new.retention_days)
        yield _edit("channel-retention-shortened", old, new, "retention_days", values)
    if old.content_type != new.content_type:
        words = {"what": new.name, "old": old.content_type, "new": new.content_type}
        was, now = Spot(f"{old.message_pointer}/contentType"), Spot(f"{new.message_pointer}/contentType")
        yield Edit("channel-content-type-changed", was, now, words)
    pairs = Pairs()
    yield from compare_schemas(
        EVENT,
        old.payload,
        new.payload,
        pairs=pairs,
        old_at=old.payload_pointer,
        new_at=new.payload_pointer,
        words={"what": new.name},
    )
    yield from compare_schemas(
        EVENT_HEADERS,
        _ANY_HEADERS if old.headers is None else old.headers,
        _ANY_HEADERS if new.headers is None else new.headers,
        pairs=pairs,
        old_at=f"{old.message_pointer}/headers",
        new_at=f"{new.message_pointer}/headers",
        words={"what": f"the headers of {new.name}"},
    )


def _on(value: bool) -> str:
    return "on" if value else "off"


def _edit(id: str, old: Channel, new: Channel, key: str, values: tuple[object, object]) -> Edit:
    words = {"what": new.name, "old": str(values[0]), "new": str(values[1])}
    return Edit(id, Spot(f"{old.pointer}{_EXTENSION}/{key}"), Spot(f"{new.pointer}{_EXTENSION}/{key}"), words)
