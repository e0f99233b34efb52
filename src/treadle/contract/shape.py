"""Checks YAML against one of the published JSON Schemas, and says what is wrong in the words of the file's author."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import orjson

from treadle.base.nearest import nearest
from treadle.contract.place import Json, Place
from treadle.contract.pointer import pointer
from treadle.contract.problems import Problems
from treadle.contract.schema import ValidationError, Validator, validator


@cache
def published(name: str) -> Mapping[str, Any]:
    """One of the schemas that ship with treadle: `workspace.treadle`, `x-treadle.info`, ..."""
    file = resources.files("treadle.contract") / "schemas" / f"{name}.schema.json"
    schema: Mapping[str, Any] = orjson.loads(file.read_bytes())
    return schema


@cache
def _compiled(name: str) -> Validator:
    return validator(published(name))


def check_shape(schema: str, value: Json, at: Callable[[str], Place], problems: Problems) -> bool:
    """Whether `value` fits; each misfit is a problem at its own place.

    `at` maps a JSON pointer inside `value` to a place.
    """
    fits = True
    for error in _compiled(schema).iter_errors(value):
        for rule, path, message, hint in _complaints(error, published(schema)):
            problems.add(rule, at(pointer(*path)), message, hint)
            fits = False
    return fits


def _complaints(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[tuple[str, list[str | int], str, str]]:
    kind: Any = error.kind
    path = list(error.instance_path)
    name = _name(path)
    if kind.name == "additionalProperties":
        known = _parent(schema, error.schema_path).get("properties", {})
        for key in kind.unexpected:
            near = nearest(key, known)
            message = f"unknown key `{key}`" + (f"; did you mean `{near}`?" if near else "")
            yield "unknown-key", [*path, key], message, "known here: " + ", ".join(sorted(known))
    elif kind.name == "required":
        yield "missing-key", path, f"{name} lacks `{kind.property}`", f"add `{kind.property}:`"
    else:
        yield "bad-value", path, f"{name} {_wanted(kind, error)}", ""


def _wanted(kind: Any, error: ValidationError) -> str:
    words: Mapping[str, Callable[[], str]] = {
        "type": lambda: "must be " + " or ".join(_TYPES.get(each, each) for each in kind.types),
        "enum": lambda: "must be one of " + ", ".join(str(each) for each in kind.options),
        "const": lambda: f"must be {kind.expected_value}",
        "pattern": lambda: f"does not match `{kind.pattern}`",
        "minimum": lambda: f"must be at least {kind.limit}",
        "exclusiveMinimum": lambda: f"must be more than {kind.limit}",
        "maximum": lambda: f"must be at most {kind.limit}",
        "minLength": lambda: f"must have at least {kind.limit} character(s)",
        "maxLength": lambda: f"must have at most {kind.limit} characters",
        "minItems": lambda: f"must have at least {kind.limit} item(s)",
        "uniqueItems": lambda: "must not repeat an item",
        "propertyNames": lambda: "has a key that is no plain name (a-z, 0-9, -)",
    }
    say = words.get(kind.name)
    return say() if say else f"is not allowed here ({'/'.join(str(step) for step in error.schema_path[-2:])})"


_TYPES = {
    "object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false",
}  # fmt: skip


def _name(path: list[str | int]) -> str:
    if not path:
        return "the file"
    return f"`{path[-1]}`" if isinstance(path[-1], str) else f"item {path[-1] + 1} of {_name(path[:-1])}"


def _parent(schema: Mapping[str, Any], path: list[str | int]) -> Mapping[str, Any]:
    """The schema that a keyword at `path` belongs to. Published schemas hold no references."""
    node: Any = schema
    for step in path[:-1]:
        node = node[step]
    found: Mapping[str, Any] = node
    return found
