"""A JSON Schema document is valid by the metaschema of its draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.jsonschema.draft import LATEST, draft_of, is_known, metaschema
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """A `$schema` that is no published draft is said, and the latest draft is judged by."""
    said = value.get("$schema") if isinstance(value, dict) else None
    if said is not None and not is_known(said):
        yield Complaint(f"`{said}` is no draft that is known; it is read as {LATEST}", (*context.path, "$schema"))
    for error in metaschema(draft_of(value)).iter_errors(value):
        yield Complaint(error.message.splitlines()[0][:300], (*context.path, *error.instance_path))
