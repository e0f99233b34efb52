"""What a schema asks for as a whole: through references, `allOf`, and what all of its alternatives agree on.

For functions that judge documents as they are written. Any JSON may stand where a schema should: then it asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.lint.context import Subject
from treadle.contract.place import Json

_PARTS_MAX = 1_000
_NESTING_MAX = 8
_CHOICES = ("anyOf", "oneOf")
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def parts(schema: Json, subject: Subject) -> Iterator[dict[str, Json]]:
    """Every mapping that holds for the same value: the schema, what it refers to, its `allOf`, a choice of one."""
    waiting = [schema]
    seen: set[int] = set()
    while waiting and len(seen) < _PARTS_MAX:
        each = waiting.pop()
        if not isinstance(each, dict) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if "$ref" in each:
            waiting.append(subject.follow(each))
        for key in ("allOf", *_CHOICES):
            listed = each.get(key)
            if isinstance(listed, list) and (key == "allOf" or len(listed) == 1):
                waiting.extend(listed)


def required(schema: Json, subject: Subject, nesting: int = 0) -> frozenset[str]:
    """Every property that must be there, whichever alternative a value takes."""
    found: set[str] = set()
    for each in parts(schema, subject):
        listed = each.get("required")
        if isinstance(listed, list):
            found.update(name for name in listed if isinstance(name, str))
        for branches in _choices(each, nesting):
            found |= frozenset.intersection(*(required(branch, subject, nesting + 1) for branch in branches))
    return frozenset(found)


def properties(schema: Json, subject: Subject) -> dict[str, Json]:
    """Every property that is described outside of alternatives, as it is first written."""
    found: dict[str, Json] = {}
    for each in parts(schema, subject):
        described = each.get("properties")
        for name, inner in described.items() if isinstance(described, dict) else ():
            found.setdefault(name, inner)
    return found


def kinds(schema: Json, subject: Subject, nesting: int = 0) -> frozenset[str] | None:
    """The types that a value may have, told from `type`, `const`, `enum` and alternatives; None where any may."""
    allowed: frozenset[str] | None = None
    for each in parts(schema, subject):
        for names in (_typed(each), *(_either(each, subject, nesting))):
            if names is not None:
                allowed = names if allowed is None else allowed & names
    return allowed


def _typed(schema: dict[str, Json]) -> frozenset[str] | None:
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset([said])
    if isinstance(said, list):
        return frozenset(each for each in said if isinstance(each, str))
    if "const" in schema:
        return frozenset([_NAMES.get(type(schema["const"]), "null")])
    if isinstance(schema.get("enum"), list):
        return frozenset(_NAMES.get(type(each), "null") for each in schema["enum"])
    return None


def _either(schema: dict[str, Json], subject: Subject, nesting: int) -> Iterator[frozenset[str] | None]:
    for branches in _choices(schema, nesting):
        each = [kinds(branch, subject, nesting + 1) for branch in branches]
        known = [names for names in each if names is not None]
        yield frozenset().union(*known) if len(known) == len(each) else None


def _choices(schema: dict[str, Json], nesting: int) -> Iterator[list[Json]]:
    if nesting < _NESTING_MAX:
        listed = (schema.get(key) for key in _CHOICES)
        yield from (each for each in listed if isinstance(each, list) and len(each) > 1)
