"""Whether one simple schema takes everything that another takes, and a value that tells them apart.

Only keywords about single values are looked at: properties, items and combinators are compared part by part, because
there a promise to readers differs from pure set theory (a new optional property narrows an open object in theory, and
breaks nobody).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import jsonschema_rs

from treadle.check.compat.likeness import token
from treadle.check.objects import Part, branches, kinds
from treadle.contract.model import Json
from treadle.contract.schema import PATTERNS, InvalidSchema, refuse_retrieval, validator

KEYWORDS = frozenset(
    {
        "type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
_LENGTH_MAX = 200


class Contained(StrEnum):
    """Whether one holds everything of the other."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def simple(part: Part, *, without: frozenset[str] = frozenset()) -> Json:
    """What a schema says about single values, as a schema without references."""
    said = [
        {key: value for key, value in each.schema.items() if key in KEYWORDS - without}
        for each in branches(part)
        if isinstance(each.schema, dict)
    ]
    said = [each for each in said if each]
    return said[0] if len(said) == 1 else {"allOf": said} if said else {}


def listed(part: Part) -> dict[str, Json] | None:
    """The values that are listed and that everything else which is said of single values takes, each by its token.

    None where the schema lists none.
    """
    found: dict[str, Json] | None = None
    for each in branches(part):
        schema = each.schema if isinstance(each.schema, dict) else {}
        for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if values is not None:
                these = {token(value): value for value in values}
                found = these if found is None else {key: value for key, value in found.items() if key in these}
    if not found:
        return found
    try:
        fits = validator(simple(part, without=frozenset({"enum", "const"})))
    except InvalidSchema:
        return found
    return {key: value for key, value in found.items() if fits.is_valid(value)}


def apart(one: Part, other: Part) -> bool:
    """Whether it is plain that no value fits both: by their types or the values that they list."""
    types = kinds(one), kinds(other)
    if types[0] is not None and types[1] is not None and not types[0] & types[1]:
        return True
    values = listed(one), listed(other)
    return values[0] is not None and values[1] is not None and not values[0].keys() & values[1].keys()


def holds(outer: Json, inner: Json) -> Contained:
    """Whether every value that `inner` takes is taken by `outer`."""
    if outer == {} or token(outer) == token(inner):
        return Contained.YES
    try:
        return Contained(str(_canonical(outer).covers(_canonical(inner)).value))
    except (ValueError, jsonschema_rs.canonical.CanonicalizationError):
        return Contained.UNKNOWN


def witness(taken: Json, refused: Json) -> tuple[Json] | None:
    """A value that `taken` takes and `refused` does not, as (value,), or None where none was found."""
    try:
        yes, no = validator(taken), validator(refused)
    except InvalidSchema:
        return None
    return next(
        ((each,) for each in _candidates([taken, refused]) if yes.is_valid(each) and not no.is_valid(each)), None
    )


def _canonical(schema: Json) -> Any:
    return jsonschema_rs.canonicalize(
        schema, draft=jsonschema_rs.Draft202012, pattern_options=PATTERNS, retriever=refuse_retrieval
    )


def _candidates(schemas: list[Json]) -> Iterator[Json]:
    """Values at and beside every bound."""
    yield from ("", "a", 0, 1, -1, 0.5, True, None, [], {})
    for schema in schemas:
        for part in schema.get("allOf", [schema]):
            yield from part.get("enum", ())
            if "const" in part:
                yield part["const"]
            for key, bound in part.items():
                if isinstance(bound, bool) or not isinstance(bound, int | float):
                    continue
                yield from (bound, bound - 1, bound + 1, bound - 0.5, bound + 0.5)
                if key.endswith(("Length", "Items", "Properties")):
                    for size in range(max(0, int(bound) - 1), min(int(bound) + 1, _LENGTH_MAX) + 1):
                        yield from ("a" * size, list(range(size)), [0] * size, {f"k{at}": at for at in range(size)})
