"""Compares two schemas part by part, in the direction in which values flow (see `flow`).

Types, values, properties, items and alternatives are compared by what they mean; every other keyword by `remainder`.
What is not written counts as `true`, and what is `false` as nothing, so that no edit passes for want of a partner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, zip_longest

import orjson

from treadle.check.compat.containment import Contained, apart, holds, listed, simple, witness
from treadle.check.compat.edit import Edit, Spot
from treadle.check.compat.flow import Flow
from treadle.check.compat.likeness import Likeness, token
from treadle.check.compat.remainder import Turn, differences
from treadle.check.objects import (
    Items,
    Members,
    Part,
    Path,
    impossible,
    joined,
    kinds,
    properties,
    required,
    statements,
    types,
    whole,
)
from treadle.contract.model import Json

_COMBINATORS = ("anyOf", "oneOf")
_WITNESS_CHARS_MAX = 60
_APART_MAX = 2_000
COST_MAX = 100_000
"""What one comparison of contracts may cost: a pair of schemas costs 1, and one of schemas that add to each other as
much as they have pairs. Real contracts cost some thousands."""

Waiting = deque[tuple[Part, Part]]
_Key = tuple[tuple[int, ...], tuple[int, ...]]


class Pairs:
    """Which pairs of schemas were compared already, in which flow.

    Schemas that operations share are shared objects in the model, so a change to one of them is found, and told, once:
    where it is written, for the first operation that uses it.
    """

    def __init__(self, most: int = COST_MAX) -> None:
        """Most: the cost after which a comparison gives up, aloud."""
        self._seen: set[tuple[Flow, _Key, _Key]] = set()
        self._left = most
        self.likeness = Likeness()

    def is_new(self, flow: Flow, old: Part, new: Part) -> bool:
        """Whether this pair comes for the first time."""
        key = (flow, old.key, new.key)
        if key in self._seen:
            return False
        self._seen.add(key)
        self._left -= (1 + len(old.also) + len(old.outer)) * (1 + len(new.also) + len(new.outer))
        return True

    @property
    def spent(self) -> bool:
        """Whether that was too much. Schemas that add to each other can make exponentially many pairs."""
        return self._left < 0


def compare_schemas(
    flow: Flow, old: Json, new: Json, *, pairs: Pairs, old_at: str, new_at: str, words: Mapping[str, str]
) -> Iterator[Edit]:
    """Every edit between two schemas of the model that `pairs` does not hold yet.

    `old_at` and `new_at` are the pointers at which the schemas stand. Ends on recursive schemas: there are finitely
    many pairs. `pairs` must not outlive the two contracts.
    """
    walk = _Walk(flow, old_at, new_at, words, pairs.likeness)
    waiting = deque([(whole(old), whole(new))])  # first in, first out: an edit is told by its shortest path
    while waiting:
        before, after = waiting.popleft()
        if pairs.spent:
            yield from walk.undecided(before, after, " (it has too many parts to compare)")
            return
        if pairs.is_new(flow, before, after):
            yield from walk.pair(before, after, waiting)


@dataclass(frozen=True, slots=True)
class _Walk:
    flow: Flow
    old_at: str
    new_at: str
    words: Mapping[str, str]
    likeness: Likeness

    def pair(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        """The edits of one pair of schemas; the pairs inside it go to `waiting`."""
        if impossible(old):
            if not impossible(new):
                yield from self._widened(old, new, " (nothing was taken before)")
            return
        if self._type_changed(old, new):
            yield self._other_type(old, new, _names(kinds(old)), _names(kinds(new)))
            return
        yield from self._values(old, new)
        yield from self._properties(old, new, waiting)
        yield from self._items(old, new, waiting)
        yield from self._alternatives(old, new, waiting)
        for each in differences(old, new, self.likeness):
            if each.turn is Turn.OTHER:
                yield self._other_type(old, new, each.old, each.new, at=each.keyword)
            elif each.turn is Turn.NARROWED:
                yield from self._narrowed(old, new, each.said, at=each.keyword)
            else:
                yield from self._widened(old, new, each.said, at=each.keyword)

    def undecided(self, old: Part, new: Part, said: str) -> Iterator[Edit]:
        """Both, for what could not be looked at."""
        yield from self._narrowed(old, new, said)
        yield from self._widened(old, new, said)

    def _type_changed(self, old: Part, new: Part) -> bool:
        """Whether values have types that were not declared for them. A type that listed values imply need not be."""
        before, after = types(old), types(new)
        if impossible(new):
            return True
        if before == after:
            return False
        lost = after is not None and not _within(kinds(old), after)
        gained = before is not None and not _within(kinds(new), before)
        return (lost and self.flow.written) or (gained and self.flow.read)

    def _values(self, old: Part, new: Part) -> Iterator[Edit]:
        """What single values may be: listed ones by name, everything else by containment."""
        before, after = listed(old), listed(new)
        if before is not None and after is not None:
            for key in (each for each in before if each not in after):
                if self.flow.enum_removed:
                    yield self._edit(self.flow.enum_removed, old, new, old=f"`{_text(before[key])}`")
            for key in (each for each in after if each not in before):
                id = self.flow.enum_added or self.flow.widened
                if id:
                    yield self._edit(id, old, new, new=f"`{_text(after[key])}`", witness=_say((after[key],)))
            return
        # A type that both sides handle was judged above.
        without = frozenset({"type"} if types(old) != types(new) else ())
        was, now = simple(old, without=without), simple(new, without=without)
        if token(was) == token(now):
            return
        told = False
        if self.flow.written:
            for edit in self._less(old, new, was, now):
                told = told or edit.id == self.flow.pattern
                yield edit
        if self.flow.widened and not told and holds(was, now) is not Contained.YES:
            yield from self._widened(old, new, _say(witness(now, was)))

    def _less(self, old: Part, new: Part, was: Json, now: Json) -> Iterator[Edit]:
        if holds(now, was) is Contained.YES:
            return
        found = witness(was, now)
        patterns = _patterns(was), _patterns(now)
        if found is not None or patterns[0] == patterns[1]:
            yield from self._narrowed(old, new, _say(found))
        elif not patterns[0]:
            yield from self._narrowed(old, new, " (a pattern was added)")
        elif holds(_but_patterns(now), _but_patterns(was)) is not Contained.YES:
            yield from self._narrowed(old, new, "")
        else:
            # Whether one pattern takes all that another takes is not decided without a value that proves it.
            yield self._edit(self.flow.pattern, old, new)

    def _properties(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        before, after = _Object(old), _Object(new)
        for name in sorted({*before.own, *after.own}):
            was, now = before.of(name), after.of(name)
            # What may not be there is described, and is none of the properties.
            known = before.knows(name) and not impossible(was)
            kept = after.knows(name) and not impossible(now)
            if known and kept:
                yield from self._requirement(old, new, name, before, after)
                _meet(was, now, old, new, ("properties", name), waiting=waiting)
            elif known:
                id = self.flow.removed_required if name in before.required else self.flow.removed_optional
                yield from self._of_property(id, old, new, name, " is gone")
                if not self.flow.read and now is not None:
                    _meet(was, now, old, new, ("properties", name), waiting=waiting)
            elif kept:
                id = self.flow.added_required if name in after.required else self.flow.added_optional
                said = " is required" if name in after.required else " is new"
                yield from self._of_property(id, old, new, name, said)
                if was is not None and not impossible(was):
                    _meet(was, now, old, new, ("properties", name), waiting=waiting)
            elif impossible(now) and not impossible(was):
                yield from self._narrowed(old, new, f" (`{name}` may not be there)")
        for pattern in sorted({*before.members.patterns, *after.members.patterns}):
            yield from self._closing(
                joined(before.members.matching(pattern)),
                joined(after.members.matching(pattern)),
                (old, new),
                ("patternProperties", pattern),
                waiting,
            )
        if before.members.others or after.members.others:
            tails = joined(before.others), joined(after.others)
            yield from self._closing(*tails, (old, new), ("additionalProperties",), waiting)

    def _requirement(self, old: Part, new: Part, name: str, before: _Object, after: _Object) -> Iterator[Edit]:
        if name in after.own_required and name not in before.required:
            yield from self._of_property(self.flow.became_required, old, new, name, " is required")
        elif name in before.own_required and name not in after.required:
            yield from self._of_property(self.flow.became_optional, old, new, name, " may be missing")

    def _of_property(self, id: str, old: Part, new: Part, name: str, said: str) -> Iterator[Edit]:
        if id:
            yield self._edit(id, old, new, property=name, witness=f" (`{name}`{said})")

    def _items(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        before, after = Items(old), Items(new)
        places = max(before.places, after.places)
        for at in range(places):
            was, now = joined(before.of(at)), joined(after.of(at))
            yield from self._closing(was, now, (old, new), ("prefixItems", at), waiting)
        was, now = joined(before.of(places)), joined(after.of(places))
        yield from self._closing(was, now, (old, new), ("items",), waiting)

    def _closing(
        self, was: Part | None, now: Part | None, within: tuple[Part, Part], at: Path, waiting: Waiting
    ) -> Iterator[Edit]:
        """What may stand where nothing is described by name: all, some, or nothing."""
        if was is None and impossible(now):
            what = "items" if at[0] in ("items", "prefixItems") else "properties"
            yield from self._narrowed(*within, f" (no more {what} than those described)", at=str(at[0]))
        elif was is not None or now is not None:
            _meet(was, now, *within, at, waiting=waiting)

    def _alternatives(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        """Choices: they are compared in order, one that comes is a condition more, one that goes a condition less."""
        for key in _COMBINATORS:
            for was, now in zip_longest(_choices(old, key), _choices(new, key)):
                if was is None:
                    yield from self._narrowed(old, new, f" (only the alternatives of {key})", at=key)
                elif now is None:
                    yield from self._widened(old, new, f" (not only the alternatives of {key})", at=key)
                else:
                    yield from self._choice(key, old, new, was, now, waiting=waiting)

    def _choice(
        self, key: str, old: Part, new: Part, before: list[Part], after: list[Part], *, waiting: Waiting
    ) -> Iterator[Edit]:
        """Alike alternatives are set aside, the others compared in order; a surplus is a way more or less."""
        left, more = [], list(after)
        for each in before:
            twin = next((other for other in more if self.likeness.same(each, other)), None)
            if twin is None:
                left.append(each)
            else:
                more = [other for other in more if other is not twin]
        waiting += zip(left, more, strict=False)
        if len(left) > len(more):
            yield from self._narrowed(old, new, f" ({key} has fewer alternatives)", at=key)
        if len(more) > len(left):
            yield from self._widened(old, new, f" ({key} has more alternatives)", at=key)
        if key == "oneOf" and more and self.flow.undecided and not _exclusive(after, more):
            # A value that fits two alternatives of `oneOf` is refused.
            yield self._edit(self.flow.undecided, old, new, at=key)

    def _narrowed(self, old: Part, new: Part, said: str, at: str = "") -> Iterator[Edit]:
        if self.flow.narrowed:
            yield self._edit(self.flow.narrowed, old, new, at=at, witness=said)

    def _widened(self, old: Part, new: Part, said: str, at: str = "") -> Iterator[Edit]:
        if self.flow.widened:
            yield self._edit(self.flow.widened, old, new, at=at, witness=said)

    def _other_type(self, old: Part, new: Part, was: str, now: str, at: str = "") -> Edit:
        id = self.flow.type if old.path else self.flow.body_type
        return self._edit(id, old, new, at=at, old=was, new=now)

    def _edit(self, id: str, old: Part, new: Part, /, *, property: str = "", at: str = "", **words: str) -> Edit:
        """An edit of a part, of one of its properties, or of one of its keywords."""
        said = ".".join(each for each in (old.name, property) if each) or self.flow.whole
        return Edit(
            id,
            Spot(self.old_at, _path(old, property, at)),
            Spot(self.new_at, _path(new, property, at)),
            {"witness": "", "name": said, **words, **self.words},
        )


class _Object:
    """What one side says of properties: by itself, and, where it is an alternative, by what it is one of."""

    def __init__(self, part: Part) -> None:
        self.members = Members(part)
        self._outer = [Members(each) for each in part.outer]
        self.own_required = required(part)
        self.own = {*self.members.properties, *self.own_required}
        self.required = self.own_required.union(*(required(each) for each in part.outer))

    def knows(self, name: str) -> bool:
        return (
            name in self.members.properties
            or name in self.required
            or any(name in each.properties for each in self._outer)
        )

    def of(self, name: str) -> Part | None:
        return joined([part for each in (self.members, *self._outer) for part in each.of(name)])

    @property
    def others(self) -> list[Part]:
        return [part for each in (self.members, *self._outer) for part in each.others]


def _meet(was: Part | None, now: Part | None, old: Part, new: Part, at: Path, *, waiting: Waiting) -> None:
    """Have two inner schemas compared; what is not written is `true`."""
    if was is not None or now is not None:
        waiting.append((was or old.anything(*at), now or new.anything(*at)))


def _choices(part: Part, key: str) -> list[list[Part]]:
    """The alternatives, once for each time that they are offered. A choice of one is none: see `branches`."""
    outer = (replace(part, outer=()), *part.outer)
    return [
        [replace(each.child(key, at), outer=outer) for at in range(len(each.schema[key]))]
        for each in statements(part, key)
        if len(each.schema[key]) > 1
    ]


def _exclusive(alternatives: list[Part], changed: list[Part]) -> bool:
    """Whether it is plain that no value fits a changed alternative and another one."""
    if len(alternatives) * len(changed) > _APART_MAX:
        return False
    ids = {id(each) for each in changed}
    pairs = [(one, two) for one, two in combinations(alternatives, 2) if id(one) in ids or id(two) in ids]
    return all(apart(one, two) or _told_apart(one, two) for one, two in pairs)


def _told_apart(one: Part, two: Part) -> bool:
    """Whether a property that both require tells them apart, as a discriminator does."""
    mine, others = properties(one), properties(two)
    names = required(one) & required(two) & mine.keys() & others.keys()
    return kinds(one) == kinds(two) == frozenset({"object"}) and any(apart(mine[name], others[name]) for name in names)


def _path(part: Part, property: str, at: str) -> Path:
    """Where a property is written, or where the properties are that it is none of; or where a keyword is."""
    if property:
        found = properties(part).get(property)
        return found.path if found else (*part.path, "properties")
    if not at:
        return part.path
    return (*next((each.path for each in statements(part, at)), part.path), at)


def _within(names: frozenset[str] | None, others: frozenset[str]) -> bool:
    return names is not None and names <= others


def _names(names: frozenset[str] | None) -> str:
    if names is None:
        return "anything"
    return " or ".join(sorted(names - ({"integer"} if "number" in names else set()))) or "nothing"


def _patterns(schema: Json) -> list[str]:
    return sorted({each["pattern"] for each in schema.get("allOf", [schema]) if "pattern" in each})


def _but_patterns(schema: Json) -> Json:
    if "allOf" in schema:
        return {"allOf": [_but_patterns(each) for each in schema["allOf"]]}
    return {key: value for key, value in schema.items() if key != "pattern"}


def _text(value: Json) -> str:
    """A value that is listed: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else str(orjson.dumps(value), "utf-8")


def _say(found: tuple[Json] | None) -> str:
    """The value that tells old and new apart, short enough for one line."""
    if found is None:
        return ""
    (value,) = found
    text = str(orjson.dumps(value), "utf-8")
    if len(text) > _WITNESS_CHARS_MAX:
        text = f"a text of {len(value)} characters" if isinstance(value, str) else f"{text[:_WITNESS_CHARS_MAX]}…"
    return f" (for example {text})"
