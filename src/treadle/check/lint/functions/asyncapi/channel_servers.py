"""AsyncAPI 2: the servers that a channel names are servers of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """A document whose servers or channels have another shape is none of our business."""
    if not isinstance(value, dict):
        return
    servers, channels = value.get("servers", {}), value.get("channels", {})
    if not isinstance(servers, dict) or not isinstance(channels, dict) or not all(map(_well_formed, channels.values())):
        return
    for address, channel in channels.items():
        for at, name in enumerate(channel.get("servers", ())):
            if name not in servers:
                yield Complaint(f'there is no server "{name}"', ("channels", address, "servers", at))


def _well_formed(channel: Json) -> bool:
    if not isinstance(channel, dict):
        return False
    names = channel.get("servers", [])
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
