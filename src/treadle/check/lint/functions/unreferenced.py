"""`unreferencedReusableObject`: everything that can be referred to is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.contract.place import Json
from treadle.contract.pointer import tokens


def make(options: Mapping[str, Any]) -> Check:
    """`reusableObjectsLocation`: where the objects are, as `#/components/schemas`."""
    only(options, "reusableObjectsLocation")
    location = options.get("reusableObjectsLocation")
    if not isinstance(location, str) or not location.startswith("#"):
        raise BadOptions("`reusableObjectsLocation` is a JSON pointer in a fragment, as in `#/components/schemas`")
    base = tokens(location[1:])

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(value, dict):
            return
        used = context.subject.targets
        for name in value:
            if (*base, name) not in used:
                yield Complaint("nothing refers to this", (*base, *name.split("/")))

    return check
