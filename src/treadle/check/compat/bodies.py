"""Compares two schemas part by part, in the direction in which values flow.

A request is written by callers under the old contract and read under the new one; a response is written under the new
and read under the old; an event is both, because producers and subscribers move at different times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from treadle.check.compat.containment import Contained, holds, simple, witness
from treadle.check.compat.edit import Edit, Spot
from treadle.check.objects import Part, Path, branches, properties, required, types, whole
from treadle.contract.model import Json

_COMBINATORS = ("anyOf", "oneOf")
_WITNESS_CHARS_MAX = 60

Waiting = deque[tuple[Part, Part]]


@dataclass(frozen=True, slots=True)
class Flow:
    """Which way values flow, and the ids of what can happen on that way. An empty id: nobody is concerned."""

    written: bool
    read: bool
    body_type: str
    type: str
    added_required: str = ""
    added_optional: str = ""
    removed_required: str = ""
    removed_optional: str = ""
    became_required: str = ""
    became_optional: str = ""
    enum_removed: str = ""
    enum_added: str = ""
    narrowed: str = ""
    widened: str = ""
    pattern: str = ""


PARAMETER = Flow(
    written=True,
    read=False,
    body_type="request-parameter-type-changed",
    type="request-parameter-type-changed",
    enum_removed="request-parameter-enum-value-removed",
    narrowed="request-parameter-narrowed",
    pattern="request-parameter-pattern-changed",
)
REQUEST = Flow(
    written=True,
    read=False,
    body_type="request-body-type-changed",
    type="request-property-type-changed",
    added_required="new-required-request-property",
    added_optional="new-optional-request-property",
    removed_required="request-property-removed",
    removed_optional="request-property-removed",
    became_required="request-property-became-required",
    became_optional="request-property-became-optional",
    enum_removed="request-property-enum-value-removed",
    narrowed="request-property-narrowed",
    pattern="request-property-pattern-changed",
)
RESPONSE = Flow(
    written=False,
    read=True,
    body_type="response-body-type-changed",
    type="response-property-type-changed",
    added_required="response-required-property-added",
    added_optional="response-optional-property-added",
    removed_required="response-required-property-removed",
    removed_optional="response-optional-property-removed",
    became_required="response-property-became-required",
    became_optional="response-property-became-optional",
    enum_added="response-property-enum-value-added",
    widened="response-property-widened",
)
EVENT = Flow(
    written=True,
    read=True,
    body_type="event-body-type-changed",
    type="event-property-type-changed",
    added_required="new-required-event-property",
    added_optional="new-optional-event-property",
    removed_required="event-property-removed",
    removed_optional="event-property-removed",
    became_required="event-property-became-required",
    became_optional="event-property-became-optional",
    enum_removed="event-property-enum-value-removed",
    enum_added="event-property-enum-value-added",
    narrowed="event-property-narrowed",
    widened="event-property-widened",
    pattern="event-property-pattern-changed",
)


class Pairs:
    """Which pairs of schemas were compared already, in which flow.

    Schemas that operations share are shared objects in the model, so a change to one of them is found, and told, once:
    where it is written, for the first operation that uses it.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[Flow, int, int]] = set()

    def is_new(self, flow: Flow, old: Part, new: Part) -> bool:
        """Whether this pair comes for the first time."""
        key = (flow, id(old.schema), id(new.schema))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def compare_schemas(
    flow: Flow, old: Json, new: Json, *, pairs: Pairs, old_at: str, new_at: str, words: Mapping[str, str]
) -> Iterator[Edit]:
    """Every edit between two schemas of the model that `pairs` does not hold yet.

    `old_at` and `new_at` are the pointers at which the schemas stand. Ends on recursive schemas: there are finitely
    many pairs. `pairs` must not outlive the two contracts.
    """
    walk = _Walk(flow, old_at, new_at, words)
    waiting = deque([(whole(old), whole(new))])  # first in, first out: an edit is told by its shortest path
    while waiting:
        before, after = waiting.popleft()
        if pairs.is_new(flow, before, after):
            yield from walk.pair(before, after, waiting)


