"""No two tags of the document share a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the list of tags; one that holds anything but named tags is left to other rules."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        tags = [context.subject.follow(each) for each in value] if isinstance(value, list) else []
        if not all(isinstance(tag, dict) and isinstance(tag.get("name"), str) for tag in tags):
            return
        seen: set[str] = set()
        for at, tag in enumerate(tags):
            if tag["name"] in seen:
                yield Complaint(f"the tag `{tag['name']}` is listed before", (*context.path, at, "name"))
            seen.add(tag["name"])

    return check
