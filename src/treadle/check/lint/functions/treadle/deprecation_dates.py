"""`deprecationDates`: the days on which a contract is deprecated and ends are days, and in that order.

RFC 9745 section 4: the sunset is not earlier than the deprecation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from treadle.check.lint.api import mapping
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.events import own
from treadle.contract.place import Json

_DAYS = ("since", "sunset")


def make(_: Mapping[str, Json]) -> Check:
    """Value: `info`. No options."""
    return _check


def _check(value: Json, context: Context) -> Iterator[Complaint]:
    said = mapping(own(mapping(value, context.subject)).get("deprecation"), context.subject)
    at = (*context.path, "x-treadle", "deprecation")
    days: dict[str, date] = {}
    for name in _DAYS:
        day = said.get(name)
        if not isinstance(day, str):
            continue
        try:
            days[name] = date.fromisoformat(day)
        except ValueError:
            yield Complaint(f"{day} is no day of any calendar", (*at, name))
    if len(days) == len(_DAYS) and days["sunset"] < days["since"]:
        message = f"the sunset, {days['sunset']}, is before the deprecation, {days['since']}"
        yield Complaint(message, (*at, "sunset"))