@dataclass(frozen=True, slots=True)
class _Walk:
    flow: Flow
    old_at: str
    new_at: str
    words: Mapping[str, str]

    def pair(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        """The edits of one pair of schemas; the pairs inside it go to `waiting`."""
        if self._type_changed(old, new):
            id = self.flow.type if old.path else self.flow.body_type
            yield self._edit(id, old, new, old=_names(types(old)), new=_names(types(new)))
            return
        yield from self._values(old, new)
        yield from self._properties(old, new, waiting)
        yield from self._branches(old, new, waiting)
        for key in ("items", "additionalProperties"):
            pair = (_below(old, key), _below(new, key))
            if pair[0] and pair[1]:
                waiting.append((pair[0], pair[1]))
        if self.flow.narrowed and _closed(new) and not _closed(old):
            yield self._edit(self.flow.narrowed, old, new, witness=" (no more properties than those described)")

    def _type_changed(self, old: Part, new: Part) -> bool:
        before, after = _wide(types(old)), _wide(types(new))
        if before == after:
            return False
        lost = after is not None and (before is None or not before <= after)
        gained = before is not None and (after is None or not after <= before)
        return (lost and self.flow.written) or (gained and self.flow.read)

    def _values(self, old: Part, new: Part) -> Iterator[Edit]:
        """What single values may be: enumerations by name, everything else by containment."""
        before, after = _enum(old), _enum(new)
        if before is not None and after is not None:
            for value in before:
                if value not in after and self.flow.enum_removed:
                    yield self._edit(self.flow.enum_removed, old, new, old=f"`{value}`")
            for value in after:
                if value not in before and self.flow.enum_added:
                    yield self._edit(self.flow.enum_added, old, new, new=f"`{value}`")
        # A type that both sides handle was judged above, an enumeration on both sides just now.
        without = frozenset({"type"} if types(old) != types(new) else ())
        without |= frozenset({"enum", "const"} if before is not None and after is not None else ())
        was, now = simple(old, without=without), simple(new, without=without)
        if was == now:
            return
        if self.flow.narrowed:
            yield from self._narrowed(old, new, was, now)
        if self.flow.widened and holds(was, now) is Contained.NO:
            yield self._edit(self.flow.widened, old, new, witness=_say(witness(now, was)))

    def _narrowed(self, old: Part, new: Part, was: Json, now: Json) -> Iterator[Edit]:
        contained = holds(now, was)
        if contained is Contained.YES:
            return
        found = witness(was, now)
        if found is not None or (contained is Contained.NO and _patterns(was) == _patterns(now)):
            yield self._edit(self.flow.narrowed, old, new, witness=_say(found))
        elif not _patterns(was):
            yield self._edit(self.flow.narrowed, old, new, witness=" (a pattern was added)")
        elif self.flow.pattern:
            # Whether one pattern takes all that another takes is not decided without a value that proves it.
            yield self._edit(self.flow.pattern, old, new)

    def _properties(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        before, after = properties(old), properties(new)
        must, must_now = required(old), required(new)
        for name in sorted({*before, *must, *after, *must_now}):
            known, kept = name in before or name in must, name in after or name in must_now
            id = ""
            if known and not kept:
                id = self.flow.removed_required if name in must else self.flow.removed_optional
            elif kept and not known:
                id = self.flow.added_required if name in must_now else self.flow.added_optional
            elif name in must_now and name not in must:
                id = self.flow.became_required
            elif name in must and name not in must_now:
                id = self.flow.became_optional
            if id:
                yield self._edit(id, old, new, property=name)
            if name in before and name in after:
                waiting.append((before[name], after[name]))

    def _branches(self, old: Part, new: Part, waiting: Waiting) -> Iterator[Edit]:
        """Alternatives: equal ones are set aside, the others compared in order; a surplus is a way more or less."""
        for key in _COMBINATORS:
            before, more = _listed(old, key), _listed(new, key)
            after = list(more)
            left = []
            for each in before:
                twin = next((other for other in more if other.schema == each.schema), None)
                if twin is None:
                    left.append(each)
                else:
                    more.remove(twin)
                    waiting.append((each, twin))
            waiting += zip(left, more, strict=False)
            if len(left) > len(more) and before and self.flow.narrowed:
                yield self._edit(self.flow.narrowed, old, new, witness=f" ({key} has fewer alternatives)")
            if not before and after and self.flow.narrowed:
                yield self._edit(self.flow.narrowed, old, new, witness=f" (only the alternatives of {key})")
            if len(more) > len(left) and before and self.flow.widened:
                yield self._edit(self.flow.widened, old, new, witness=f" ({key} has more alternatives)")

    def _edit(self, id: str, old: Part, new: Part, /, *, property: str = "", **words: str) -> Edit:
        """An edit of a part, or of one of its properties."""
        said = ".".join(each for each in (old.name, property) if each) or "the body"
        return Edit(
            id,
            Spot(self.old_at, _path(old, property)),
            Spot(self.new_at, _path(new, property)),
            {"witness": "", "name": said, **words, **self.words},
        )


def _path(part: Part, property: str) -> Path:
    """Where a property is written, or where the properties are that it is none of."""
    if not property:
        return part.path
    found = properties(part).get(property)
    return found.path if found else (*part.path, "properties")


def _wide(names: frozenset[str] | None) -> frozenset[str] | None:
    """An integer is a number too."""
    return names | {"integer"} if names and "number" in names else names


def _names(names: frozenset[str] | None) -> str:
    return " or ".join(sorted(names)) if names else "anything"


def _enum(part: Part) -> list[Json] | None:
    """The values that are listed, or None where the schema lists none."""
    found: list[Json] | None = None
    for each in branches(part):
        schema = each.schema if isinstance(each.schema, dict) else {}
        listed = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else None
        if listed is not None:
            found = listed if found is None else [value for value in found if value in listed]
    return found


def _below(part: Part, key: str) -> Part | None:
    return part.child(key) if isinstance(part.schema, dict) and isinstance(part.schema.get(key), dict) else None


def _listed(part: Part, key: str) -> list[Part]:
    listed = part.schema.get(key) if isinstance(part.schema, dict) else None
    return [part.child(key, at) for at in range(len(listed or ()))]


def _closed(part: Part) -> bool:
    return isinstance(part.schema, dict) and part.schema.get("additionalProperties") is False


def _patterns(schema: Json) -> list[str]:
    return [each["pattern"] for each in schema.get("allOf", [schema]) if "pattern" in each]


def _say(found: tuple[Json] | None) -> str:
    """The value that tells old and new apart, short enough for one line."""
    if found is None:
        return ""
    (value,) = found
    text = str(orjson.dumps(value), "utf-8")
    if len(text) > _WITNESS_CHARS_MAX:
        text = f"a text of {len(value)} characters" if isinstance(value, str) else f"{text[:_WITNESS_CHARS_MAX]}…"
    return f" (for example {text})"
