"""The parameters of an operation are told apart by name and place, and only one of them is the body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is a list of parameters. A reference that dangles is left to other rules."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(value, list) or len(value) < 2:
            return
        seen: set[tuple[str, str]] = set()
        bodies: list[int] = []
        forms = 0
        for at, each in enumerate(value):
            parameter = context.subject.follow(each)
            if not isinstance(parameter, dict) or "$ref" in parameter:
                continue
            where = parameter.get("in")
            key = (str(where), str(parameter.get("name")))
            if key in seen:
                yield Complaint("another parameter has this name and this `in`", (*context.path, at))
            seen.add(key)
            if where == "body":
                bodies.append(at)
            forms += where == "formData"
        if bodies and forms:
            yield Complaint("an operation takes a body or a form, not both: `in: body` and `in: formData`")
        for at in bodies[1:]:
            yield Complaint("an operation has one body only", (*context.path, at))

    return check
