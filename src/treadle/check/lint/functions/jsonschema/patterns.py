"""Patterns compile, and run in linear time: without look-around and back-references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.ajv_formats import FORMATS
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a schema."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """`pattern`, and the keys of `patternProperties`."""
    for path, schema in subschemas(value):
        if isinstance(schema.get("pattern"), str) and (says := wrong(schema["pattern"])):
            yield Complaint(says, (*context.path, *path, "pattern"))
        keys = schema.get("patternProperties")
        for key in keys if isinstance(keys, dict) else ():
            if says := wrong(key):
                yield Complaint(says, (*context.path, *path, "patternProperties", key))


def wrong(pattern: str) -> str:
    """What is wrong with a pattern, or nothing."""
    from treadle.contract.schema import InvalidSchema, validator

    try:
        validator({"pattern": pattern})
    except InvalidSchema:
        if FORMATS["regex"](pattern):
            return f"`{pattern}` needs look-around, a back-reference or much room, and cannot run in linear time"
        return f"`{pattern}` is no regular expression"
    return ""
