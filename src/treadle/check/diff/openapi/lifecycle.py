"""Promises of time: what is announced to go, when it may, and what may not be relied on yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import shown
from treadle.check.diff.openapi.pair import Pair
from treadle.check.diff.openapi.sunset import (
    STABILITY,
    SUNSET,
    Stability,
    days_of_grace,
    deprecated,
    stability,
    sunset_date,
)
from treadle.contract.library import Node


@dataclass(frozen=True, slots=True)
class Stages:
    """The ids of what may be said when something is deprecated, or no longer is."""

    reactivated: str
    deprecated: str
    with_sunset: str
    sunset_missing: str
    sunset_parse: str
    sunset_too_small: str


OPERATION_STAGES = Stages(
    "endpoint-reactivated",
    "endpoint-deprecated",
    "endpoint-deprecated-with-sunset",
    "api-deprecated-sunset-missing",
    "api-deprecated-sunset-parse",
    "api-sunset-date-too-small",
)
PARAMETER_STAGES = Stages(
    "request-parameter-reactivated",
    "request-parameter-deprecated",
    "request-parameter-deprecated",
    "request-parameter-deprecated-sunset-missing",
    "request-parameter-sunset-parse",
    "request-parameter-sunset-date-too-small",
)
REQUEST_PROPERTY_STAGES, RESPONSE_PROPERTY_STAGES = (
    Stages(
        f"{side}-property-reactivated",
        f"{side}-property-deprecated",
        f"{side}-property-deprecated-with-sunset",
        f"{side}-property-deprecated-sunset-missing",
        f"{side}-property-deprecated-sunset-invalid",
        f"{side}-property-sunset-date-too-small",
    )
    for side in ("request", "response")
)


def lifecycle_changes(pair: Pair) -> Iterator[Change]:
    """Every change of what an operation promises about its own time."""
    yield from announced(pair, pair.old, pair.new, OPERATION_STAGES, {})
    yield from moved(pair, pair.old, pair.new, "", {})


def stability_changes(pair: Pair) -> Iterator[Change]:
    """A level that is none, or another one than before."""
    was, now = stability(pair.old), stability(pair.new)
    nodes = (pair.old.child(STABILITY), pair.new.child(STABILITY))
    for node, level in zip(nodes, (was, now), strict=True):
        if level is None:
            yield pair.change("api-invalid-stability-level", *nodes, name=shown(node.value))
    if was and now and was is not now and was >= Stability.BETA:
        rule = "api-stability-increased" if now > was else "api-stability-decreased"
        yield pair.change(rule, *nodes, old=was.name.lower(), new=now.name.lower())


def announced(pair: Pair, old: Node, new: Node, stages: Stages, words: Mapping[str, str]) -> Iterator[Change]:
    """What is said when `deprecated` changed."""
    if deprecated(old) == deprecated(new):
        return
    at = (old.child("deprecated"), new.child("deprecated"))
    if not deprecated(new):
        yield pair.change(stages.reactivated, *at, **words)
        return
    days = days_of_grace(pair.new, pair.run.grace)
    if days is None:
        return
    said = new.child(SUNSET).value
    date = sunset_date(said)
    if said is None:
        yield pair.change(stages.sunset_missing if days else stages.deprecated, *at, **words)
    elif date is None:
        yield pair.change(
            stages.sunset_parse, old.child(SUNSET), new.child(SUNSET), **words, new=shown(said), name=shown(said)
        )
    elif (date - pair.run.today).days < days:
        where = (old.child(SUNSET), new.child(SUNSET))
        yield pair.change(stages.sunset_too_small, *where, **words, new=str(date), name=str(days))
    else:
        yield pair.change(stages.with_sunset, *at, **words, new=str(date))


def moved(pair: Pair, old: Node, new: Node, prefix: str, words: Mapping[str, str]) -> Iterator[Change]:
    """What is said when the sunset date of something deprecated changed. `prefix` begins the ids of a parameter."""
    was, now = old.child(SUNSET), new.child(SUNSET)
    if was.value is None or was.value == now.value or not deprecated(new):
        return
    if now.value is None:
        yield pair.change(f"{prefix}sunset-deleted", was, now, **words, old=shown(was.value))
        return
    before, after = sunset_date(was.value), sunset_date(now.value)
    if before is None or after is None:
        if deprecated(old) or before is None:
            bad = shown(now.value if after is None else was.value)
            yield pair.change(f"{prefix or 'api-path-'}sunset-parse", was, now, **words, old=bad, name=bad)
        return
    days = days_of_grace(pair.new, pair.run.grace)
    if days is not None and before > after and (after - pair.run.today).days < days:
        rule = f"{prefix or 'api-'}sunset-date-changed-too-small"
        yield pair.change(rule, was, now, **words, old=str(before), new=str(after), name=str(days))


def removed(node: Node, prefix: str, today: dt.date) -> tuple[str, dict[str, str]]:
    """The id of the removal of something, by what it had announced, and its words.

    `prefix` begins the ids: `api`, `api-path`, `request-parameter`. An operation that was never deprecated has its own
    id, `-without-deprecation`.
    """
    if not deprecated(node):
        return f"{prefix}-removed{'-without-deprecation' if prefix.startswith('api') else ''}", {}
    said = node.child(SUNSET).value
    date = sunset_date(said)
    if said is not None and date is None:
        return "api-path-sunset-parse" if prefix == "api" else f"{prefix}-sunset-parse", {
            "old": shown(said),
            "name": shown(said),
        }
    if date is not None and today < date:
        return f"{prefix}-removed-before-sunset", {"old": str(date)}
    return f"{prefix}-removed-with-deprecation", {}
