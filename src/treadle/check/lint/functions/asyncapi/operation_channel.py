"""AsyncAPI 3: an operation of the document, and its reply, refer to channels of the document's own `channels`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import Spot, local, objects_of
from treadle.contract.place import Json
from treadle.contract.pointer import tokens


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Operations among the components may refer to channels anywhere, and so may what they reply with."""
    objects = objects_of(context)
    for spot in objects.of("operation", "reply"):
        channel = spot.value.get("channel")
        if spot.path[0] != "operations" or not isinstance(channel, dict) or not isinstance(channel.get("$ref"), str):
            continue
        if not in_channels(channel["$ref"]):
            yield Complaint(
                f"`{channel['$ref']}` is none of the document's `channels`", (*spot.path, "channel", "$ref")
            )


def in_channels(reference: str) -> bool:
    """Whether a reference names a channel of the same document, or one of another document's `channels`."""
    target = local(reference)
    if target is None:
        return "#/channels/" in reference
    steps = tokens(target)
    return len(steps) == 2 and steps[0] == "channels"


def channel_of(spot: Spot) -> str | None:
    """The reference to its channel that an operation or a reply has."""
    channel = spot.value.get("channel") if isinstance(spot.value, dict) else None
    found = channel.get("$ref") if isinstance(channel, dict) else None
    return found if isinstance(found, str) else None
