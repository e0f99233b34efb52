"""A list of tags has each name once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Every list of tags of the document; a tag that is a reference has the name of what it leads to."""
    objects = objects_of(context)
    seen: set[tuple[Path, str]] = set()
    for spot in objects.by_kind.get("tag", ()):
        target = objects.target(spot)
        name = target.value.get("name") if target and isinstance(target.value, dict) else None
        if not isinstance(name, str) or not isinstance(spot.path[-1], int):
            continue
        if (spot.path[:-1], name) in seen:
            yield Complaint(f"the tag `{name}` is there twice", spot.path)
        seen.add((spot.path[:-1], name))
