"""A reference leads to an object of the kind that its place wants; places that want a reference have one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import Objects, Spot, local, objects_of
from treadle.contract.place import Json

_ONLY_REFERENCES = {
    ("channel", "servers"): "3", ("operation", "channel"): "3", ("operation", "messages"): "3",
    ("reply", "channel"): "3", ("reply", "messages"): "3",
}  # fmt: skip
"""Where the specification allows no object, only a reference to one: kind and field -> the major that says so."""


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """What a reference in another file leads to, and a part of the document that is no object, is not judged."""
    objects = objects_of(context)
    for spot in objects.all():
        if spot.reference is None:
            if spot.kind in ("server", "channel", "message") and _wants_reference(objects, spot):
                yield Complaint(f"a reference to a {spot.kind} must stand here, not one written out", spot.path)
            continue
        target = local(spot.reference)
        found = objects.by_pointer.get(target) if target is not None else None
        if found is not None and found.kind != spot.kind:
            yield Complaint(f"leads to a {found.kind}, and a {spot.kind} is wanted", (*spot.path, "$ref"))


def _wants_reference(objects: Objects, spot: Spot) -> bool:
    field_at = -2 if isinstance(spot.path[-1], int) else -1
    parent = objects.at(spot.path[:field_at])
    key = (parent.kind, str(spot.path[field_at])) if parent else ("", "")
    return _ONLY_REFERENCES.get(key) == objects.minor[:1]
