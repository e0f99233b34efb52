"""`enumeration`: a scalar is one of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.values import identical
from treadle.check.lint.printing import value_text
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """`values`: scalars."""
    only(options, "values")
    values = options.get("values")
    if not isinstance(values, list) or any(isinstance(each, dict | list) for each in values):
        raise BadOptions("`values` is a list of scalars")
    said = ", ".join(value_text(each) for each in values)

    def check(value: Json, _: Context) -> tuple[Complaint, ...] | None:
        if value is MISSING or isinstance(value, dict | list) or any(identical(each, value) for each in values):
            return None
        return (Complaint(f'#{{{{print("value")}}}} is none of {said}'),)

    return check
