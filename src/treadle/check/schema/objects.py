"""Properties: declared, required, matched by a pattern, all the rest, and their names."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.digest import alike
from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair, Policy
from treadle.check.schema.shape import Rest, Shape
from treadle.check.schema.source import Part


def compare_objects(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """Objects that both take."""
    if "object" not in old.kinds & new.kinds:
        return
    yield from _declared(old, new, judge)
    yield from _required(old, new)
    yield from _rests(old, new, judge)
    yield from _names(old, new)


def _declared(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    for name, part in old.properties.items():
        if name in new.properties:
            yield Pair(Step("properties", name, name), part, new.properties[name], name)
        else:
            yield Change("property-removed", _gone(old, new, name, judge), "properties", at=name, where=(name,))
    for name in new.properties:
        if name not in old.properties:
            effect = _gone(new, old, name, judge).reversed
            yield Change("property-added", effect, "properties", at=name, where=(name,))


def _gone(old: Shape, new: Shape, name: str, judge: Judge) -> Effect:
    """What it does that a property is left to what holds for undeclared ones; the new property is this, reversed."""
    rest = new.at(name)
    if rest.free and judge.policy is Policy.EVOLUTION:
        return Effect.WIDENS if name in old.required else Effect.NONE
    effect = judge.effect(old.properties[name], rest)
    return Effect.of(
        narrows=effect.narrows, widens=effect.widens or (name in old.required and name not in new.required)
    )


def _required(old: Shape, new: Shape) -> Iterator[Found]:
    for name in sorted(new.required - old.required):
        if name in old.properties or name not in new.properties:
            kind = "became-required-with-default" if _has_default(new, name) else "became-required"
            yield Change(kind, Effect.NARROWS, "required", at=name)
    for name in sorted(old.required - new.required):
        if name in new.properties or name not in old.properties:
            yield Change("became-optional", Effect.WIDENS, "required", at=name)


def _has_default(shape: Shape, name: str) -> bool:
    return name in shape.properties and any(True for _ in shape.properties[name].shape.said("default"))


def _rests(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """What holds for properties that neither declares."""
    if len(old.rests) > 1 or len(new.rests) > 1:
        yield from _several(old, new)
        return
    before = old.rests[0] if old.rests else Rest({}, old.source.any)
    after = new.rests[0] if new.rests else Rest({}, new.source.any)
    yield from _patterns(before, after, judge)
    if before.other is not after.other:
        yield from _others(before.other, after.other, old, new)


def _others(old: Part, new: Part, before: Shape, after: Shape) -> Iterator[Found]:
    unevaluated = before.says("unevaluatedProperties") != after.says("unevaluatedProperties")
    name, keyword = "additional-properties", "additionalProperties"
    if unevaluated and before.says(keyword) == after.says(keyword):
        name, keyword = "unevaluated-properties", "unevaluatedProperties"
    if old.free and new.free:
        return
    if new.shape.kinds and old.shape.kinds and not old.free and not new.free:
        yield Pair(Step("additionalProperties"), old, new, "additionalProperties")
    elif old.free or not new.shape.kinds:
        if not alike(old, new):
            yield Change(f"{name}-added", Effect.NARROWS, keyword)
    elif not alike(old, new):
        yield Change(f"{name}-removed", Effect.WIDENS, keyword)


def _patterns(old: Rest, new: Rest, judge: Judge) -> Iterator[Found]:
    """Patterns by their text. A name may match several, so each is weighed against all that it may meet."""
    shared = old.patterns.keys() & new.patterns.keys()
    for pattern, part in old.patterns.items():
        step = Step("patternProperties", pattern, pattern)
        if pattern in shared:
            yield Pair(step, part, new.patterns[pattern], f"patternProperties[{pattern}]")
            continue
        narrows = not judge.within(part, new.other)
        widens = not all(judge.within(each, part) for each in (new.other, *new.patterns.values()))
        effect = Effect.of(narrows=narrows, widens=widens)
        yield Change("pattern-property-removed", effect, "patternProperties", {"name": pattern}, where=(pattern,))
    for pattern, part in new.patterns.items():
        if pattern not in shared:
            widens = not judge.within(part, old.other)
            narrows = not all(judge.within(each, part) for each in (old.other, *old.patterns.values()))
            effect = Effect.of(narrows=narrows, widens=widens)
            yield Change("pattern-property-added", effect, "patternProperties", {"name": pattern}, where=(pattern,))


def _several(old: Shape, new: Shape) -> Iterator[Found]:
    """Merged schemas of which several have patterns: alike one by one, or not decided."""
    left = list(old.rests)
    for rest in new.rests:
        twin = next((each for each in left if _twins(each, rest)), None)
        if twin is None:
            yield Change("additional-properties-changed", Effect.CHANGES, "additionalProperties")
            return
        left.remove(twin)
    if left:
        yield Change("additional-properties-removed", Effect.WIDENS, "additionalProperties")


def _twins(one: Rest, other: Rest) -> bool:
    return (
        one.patterns.keys() == other.patterns.keys()
        and alike(one.other, other.other)
        and all(alike(part, other.patterns[pattern]) for pattern, part in one.patterns.items())
    )


def _names(old: Shape, new: Shape) -> Iterator[Found]:
    if old.names and new.names:
        before, after = old.source.join(old.names), new.source.join(new.names)
        yield Pair(Step("propertyNames"), before, after, "propertyNames")
    elif old.names:
        yield Change("property-names-removed", Effect.WIDENS, "propertyNames")
    elif new.names:
        yield Change("property-names-added", Effect.NARROWS, "propertyNames")
