"""The `default` and the `examples` of every schema are valid by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Path
from treadle.check.lint.functions.jsonschema.draft import DRAFTS, compiled, draft_of
from treadle.check.lint.functions.jsonschema.walk import is_larger, subschemas
from treadle.contract.place import Json

_NODES_MAX = 20_000
_JUDGED_MAX = 2_000
"""Values of one document that are judged; a validator is made for each schema that has some."""


def make(options: Mapping[str, Any]) -> Check:
    """The value is a schema as it is written. Option: `draft`, for schemas of a document that says none."""
    said = options.get("draft", "")
    if said and said not in DRAFTS:
        raise BadOptions(f"`draft` is one of {', '.join(DRAFTS)}")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        judged = 0
        for path, schema in subschemas(value):
            values = _values(schema)
            if not values or judged > _JUDGED_MAX:
                continue
            judged += len(values)
            without = {key: each for key, each in schema.items() if key not in ("default", "examples")}
            validator = _validator(context.subject.inlined(without), said or draft_of(value))
            for key, each in values if validator else ():
                for error in validator.iter_errors(each):
                    says = error.message.splitlines()[0][:300]
                    yield Complaint(says, (*context.path, *path, *key, *error.instance_path))

    return check


def _values(schema: dict[str, Json]) -> list[tuple[Path, Json]]:
    examples = schema.get("examples")
    listed: list[tuple[Path, Json]] = []
    if isinstance(examples, list):
        listed.extend((("examples", at), each) for at, each in enumerate(examples))
    return [(("default",), schema["default"]), *listed] if "default" in schema else listed


def _validator(schema: Json, draft: str) -> Any:
    """None for a schema that refers to itself, does not compile, or is huge with its references written out."""
    from treadle.check.lint.functions.asyncapi.values import has_reference

    if has_reference(schema) or is_larger(schema, _NODES_MAX):
        return None
    try:
        return compiled(schema, draft)
    except ValueError:
        return None
