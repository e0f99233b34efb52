"""`alphabetical`: items, or the keys of an object, stand in order."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.values import to_number
from treadle.check.lint.printing import value_text
from treadle.contract.place import Json

_NO_OBJECT = (Complaint('#{{print("property")}}holds something that is no object'),)
_NO_ORDER = (Complaint('#{{print("property")}}holds something that has no order'),)
_NOT_SORTED = (Complaint("the items are not in alphabetical order"),)


def make(options: Mapping[str, Any]) -> Check:
    """`keyedBy`: the property of each item that is compared."""
    only(options, "keyedBy")
    key = options.get("keyedBy")
    if key is not None and not isinstance(key, str):
        raise BadOptions("`keyedBy` is the name of a property")

    def check(value: Json, context: Context) -> tuple[Complaint, ...] | None:
        if not isinstance(value, dict | list) or len(value) <= 1:
            return None
        items = list(value)
        if key is not None:
            if not all(isinstance(each, dict | list) for each in items):
                return _NO_OBJECT
            items = [each.get(key, MISSING) if isinstance(each, dict) else MISSING for each in items]
        if not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in items):
            return _NO_ORDER
        for at, (one, other) in enumerate(pairwise(items)):
            if not _after(one, other):
                continue
            if key is not None:
                return _NOT_SORTED
            path = (*context.path, at if isinstance(value, list) else one)
            return (Complaint(f"{value_text(one)} belongs behind {value_text(other)}", path),)
        return None

    return check


def _after(one: Any, other: Any) -> bool:
    """Whether `one` belongs behind `other`. Numbers are told from text as Spectral does, oddly for the first."""
    one_counts = not isinstance(one, str) or to_number(one) != to_number(one)
    other_counts = not isinstance(other, str) or to_number(other) == to_number(other)
    if one_counts and other_counts:
        return to_number(one) - to_number(other) >= 1
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    return collated(one) > collated(other)


def collated(text: str) -> tuple[Any, ...]:
    """A key that sorts much as the root collation of Unicode (UTS 10) does: marks and spaces, then digits, then letters
    without regard to accent or case, which decide last, small letters first.
    """
    flat = unicodedata.normalize("NFD", text)
    base = [char for char in flat if not unicodedata.combining(char)]
    primary = [(_rank(char), char.casefold()) for char in base]
    return primary, [char for char in flat if unicodedata.combining(char)], [char.isupper() for char in base], text


_MARKS = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""ASCII marks in the order of that collation."""


def _rank(char: str) -> int:
    if char.isspace():
        return 0
    if char in _MARKS:
        return 1 + _MARKS.index(char)
    if char.isdigit():
        return 100
    return 200 if char.isalpha() else 99
