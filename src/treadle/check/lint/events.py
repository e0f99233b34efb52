"""What functions ask of the channels of an AsyncAPI document, of major 2 or 3. Any JSON may stand anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.lint.api import items, mapping, written
from treadle.check.lint.context import Context, Path, Subject
from treadle.contract.place import Json

_EXTENSION = "x-treadle"


def address(context: Context) -> tuple[str, Path] | None:
    """The address of the channel that a function was given, and where it is written; None where it says none.

    AsyncAPI 2 has it as the key of the channel, AsyncAPI 3 under `address` (the key is a name for references only).
    """
    if is_second(context.subject):
        return str(context.path[-1]), context.path
    said = written(context).get("address")
    return (said, (*context.path, "address")) if isinstance(said, str) else None


def payloads(context: Context) -> Iterator[tuple[Path, Json]]:
    """The payload of every message of the channel that a function was given, with its path."""
    for path, each in _messages(written(context), context):
        message = mapping(each, context.subject)
        payload, at = message.get("payload"), (*path, "payload")
        inner = mapping(payload, context.subject)
        if "schemaFormat" in inner and "schema" in inner:  # AsyncAPI 3: a schema of another format
            payload, at = inner["schema"], (*at, "schema")
        yield at, payload


def own(value: Json) -> dict[str, Json]:
    """What `x-treadle` of a node says; an empty mapping where it says nothing."""
    found = value.get(_EXTENSION) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def is_second(subject: Subject) -> bool:
    """Whether the document is of AsyncAPI 2."""
    version = subject.data.get("asyncapi") if isinstance(subject.data, dict) else None
    return isinstance(version, str) and version.startswith("2.")


def _messages(channel: dict[str, Json], context: Context) -> Iterator[tuple[Path, Json]]:
    subject = context.subject
    if not is_second(subject):
        for name, message in mapping(channel.get("messages"), subject).items():
            yield (*context.path, "messages", name), message
        return
    for action in ("publish", "subscribe"):
        operation = mapping(channel.get(action), subject)
        if "message" not in operation:
            continue
        message, at = operation["message"], (*context.path, action, "message")
        choices = items(mapping(message, subject).get("oneOf"))
        if choices:
            yield from (((*at, "oneOf", number), each) for number, each in enumerate(choices))
        else:
            yield at, message
