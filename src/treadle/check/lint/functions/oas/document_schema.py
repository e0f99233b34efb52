"""The document is built as the specification of its version says: every error, branches of `oneOf` and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.oas.published import document_validator
from treadle.contract.model import Json

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_VERSIONS = (("oas2", "2.0"), ("oas3.2", "3.2"), ("oas3.1", "3.1"))
"""Which schema a document is judged by, by its formats; any other by that of 3.0."""


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
        for each in errors:
            yield from _said(each, value, version)

    return check


def _said(error: ValidationError, document: Json, version: str) -> Iterator[Complaint]:
    kind: Any = error.kind
    path: Path = tuple(error.instance_path)
    name = kind.name
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
                yield from _said(each, document, version)
        if version == "2.0" and path[:1] == ("securityDefinitions",):
            yield Complaint("some security scheme is none that Swagger 2.0 knows", ("securityDefinitions",))
            return
    if name == "propertyNames":
        yield from _said(kind.error, document, version)
    yield Complaint(_sentence(name, kind, path), path)


def _unexpected(path: Path, key: str) -> Complaint:
    return Complaint(f"`{key}` is not expected here", (*path, key))


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
        case "falseSchema":
            return "is not what may stand here"
        case "dependentRequired" | "dependencies":
            return "lacks a property that another one needs"
        case _:
            return f"does not hold to `{name}`"
