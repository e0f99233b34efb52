"""A value of the author's own (an example, a default) by a schema of the author's own, as Spectral judges it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from treadle.check.lint.ajv import Judge
from treadle.check.lint.ajv_results import complaints
from treadle.check.lint.context import Complaint, Path
from treadle.check.lint.functions.asyncapi.published import DRAFT_07
from treadle.check.lint.functions.asyncapi.published import schema as published
from treadle.contract.place import Json


def judged(value: Json, schema: Json, path: Path) -> Iterable[Complaint]:
    """What `schema` (references written out) has against `value`, which stands at `path`.

    A schema that is none is one complaint; of one with a reference that stayed (to itself) nothing is said.
    """
    if has_reference(schema):
        return ()
    if wrong := _metaschema().errors(schema):
        return (Complaint(f"the schema is none itself: {_where(wrong[0].path)} {wrong[0].message}", path),)
    return complaints(Judge(schema).errors(value), path)


@lru_cache(maxsize=1)
def _metaschema() -> Judge:
    """Draft 7, and `nullable` as Ajv has it."""
    draft_07 = published("3.1")["definitions"][DRAFT_07]
    properties = {**draft_07["properties"], "nullable": {"type": "boolean"}}
    with_nullable = {**draft_07, "properties": properties, "dependencies": {"nullable": ["type"]}}
    return Judge({"$ref": f"#/definitions/{DRAFT_07}", "definitions": {DRAFT_07: with_nullable}})


def _where(path: Path) -> str:
    return ".".join(map(str, path)) or "it"


def has_reference(schema: Json) -> bool:
    """Whether a `$ref` is left anywhere in a schema. A property of that name is none."""
    return any(isinstance(each.get("$ref"), str) for each in _mappings(schema))


def _mappings(value: Json) -> Iterator[dict[str, Any]]:
    waiting, seen = [value], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        if isinstance(node, dict):
            seen.add(id(node))
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            seen.add(id(node))
            waiting.extend(node)
