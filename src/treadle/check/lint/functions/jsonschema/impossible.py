"""Schemas that nothing can be valid by, where each keyword alone is fine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.place import Json

_BOUNDS = (
    ("minimum", "maximum", ("number", "integer")),
    ("exclusiveMinimum", "exclusiveMaximum", ("number", "integer")),
    ("minLength", "maxLength", ("string",)),
    ("minItems", "maxItems", ("array",)),
    ("minProperties", "maxProperties", ("object",)),
    ("minContains", "maxContains", ("array",)),
)
_TESTS: dict[str, type | tuple[type, ...]] = {
    "null": type(None), "boolean": bool, "string": str, "array": list, "object": dict, "number": (int, float),
    "integer": (int, float),
}  # fmt: skip
_FOR_TYPE = {
    "string": ("minLength", "maxLength", "pattern"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a schema."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Every schema in it by itself; what two of an `allOf` say against each other is not found."""
    for path, schema in subschemas(value):
        for key, says in _contradictions(schema):
            yield Complaint(says, (*context.path, *path, *key))


def _contradictions(schema: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    yield from _bounds(schema)
    yield from _members(schema)
    if schema.get("enum") == []:
        yield ("enum",), "an empty `enum` allows nothing"
    kinds = _types(schema)
    for key in ("const", "enum") if kinds else ():
        values = schema.get(key) if key == "enum" else [schema[key]] if key in schema else []
        if isinstance(values, list) and values and not any(_is(each, kinds) for each in values):
            yield (key,), f"no value of `{key}` is of type {' or '.join(kinds)}"
    if kinds:
        for kind, words in _FOR_TYPE.items():
            if kind not in kinds and not (kind == "number" and "integer" in kinds):
                for word in words:
                    if word in schema:
                        yield (word,), f"`{word}` is about a type that `type` does not allow"


def _bounds(schema: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    kinds = _types(schema)
    for low, high, about in _BOUNDS:
        least, most = schema.get(low), schema.get(high)
        if not _number(least) or not _number(most) or (kinds and not set(kinds) & set(about)):
            continue
        exclusive = low.startswith("exclusive") or schema.get(f"exclusive{low[0].upper()}{low[1:]}") is True
        if least > most or (exclusive and least == most):
            yield (low,), f"`{low}` {least} is more than `{high}` {most} leaves"


def _members(schema: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    required, properties = schema.get("required"), schema.get("properties", {})
    if not isinstance(required, list) or not isinstance(properties, dict):
        return
    for at, name in enumerate(required):
        if not isinstance(name, str):
            continue
        if properties.get(name) is False:
            yield ("required", at), f"`{name}` is required, and its schema allows nothing"
        elif (
            schema.get("additionalProperties") is False
            and name not in properties
            and not schema.get("patternProperties")
        ):
            yield ("required", at), f"`{name}` is required, and `additionalProperties: false` forbids it"
    most = schema.get("maxProperties")
    if _number(most) and len(set(map(str, required))) > most:
        yield ("maxProperties",), f"{len(required)} properties are required, and {most} allowed"


def _types(schema: dict[str, Any]) -> list[str]:
    said = schema.get("type")
    found = said if isinstance(said, list) else [said]
    return [each for each in found if isinstance(each, str)]


def _number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is(value: Json, kinds: list[str]) -> bool:
    for kind in kinds:
        wanted = _TESTS.get(kind, object)
        if isinstance(value, wanted) and (isinstance(value, bool) <= (kind == "boolean")):
            return True
    return False
