"""AsyncAPI 2: an `operationId` names one operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.walk import operations, repeated
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Each operation whose id an earlier one has."""
    for path, id in repeated(operations(context.subject.inlined(value)), "operationId"):
        yield Complaint(f'another operation has the id "{id}"', path)
