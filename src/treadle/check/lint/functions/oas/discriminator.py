"""Swagger 2.0: the property that a discriminator names is there, and required."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is a schema with a `discriminator`."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        name = value.get("discriminator") if isinstance(value, dict) else None
        if not isinstance(name, str):
            return
        properties = context.subject.follow(value.get("properties"))
        if not isinstance(properties, dict) or name not in properties:
            yield Complaint(f"the discriminator `{name}` is no property here", (*context.path, "properties"))
        required = value.get("required")
        if not isinstance(required, list) or name not in required:
            yield Complaint(f"the discriminator `{name}` is not required", (*context.path, "required"))

    return check
