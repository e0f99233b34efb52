"""AsyncAPI 2: a payload is a Schema Object of its version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from treadle.check.lint.ajv_results import complaints
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.published import minor_of, part_judge
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a payload."""
    return check


def check(value: Json, context: Context) -> Iterable[Complaint]:
    """What the published schema of a Schema Object has against it."""
    minor = minor_of(context.subject.data)
    return complaints(part_judge(minor, "schema").errors(context.subject.inlined(value)), context.path) if minor else ()
