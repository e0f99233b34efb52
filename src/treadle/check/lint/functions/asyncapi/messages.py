"""The messages of channels and operations, and the schemas of a message, its traits merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treadle.check.lint.context import Context
from treadle.check.lint.functions.asyncapi.message_examples import with_traits
from treadle.check.lint.functions.asyncapi.objects import Objects, Spot
from treadle.check.lint.functions.asyncapi.schema_format import JSON_LIKE, language
from treadle.contract.place import Json


def messages_of(objects: Objects, spot: Spot) -> list[Spot]:
    """The messages of a channel or an operation that stand in this document."""
    return list(dict.fromkeys(_found(objects, spot)))


def _found(objects: Objects, spot: Spot) -> Iterator[Spot]:
    value = spot.value
    if spot.kind == "channel" and objects.minor.startswith("2"):
        for word in ("subscribe", "publish"):
            if operation := objects.at((*spot.path, word)):
                yield from _found(objects, operation)
        return
    if spot.kind == "operation" and objects.minor.startswith("2"):
        yield from _one_of(objects, objects.at((*spot.path, "message")))
        return
    listed = value.get("messages") if isinstance(value, dict) else None
    if spot.kind == "operation" and not isinstance(listed, list):
        channel = objects.at((*spot.path, "channel"))
        target = channel and objects.target(channel)
        if target:
            yield from _found(objects, target)
        return
    for name in listed if isinstance(listed, dict) else range(len(listed)) if isinstance(listed, list) else ():
        yield from _one_of(objects, objects.at((*spot.path, "messages", name)))


def _one_of(objects: Objects, spot: Spot | None) -> Iterator[Spot]:
    found = spot and objects.target(spot)
    if not found or not isinstance(found.value, dict):
        return
    branches = found.value.get("oneOf")
    if not isinstance(branches, list):
        yield found
        return
    for at in range(len(branches)):
        branch = objects.at((*found.path, "oneOf", at))
        target = branch and objects.target(branch)
        if target and isinstance(target.value, dict):
            yield target


def merged(context: Context, spot: Spot, minor: str) -> dict[str, Any]:
    """A message with its traits and its references written out.

    AsyncAPI 2 lays each trait over the message; in AsyncAPI 3 the message wins, and a later trait over an earlier.
    """
    message = context.subject.inlined(spot.value)
    if minor.startswith("2"):
        return with_traits(message)
    traits = message.get("traits")
    result: dict[str, Any] = with_traits(
        {"traits": [each for each in traits if isinstance(each, dict)]} if isinstance(traits, list) else {}
    )
    own = {key: value for key, value in message.items() if key != "traits"}
    return with_traits({**result, "traits": [own]})


def parts_of(context: Context, spot: Spot) -> dict[str, Json]:
    """`headers` and `payload` of a message as JSON Schemas; a part in another language is left out."""
    from treadle.check.lint.functions.asyncapi.objects import objects_of

    minor = objects_of(context).minor
    key = ("parts", spot.path)
    if key not in context.kept:
        message = merged(context, spot, minor)
        context.kept[key] = {
            part: schema
            for part in ("headers", "payload")
            if part in message and (schema := _schema(message, part, minor)) is not None
        }
    found: dict[str, Json] = context.kept[key]
    return found


def _schema(message: dict[str, Any], part: str, minor: str) -> Json:
    value = message[part]
    said = message.get("schemaFormat") if minor.startswith("2") and part == "payload" else None
    if minor.startswith("3") and isinstance(value, dict) and "schema" in value:
        said, value = value.get("schemaFormat"), value["schema"]
    return value if language(said) in JSON_LIKE else None
