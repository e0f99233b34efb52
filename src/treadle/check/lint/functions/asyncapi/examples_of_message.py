"""The examples of a message are valid by its headers and payload, its traits merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.messages import parts_of
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.check.lint.functions.asyncapi.values import judged
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Schemas that are not JSON Schema (Avro, Protobuf, …) judge no example."""
    for spot in objects_of(context).of("message"):
        examples = spot.value.get("examples")
        parts = parts_of(context, spot) if isinstance(examples, list) else {}
        for at, example in enumerate(examples if isinstance(examples, list) else ()):
            for part, schema in parts.items():
                if isinstance(example, dict) and part in example:
                    yield from judged(example[part], schema, (*spot.path, "examples", at, part))
