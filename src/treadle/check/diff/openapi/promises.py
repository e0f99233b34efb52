"""Promises of time that are made of a property: announced to go, gone, or not to be relied on yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from treadle.check.diff.openapi.document import shown
from treadle.check.diff.openapi.sunset import SUNSET, Stability, days_of_grace, stability_of, sunset_date
from treadle.check.diff.rules.places import REQUEST_BODY, RESPONSE_BODY, Site
from treadle.check.schema.edit import Mark, SchemaEdit

if TYPE_CHECKING:
    from treadle.check.diff.openapi.pair import Pair

Said = tuple[str, dict[str, str]]
"""The id of a row, and words for its message."""

LIFECYCLE = frozenset({"deprecated", "reactivated", "sunset-changed", "stability-changed"})
"""Kinds of edits that are promises and nothing else."""


def promised(pair: Pair, site: Site, edit: SchemaEdit) -> Iterator[Said]:
    """What an edit says of the time of a property. Only properties of bodies make promises of their own."""
    side = {REQUEST_BODY: "request", RESPONSE_BODY: "response"}.get(site)
    if side is None or not edit.property:
        return
    if edit.kind == "deprecated":
        yield from _announced(pair, side, edit)
    elif edit.kind == "reactivated":
        yield f"{side}-property-reactivated", {}
    elif edit.kind == "stability-changed":
        yield from _stability(side, edit)


def _announced(pair: Pair, side: str, edit: SchemaEdit) -> Iterator[Said]:
    days = days_of_grace(pair.new, pair.run.grace)
    if days is None:
        return
    said = edit.words.get("new_sunset")
    date = sunset_date(said)
    if said is None:
        yield f"{side}-property-deprecated{'-sunset-missing' if days else ''}", {}
    elif date is None:
        yield f"{side}-property-deprecated-sunset-invalid", {"new": shown(said)}
    elif (date - pair.run.today).days < days:
        yield f"{side}-property-sunset-date-too-small", {"new": str(date), "name": str(days)}
    else:
        yield f"{side}-property-deprecated-with-sunset", {"new": str(date)}


def _stability(side: str, edit: SchemaEdit) -> Iterator[Said]:
    was, now = (stability_of(edit.words.get(word)) for word in ("old_stability", "new_stability"))
    if was is None or now is None:
        bad = edit.words.get("old_stability" if was is None else "new_stability")
        yield "api-invalid-stability-level", {"name": shown(bad)}
    elif was is not now and was >= Stability.BETA:
        words = {"old": was.name.lower(), "new": now.name.lower()}
        yield f"{side}-property-stability-{'increased' if now > was else 'decreased'}", words


def farewell(pair: Pair, rule: str, edit: SchemaEdit) -> Said:
    """How the removal of a property is called, by what was announced of it."""
    if Mark.DEPRECATED not in edit.old_marks or rule not in _FAREWELLS:
        return rule, {}
    said = pair.run.old.at(edit.old).child(SUNSET).value
    date = sunset_date(said)
    if said is not None and date is None:
        return rule, {}
    if date is not None and pair.run.today < date:
        return f"{rule}-before-sunset", {"old": str(date)}
    return f"{rule}-with-deprecation", {}


_FAREWELLS = frozenset({"request-property-removed", "response-required-property-removed"})
