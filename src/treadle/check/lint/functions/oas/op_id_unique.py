"""No two operations share an `operationId`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.oas.operations import operations
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the map of paths."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        seen: set[tuple[type, Json]] = set()
        for path, operation in operations(value, context.subject):
            if "operationId" not in operation:
                continue
            id = operation["operationId"]
            if isinstance(id, dict | list):
                continue
            if (type(id), id) in seen:
                yield Complaint("another operation has this operationId", ("paths", *path, "operationId"))
            seen.add((type(id), id))

    return check
