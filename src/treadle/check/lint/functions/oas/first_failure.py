"""The error at which Ajv stops, out of all that a validator finds.

Spectral judges examples with Ajv at its default of stopping at the first error, and which one that is decides the
place of its result. Ajv goes through a schema by groups of keywords, one a type, and within a group in a set order;
branches of `anyOf` and `oneOf` each add the error at which they stop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from treadle.check.lint.ajv import Error
from treadle.check.lint.functions.oas.author_schemas import MAPS
from treadle.check.lint.functions.oas.document_schema import as_written
from treadle.contract.place import Json

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("number", ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")),
    ("string", ("maxLength", "minLength", "pattern", "format")),
    ("", ("const", "enum", "not", "anyOf", "oneOf", "allOf", "if", "then", "else")),
    ("array", ("maxItems", "minItems", "uniqueItems", "prefixItems", "items", "additionalItems", "contains")),
    (
        "object",
        (
            "maxProperties", "minProperties", "required", "dependentRequired", "propertyNames",
            "additionalProperties", "dependencies", "dependentSchemas", "properties", "patternProperties",
        ),
    ),
)  # fmt: skip
_RANKS = {word: at for at, word in enumerate(word for _, words in _GROUPS for word in words)}
_GROUP_OF: dict[str, tuple[float, tuple[str, ...]]] = {
    kind: (_RANKS[words[0]] - 0.5, words) for kind, words in _GROUPS if kind
}
_NO_GROUP: tuple[float, tuple[str, ...]] = (-1.0, ())
_BY_THE_VALUE = frozenset(
    {"items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"}
)
_INTO_THE_VALUE = _BY_THE_VALUE | {"properties", "patternProperties", "prefixItems"}

Locate = Callable[[str], Json]
"""The schema that a reference, or a name, stands for."""


def first_failure(errors: Iterable[ValidationError], value: Json, locate: Locate) -> list[Error]:
    """Ajv's errors, out of all those of `{name: value}` by `{properties: {name: {$ref: …}}}`."""
    first = min(errors, key=lambda error: _order(error, value, locate))
    kind: Any = first.kind
    word, path = kind.name, as_written(value, first.instance_path[1:])
    said: list[Error] = []
    if word in ("anyOf", "oneOf"):
        for branch in kind.context:
            if branch:
                said += first_failure(branch, value, locate)
    elif word == "propertyNames":
        said.append(Error("pattern", path, "has a name that is not valid"))
    said.append(_plain(first, word, kind, path))
    return said


def _plain(error: ValidationError, word: str, kind: Any, path: tuple[str | int, ...]) -> Error:
    match word:
        case "required":
            return Error(word, path, f'must have the property "{kind.property}"', kind.property)
        case "type":
            return Error(word, path, f"must be {' or '.join(sorted(kind.types))}")
        case "enum":
            return Error(word, path, f"must be one of: {', '.join(map(str, kind.options))}", kind.options)
        case "format":
            return Error(word, path, f'must match the format "{kind.format}"')
        case "pattern" if hasattr(kind, "pattern"):
            return Error(word, path, f'must match the pattern "{kind.pattern}"')
        case "additionalProperties":
            key = kind.unexpected[0]
            return Error(word, path, f'property "{key}" is not expected here', key)
        case "anyOf" | "oneOf":
            return Error(word, path, f"must match {'one' if word == 'oneOf' else 'some'} of the schemas of {word}")
        case "falseSchema" if error.evaluation_path[-1:] == ["additionalProperties"]:
            return Error("additionalProperties", path, "has properties that are not expected")
        case _:
            return Error(word, path, f"does not hold to `{word}`")


def _order(error: ValidationError, value: Json, locate: Locate) -> tuple[tuple[float, int], ...]:
    """Where Ajv meets an error: for each keyword on the way to it its rank, and the place of the part it applies to."""
    steps, instance = deque(error.evaluation_path), deque(error.instance_path)
    steps.popleft()
    instance.popleft()
    schema: Json = {"$ref": str(steps.popleft())}
    order: list[tuple[float, int]] = []
    while steps:
        word = str(steps.popleft())
        if word == "$ref":
            schema = locate(schema["$ref"])
            continue
        rank, part, place = _rank(word, schema), schema[word], 0
        if not steps:
            order.append((rank, _index(error, part)))
        elif (isinstance(part, dict) and word in MAPS) or isinstance(part, list):
            name = steps.popleft()
            place = int(name) if isinstance(part, list) else list(part).index(str(name))
            part = part[place] if isinstance(part, list) else part[str(name)]
        if steps and word in _INTO_THE_VALUE:
            key = str(instance.popleft()) if isinstance(value, dict) else instance.popleft()
            if word in _BY_THE_VALUE:
                place = key if isinstance(key, int) else list(value).index(key)
            value = value[key]
        if steps:
            order.append((rank, place))
        schema = part
    return tuple(order)


def _rank(word: str, schema: Json) -> float:
    """A type comes first of all; one that the schema says more of comes first in the group of its keywords."""
    if word != "type":
        return _RANKS.get(word, len(_RANKS))
    said = schema["type"]
    rank, words = _GROUP_OF.get(said, _NO_GROUP) if isinstance(said, str) else _NO_GROUP
    return rank if any(each in schema for each in words) else -1.0


def _index(error: ValidationError, part: Json) -> int:
    """The place of the name that `required` misses, among those that it asks for."""
    kind: Any = error.kind
    return part.index(kind.property) if kind.name == "required" else 0
