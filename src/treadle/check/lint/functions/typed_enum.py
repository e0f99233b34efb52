"""`typedEnum`: the values of an `enum` are of the `type` beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """No options. The value is a schema."""
    only(options)
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Each value of another type, at its place."""
    if not isinstance(value, dict) or not isinstance(value.get("enum"), list):
        return
    said = value.get("type")
    kinds = [*said] if isinstance(said, list) else [said]
    if not all(isinstance(kind, str) for kind in kinds):
        return
    nullable = {"oas3.0": "nullable", "oas2": "x-nullable"}
    if any(value.get(word) is True for format, word in nullable.items() if format in context.subject.formats):
        kinds.append("null")
    for at, each in enumerate(value["enum"]):
        if not any(_is(each, kind) for kind in kinds):
            wanted = ", ".join(map(str, kinds))
            yield Complaint(f'Enum value `{_said(each)}` must be "{wanted}".', (*context.path, "enum", at))


def _is(value: Json, kind: Any) -> bool:
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if kind == "object":
        return isinstance(value, dict)
    if kind == "array":
        return isinstance(value, list)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and (kind == "number" or (kind == "integer" and float(value).is_integer()))


def _said(value: Json) -> str:
    from treadle.check.lint.path.values import to_string

    return to_string(value)
