"""The variables of a server are the names in braces of its address, and a default is one of the allowed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.channel_parameters import expressions
from treadle.check.lint.functions.asyncapi.objects import Objects, Spot, objects_of
from treadle.contract.place import Json

_FIELDS = ("url", "host", "pathname")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """AsyncAPI 2 has `url`; AsyncAPI 3 has `host` and `pathname`."""
    objects = objects_of(context)
    for spot in objects.of("server"):
        declared = spot.value.get("variables", {})
        if not isinstance(declared, dict):
            continue
        used: dict[str, str] = {}
        for field in _FIELDS:
            for name in expressions(spot.value.get(field)):
                used.setdefault(name, field)
        for name, field in used.items():
            if name not in declared:
                yield Complaint(f'`{field}` names "{name}", and no variable is called so', (*spot.path, field))
        for name in declared:
            if name not in used:
                yield Complaint(f'the address does not name "{name}"', (*spot.path, "variables", name))
    for spot in objects.of("serverVariable"):
        yield from _values(objects, spot)


def _values(objects: Objects, spot: Spot) -> Iterator[Complaint]:  # noqa: ARG001 - told apart by their place alone
    allowed = spot.value.get("enum")
    if not isinstance(allowed, list):
        return
    if "default" in spot.value and spot.value["default"] not in allowed:
        yield Complaint(f"`{spot.value['default']}` is none of the values in `enum`", (*spot.path, "default"))
    examples = spot.value.get("examples")
    for at, example in enumerate(examples if isinstance(examples, list) else ()):
        if example not in allowed:
            yield Complaint(f"`{example}` is none of the values in `enum`", (*spot.path, "examples", at))
