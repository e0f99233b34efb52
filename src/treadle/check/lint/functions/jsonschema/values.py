"""The `default` and the `examples` of every schema are valid by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.jsonschema.draft import compiled, draft_of
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.model import Json

_JUDGED_MAX = 2_000
"""Values of one document that are judged; a validator is made for each schema that has some."""


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document, its references as they are written."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """A schema that does not compile is left to the rules that say why."""
    judged = 0
    for path, schema in subschemas(value):
        values = _values(schema)
        if not values or judged > _JUDGED_MAX:
            continue
        judged += len(values)
        without = {key: each for key, each in schema.items() if key not in ("default", "examples")}
        for key, each in values:
            for at, says in _errors(context.subject.inlined(without), each, draft_of(value)):
                yield Complaint(says, (*context.path, *path, *key, *at))


def _values(schema: dict[str, Json]) -> list[tuple[Path, Json]]:
    examples = schema.get("examples")
    listed: list[tuple[Path, Json]] = []
    if isinstance(examples, list):
        listed.extend((("examples", at), each) for at, each in enumerate(examples))
    return [(("default",), schema["default"]), *listed] if "default" in schema else listed


def _errors(schema: Json, value: Json, draft: str) -> Iterator[tuple[Path, str]]:
    from treadle.check.lint.functions.asyncapi.values import has_reference

    if has_reference(schema):
        return  # to itself
    try:
        validator = compiled(schema, draft)
    except ValueError:
        return
    for error in validator.iter_errors(value):
        yield tuple(error.instance_path), error.message.splitlines()[0][:300]
