"""The fields of a JSON Schema as rows: where, what kind, whether it must be there, and how it is classified.

The walk is bounded in rows and depth, and follows `#/$defs/…` references once on each way down, so a schema that
contains itself ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIELDS_MAX = 200
DEPTH_MAX = 12

_RULES = (
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "multipleOf",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One property. `pointer` names it inside the document it describes (`/lines/*/sku`); `rules` are in words."""

    pointer: str
    kind: str
    required: bool
    classification: str
    personal: str
    rules: tuple[str, ...]
    description: str


def fields(schema: Any) -> tuple[Field, ...]:
    """The properties of a schema, in the order in which it writes them; at most `FIELDS_MAX`."""
    found: list[Field] = []
    for field in _walk(schema, schema, "", required=True, seen=frozenset(), depth=0):
        found.append(field)
        if len(found) == FIELDS_MAX:
            break
    return tuple(found)


def _walk(schema: Any, root: Any, pointer: str, *, required: bool, seen: frozenset[str], depth: int) -> Iterator[Field]:
    if depth > DEPTH_MAX or not isinstance(schema, Mapping):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = _resolve(reference, root)
        if reference not in seen and target is not None:
            beside = {name: value for name, value in schema.items() if name != "$ref"}
            yield from _walk(
                {**target, **beside}, root, pointer, required=required, seen=seen | {reference}, depth=depth
            )
        elif pointer:
            yield Field(pointer, reference.rpartition("/")[2], required, "", "", (), "the same again")
        return
    if pointer:
        yield _field(schema, pointer, required=required)
    must = schema.get("required")
    must = must if isinstance(must, list | tuple) else ()
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, part in properties.items():
            step = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _walk(part, root, step, required=name in must, seen=seen, depth=depth + 1)
    if isinstance(schema.get("items"), Mapping):
        yield from _walk(schema["items"], root, f"{pointer}/*", required=False, seen=seen, depth=depth + 1)
    for word in ("allOf", "oneOf", "anyOf"):
        parts = schema.get(word)
        for part in parts if isinstance(parts, list | tuple) else ():
            inner = _walk(part, root, pointer, required=required and word == "allOf", seen=seen, depth=depth + 1)
            yield from (each for each in inner if each.pointer != pointer)


def _field(schema: Mapping[str, Any], pointer: str, *, required: bool) -> Field:
    own = schema.get("x-treadle")
    own = own if isinstance(own, Mapping) else {}
    rules = [f"{word} {schema[word]}" for word in _RULES if word in schema]
    if "const" in schema:
        rules.insert(0, f"always {schema['const']}")
    if isinstance(schema.get("enum"), list | tuple):
        rules.insert(0, "one of " + ", ".join(str(each) for each in schema["enum"][:12]))
    return Field(
        pointer=pointer,
        kind=_kind(schema),
        required=required,
        classification=str(own.get("classification", "")),
        personal=str(own.get("personal", "")),
        rules=tuple(rules),
        description=str(schema.get("description", "")),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list | tuple):
        return " or ".join(str(each) for each in kind)
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    if "const" in schema or "enum" in schema:
        return "value"
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return {"oneOf": "one of several", "anyOf": "any of several", "allOf": "all of several"}[word]
    return "any"


def _resolve(reference: str, root: Any) -> Mapping[str, Any] | None:
    """The mapping that a local JSON pointer names, or None."""
    if not reference.startswith("#/"):
        return None
    here = root
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(here, Mapping) or name not in here:
            return None
        here = here[name]
    return here if isinstance(here, Mapping) else None
