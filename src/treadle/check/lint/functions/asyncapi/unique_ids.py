"""AsyncAPI 2: each `operationId` names one operation and each `messageId` one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.contract.place import Json

_FIELDS = {"operation": "operationId", "message": "messageId"}


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """A message counts where it is written: that several operations refer to it makes it no two messages."""
    objects = objects_of(context)
    for kind, field in _FIELDS.items():
        seen: dict[str, str] = {}
        for spot in objects.of(kind):
            id = spot.value.get(field)
            if not isinstance(id, str):
                continue
            if id in seen:
                yield Complaint(f"`{seen[id]}` has the {field} `{id}` already", (*spot.path, field))
            seen.setdefault(id, ".".join(map(str, spot.path)))
