"""The document is valid by the published JSON Schema of its version, each error at its own place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from treadle.check.lint.ajv import Error
from treadle.check.lint.ajv_results import each_once
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.published import LATEST, document_judge, minor_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterable[Complaint]:
    """An unknown version is said as such; a 3.x later than we know is judged by the latest that we do."""
    minor = minor_of(context.subject.data)
    judge = document_judge(minor, resolved=True, nearest=True)
    if judge is None:
        said = value.get("asyncapi") if isinstance(value, dict) else None
        return (Complaint(f"AsyncAPI {said} is no version: 2.0 to 2.6 and 3.0 to {LATEST} are", ("asyncapi",)),)
    errors = judge.errors(context.subject.inlined(value))
    return each_once([each for each in errors if not _reference(each)], context.path)


def _reference(error: Error) -> bool:
    """A `$ref` that was not followed, since it dangles or leads to itself: other rules say so."""
    return error.subject == "$ref" and error.keyword in ("additionalProperties", "required")
