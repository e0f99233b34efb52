"""The tags of an operation are listed at the root of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.oas.operations import operations
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the document."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(value, dict):
            return
        listed = value.get("tags")
        follow = context.subject.follow
        tags = [follow(each) for each in listed] if isinstance(listed, list) else []
        known = {tag["name"] for tag in tags if isinstance(tag, dict) and isinstance(tag.get("name"), str)}
        for path, operation in operations(value.get("paths"), context.subject):
            used = operation.get("tags")
            for at, tag in enumerate(used if isinstance(used, list) else ()):
                if not isinstance(tag, str) or tag not in known:
                    yield Complaint("the document lists no such tag", ("paths", *path, "tags", at))

    return check
