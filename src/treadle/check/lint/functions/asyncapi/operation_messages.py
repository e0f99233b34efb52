"""AsyncAPI 3: the messages of an operation, and of its reply, are messages of the channel that it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.check.lint.functions.asyncapi.operation_channel import channel_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """A message is named by way of its channel, `#/channels/orders/messages/placed`, even if both lead on."""
    for spot in objects_of(context).of("operation", "reply"):
        channel, messages = channel_of(spot), spot.value.get("messages")
        if channel is None or not isinstance(messages, list):
            continue
        for at, message in enumerate(messages):
            reference = message.get("$ref") if isinstance(message, dict) else None
            if isinstance(reference, str) and not reference.startswith(f"{channel}/messages/"):
                says = f"`{reference}` is no message of the channel; write `{channel}/messages/…`"
                yield Complaint(says, (*spot.path, "messages", at))
