"""`or`: of several properties at least one is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.options import only, texts
from treadle.contract.place import Json

_SHOWN_MAX = 4


def make(options: Mapping[str, Any]) -> Check:
    """`properties`: at least two names."""
    only(options, "properties")
    names = texts(options, "properties", 2)
    complaint = (none_there(names),)

    def check(value: Json, _: Context) -> tuple[Complaint, ...] | None:
        if not isinstance(value, dict) or any(name in value for name in names):
            return None
        return complaint

    return check


def none_there(names: Sequence[str]) -> Complaint:
    """That none of the properties is there; of many, only the first are named."""
    shown = names if len(names) <= _SHOWN_MAX else names[: _SHOWN_MAX - 1]
    said = " nor ".join(f'"{name}"' for name in shown)
    if len(shown) < len(names):
        return Complaint(f"neither {said} nor any of {len(names) - len(shown)} more is there")
    return Complaint(f"neither {said} is there")
