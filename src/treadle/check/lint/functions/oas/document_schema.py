"""The document is built as the specification of its version says: every error, branches of `oneOf` and all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.oas.published import document_validator, properties_of
from treadle.contract.place import Json

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_VERSIONS = (("oas2", "2.0"), ("oas3.2", "3.2"), ("oas3.1", "3.1"))
"""Which schema a document is judged by, by its formats; any other by that of 3.0."""

_SHOWN_SCHEMES = (("basic",), ("apiKey",), ("oauth2",))
"""The names under which Spectral says which security scheme is wrong, and not only that one is."""

_OF_STYLES = frozenset({"style", "explode", "allowReserved", "example", "examples"})
_OF_PARTS = _OF_STYLES | {"name", "in", "flows", "scheme", "bearerFormat", "openIdConnectUrl"}
"""The properties that only a part of an object's schema in OpenAPI 3.1 speaks of (`dependentSchemas`, `allOf`)."""
_NAMED = frozenset({"properties", "patternProperties"})
_DOWN = _NAMED | {"additionalProperties", "items"}
_CONDITIONS = frozenset({"then", "dependentSchemas"})

_Level = tuple[Path, frozenset[str | int], str | int | None]
"""An object on the way to an error: where it stands, by which keywords one goes through its schema, to which key."""


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the document, as written."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        formats = context.subject.formats
        version = next((version for name, version in _VERSIONS if name in formats), "3.0")
        validator = document_validator(version)
        try:
            if validator.is_valid(value):
                return
            errors = list(validator.iter_errors(value))
        except ValueError as error:  # nests too deeply, or holds what JSON cannot
            yield Complaint(f"the document cannot be judged: {error}")
            return
        if version in ("2.0", "3.0"):
            for each in errors:
                yield from _said(each, value)
        else:
            yield from _modern(errors, value, version)

    return check


def _said(error: ValidationError, document: Json) -> Iterator[Complaint]:
    kind: Any = error.kind
    path = as_written(document, error.instance_path)
    name = kind.name
    if path[:1] == ("securityDefinitions",):  # Swagger 2.0: a scheme may be one of six things, and is none of them
        shown = path[:2] if path[1:2] in _SHOWN_SCHEMES else path[:1]
        yield Complaint("this is no security scheme that Swagger 2.0 knows", shown)
        return
    if name == "additionalProperties":
        for key in kind.unexpected:
            yield _unexpected(path, key)
        return
    if name == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        for key in _at(document, path):
            yield _unexpected(path, key)
        return
    if name in ("anyOf", "oneOf"):
        for branch in kind.context:
            for each in branch:
                yield from _said(each, document)
    if name == "propertyNames":
        yield from _said(kind.error, document)
    yield Complaint(_sentence(name, kind, path), path)


def _unexpected(path: Path, key: str) -> Complaint:
    return Complaint(f"`{key}` is not expected here", (*path, key))


def _modern(errors: list[ValidationError], document: Json, version: str) -> Iterator[Complaint]:
    """OpenAPI 3.1 and later ask for `unevaluatedProperties: false`, and Ajv has its own idea of what was evaluated.

    A property that is wrong by its own schema was; one of which only a condition speaks that does not hold was not.
    """
    wrong: dict[Path, set[str | int | None]] = {}
    for each in errors:
        for place, parts, key in _levels(each, document):
            names = _OF_STYLES if "dependentSchemas" in parts else _OF_PARTS if "then" in parts else frozenset()
            if parts.isdisjoint(_CONDITIONS):
                wrong.setdefault(place, set()).add(key)
            elif "dependentSchemas" not in parts and "allOf" not in parts:
                continue  # a reference, where one may stand
            elif key in names or (key is None and _OF_STYLES & names & _keys(_at(document, place))):
                yield Complaint(_sentence("unevaluatedProperties", None, place), place)
    for each in errors:
        kind: Any = each.kind
        if kind.name == "unevaluatedProperties":
            evaluated = wrong.get(as_written(document, each.instance_path), set()) - {None}
            known = properties_of(version, tuple(each.schema_path[:-1])) if evaluated else frozenset()
            if (evaluated | known).issuperset(kind.unexpected):
                continue
        yield from _said(each, document)


def _levels(error: ValidationError, document: Json) -> Iterator[_Level]:
    """Every object on the way to an error, as far as the schema is that of OpenAPI and not that of schemas."""
    path, steps = as_written(document, error.instance_path), deque(error.evaluation_path)
    parts: set[str | int] = set()
    depth = 0
    while steps:
        word = steps.popleft()
        if word not in _DOWN:
            parts.add(word)
            continue
        key = path[depth]
        yield path[:depth], frozenset(parts), key
        if key in ("schema", "itemSchema", "schemas"):
            return
        if word in _NAMED:
            steps.popleft()
        depth, parts = depth + 1, set()
    yield path[:depth], frozenset(parts), None


def _keys(node: Json) -> frozenset[str]:
    return frozenset(node) if isinstance(node, dict) else frozenset()


def as_written(document: Json, steps: Iterable[str | int]) -> Path:
    """The path of a validator's error with the keys as the document has them: `200` is text where it is a key."""
    path: list[str | int] = []
    for step in steps:
        key = str(step) if isinstance(document, dict) else step
        document = document[key]
        path.append(key)
    return tuple(path)


def _at(node: Json, path: Path) -> Json:
    for step in path:
        node = node[step]
    return node


def _sentence(name: str, kind: Any, path: Path) -> str:
    return f"`{path[-1] if path else 'the document'}` {_predicate(name, kind)}"


def _predicate(name: str, kind: Any) -> str:
    """What is wrong, in words that differ where the errors of one place differ."""
    match name:
        case "required":
            return f"lacks `{kind.property}`"
        case "type":
            return f"must be {' or '.join(sorted(kind.types))}"
        case "enum":
            return f"must be one of {', '.join(map(str, kind.options))}"
        case "const":
            return f"must be {kind.expected_value}"
        case "pattern":
            return f"must match {kind.pattern}"
        case "format":
            return f"must be of the format {kind.format}"
        case "unevaluatedProperties":
            return "has properties that are not expected"
        case "not" if kind.schema == {"required": ["schema", "content"]}:
            return "has both `schema` and `content`"
        case "falseSchema":
            return "is not what may stand here"
        case "dependentRequired" | "dependencies":
            return "lacks a property that another one needs"
        case _:
            return f"does not hold to `{name}`"
