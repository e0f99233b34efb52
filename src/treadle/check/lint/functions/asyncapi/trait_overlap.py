"""A trait and the object that it is applied to say the same field differently.

In AsyncAPI 2 the trait wins, in AsyncAPI 3 the object does: who moves to 3 finds the other value there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Mappings are merged, so only what is no mapping on both sides is told."""
    objects = objects_of(context)
    second = objects.minor.startswith("2")
    for spot in objects.of("message", "operation"):
        traits = spot.value.get("traits")
        for at in range(len(traits)) if isinstance(traits, list) else ():
            trait = objects.at((*spot.path, "traits", at))
            target = trait and objects.target(trait)
            if not target or not isinstance(target.value, dict):
                continue
            for field, said in target.value.items():
                own = spot.value.get(field)
                if own is None or own == said or isinstance(own, dict) or isinstance(said, dict):
                    continue
                wins = "overrides what is said here" if second else "is lost: what is said here wins"
                yield Complaint(f"the trait says another `{field}`, which {wins}", (*spot.path, field))
