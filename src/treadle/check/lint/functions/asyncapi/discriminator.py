"""A discriminator is a property of its schema, and a required one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Properties may come from the branches of an `allOf`."""
    for spot in objects_of(context).of("schema"):
        for path, schema in subschemas(spot.value, spot.path):
            name = schema.get("discriminator")
            if not isinstance(name, str):
                continue
            properties, required = _members(context.subject.inlined(schema))
            if name not in properties:
                near = nearest(name, properties)
                hint = f"; did you mean `{near}`?" if near else ""
                yield Complaint(f"the schema has no property `{name}`{hint}", (*path, "discriminator"))
            elif name not in required:
                yield Complaint(f"`{name}` must be `required` to tell schemas apart", (*path, "discriminator"))


def _members(schema: Json) -> tuple[set[str], set[str]]:
    properties: set[str] = set()
    required: set[str] = set()
    waiting = [schema]
    for _ in range(200):
        node = waiting.pop() if waiting else None
        if not isinstance(node, dict):
            if not waiting:
                break
            continue
        if isinstance(node.get("properties"), dict):
            properties |= node["properties"].keys()
        if isinstance(node.get("required"), list):
            required |= {each for each in node["required"] if isinstance(each, str)}
        if isinstance(node.get("allOf"), list):
            waiting.extend(node["allOf"])
    return properties, required
