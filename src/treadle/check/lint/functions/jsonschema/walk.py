"""The schemas inside a schema, each with its path; no reference is followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treadle.check.lint.context import Path
from treadle.contract.place import Json

MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
SINGLES = (
    "items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip


def subschemas(schema: Json, at: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The schema at `at` and all below it that are mappings, in the order of the text."""
    waiting: list[tuple[Path, Json]] = [(at, schema)]
    while waiting:
        path, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield path, node
        below: list[tuple[Path, Json]] = []
        for key, value in node.items():
            if key in MAPS and isinstance(value, dict):
                below.extend(((*path, key, name), each) for name, each in value.items())
            elif key in LISTS and isinstance(value, list):
                below.extend(((*path, key, index), each) for index, each in enumerate(value))
            elif key in SINGLES and isinstance(value, dict):
                below.append(((*path, key), value))
        waiting.extend(reversed(below))


def is_larger(value: Json, nodes: int) -> bool:
    """Whether a value has more nodes than that, each counted wherever it stands: parts may be shared."""
    waiting = [value]
    for _ in range(nodes):
        if not waiting:
            return False
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return bool(waiting)
