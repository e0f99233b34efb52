"""Something in the document refers to each of its components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_KINDS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks")


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the document, as written."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        components = value.get("components") if isinstance(value, dict) else None
        if not isinstance(components, dict):
            return
        used = context.subject.targets
        for kind in _KINDS:
            found = components.get(kind)
            for name in found if isinstance(found, dict) else ():
                if ("components", kind, name) not in used:
                    yield Complaint("nothing refers to this", ("components", kind, *name.split("/")))

    return check
