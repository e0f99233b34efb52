"""What a schema says beside types, values, properties, items and alternatives: compared keyword by keyword.

Nothing that may allow or forbid a value is passed over. Where it is not decided which of two takes more, both are said:
less, and more, than before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from treadle.check.compat.containment import KEYWORDS
from treadle.check.compat.likeness import Likeness
from treadle.check.objects import Part, branches, says, statements

_ELSEWHERE = KEYWORDS | {
    "$ref", "additionalProperties", "allOf", "anyOf", "items", "oneOf", "patternProperties", "prefixItems",
    "properties", "required", "unevaluatedItems", "unevaluatedProperties",
}  # fmt: skip
"""What `bodies` compares part by part."""
_WITH = {"if": ("then", "else"), "contains": ("minContains", "maxContains")}
"""Keywords that mean something beside another only."""
_NAMED = ("format", "contentMediaType", "contentEncoding")
"""Keywords that name a kind of value, as `type` does."""
_WITHIN = {
    "int32": {"int64"}, "float": {"double"}, "email": {"idn-email"}, "hostname": {"idn-hostname"},
    "uri": {"uri-reference", "iri", "iri-reference"}, "iri": {"iri-reference"}, "uri-reference": {"iri-reference"},
}  # fmt: skip
"""Formats all of whose values another one takes (JSON Schema 2020-12, section 7.3; the OpenAPI format registry)."""


class Turn(Enum):
    """What became of one keyword: less is taken, or more, or another kind of value altogether."""

    NARROWED = "narrowed"
    WIDENED = "widened"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Difference:
    """One keyword that differs. `said` is for people; `old` and `new` are the names of the kinds, for `OTHER`."""

    keyword: str
    turn: Turn
    said: str
    old: str = ""
    new: str = ""


def differences(old: Part, new: Part, likeness: Likeness) -> Iterator[Difference]:
    """Every keyword of the rest in which the two differ."""
    for keyword in _NAMED:
        yield from _named(keyword, old, new)
    yield from _dependent(old, new)
    beside = {each for several in _WITH.values() for each in several}
    keywords = {
        key
        for part in (old, new)
        for each in branches(part)
        for key in (each.schema if isinstance(each.schema, dict) else ())
        if says(key)
    }
    for keyword in sorted(keywords - _ELSEWHERE - beside - {*_NAMED, "dependentRequired"}):
        yield from _whole(keyword, old, new, likeness)


def _named(keyword: str, old: Part, new: Part) -> Iterator[Difference]:
    before = {str(each.schema[keyword]) for each in statements(old, keyword)}
    after = {str(each.schema[keyword]) for each in statements(new, keyword)}
    added = {name for name in after - before if not any(name in _WITHIN.get(each, ()) for each in before)}
    dropped = {name for name in before - after if not any(name in _WITHIN.get(each, ()) for each in after)}
    if added and dropped:
        yield Difference(keyword, Turn.OTHER, "", " and ".join(sorted(before)), " and ".join(sorted(after)))
    elif added:
        yield Difference(keyword, Turn.NARROWED, f" ({keyword} {' and '.join(sorted(added))} was added)")
    elif dropped:
        yield Difference(keyword, Turn.WIDENED, f" ({keyword} {' and '.join(sorted(dropped))} was dropped)")


def _dependent(old: Part, new: Part) -> Iterator[Difference]:
    keyword = "dependentRequired"
    before, after = (
        {
            (name, needed)
            for each in statements(part, keyword)
            for name, listed in each.schema[keyword].items()
            for needed in listed
        }
        for part in (old, new)
    )
    for name, needed in sorted(after - before):
        yield Difference(keyword, Turn.NARROWED, f" (`{name}` now requires `{needed}`)")
    for name, needed in sorted(before - after):
        yield Difference(keyword, Turn.WIDENED, f" (`{name}` no longer requires `{needed}`)")


def _whole(keyword: str, old: Part, new: Part, likeness: Likeness) -> Iterator[Difference]:
    """One keyword with all that is below it: it is there or not, alike or not. Schemas of `allOf` have their own."""
    keys = {keyword, *_WITH.get(keyword, ())}
    left = list(statements(old, keyword))
    more: list[Part] = []
    for each in statements(new, keyword):
        twin = next((other for other in left if likeness.same(other, each, only=keys)), None)
        if twin is None:
            more.append(each)
        else:
            left = [other for other in left if other is not twin]
    if left and more:
        yield Difference(keyword, Turn.NARROWED, f" (`{keyword}` changed)")
        yield Difference(keyword, Turn.WIDENED, f" (`{keyword}` changed)")
    elif more:
        yield Difference(keyword, Turn.NARROWED, f" (`{keyword}` was added)")
    elif left:
        yield Difference(keyword, Turn.WIDENED, f" (`{keyword}` was dropped)")
