"""`xor`: of several properties exactly one is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.at_least_one import none_there
from treadle.check.lint.functions.options import only, texts
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """`properties`: at least two names."""
    only(options, "properties")
    names = texts(options, "properties", 2)

    def check(value: Json, _: Context) -> tuple[Complaint, ...] | None:
        if not isinstance(value, dict):
            return None
        there = [name for name in value if name in names]
        if len(there) == 1:
            return None
        if not there:
            return (none_there(names),)
        return (Complaint(f"{' and '.join(map(_quoted, there))} exclude each other"),)

    return check


def _quoted(name: str) -> str:
    return f'"{name}"'
