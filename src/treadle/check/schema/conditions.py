"""What holds under a condition: `if`, `dependentRequired`, `dependentSchemas`; `not`; and what is not understood."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.apart import apart
from treadle.check.schema.digest import alike
from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair
from treadle.check.schema.shape import If, Shape
from treadle.check.schema.source import Part


def compare_conditions(old: Shape, new: Shape, _judge: Judge) -> Iterator[Found]:
    """Every conditional keyword, and every one whose meaning depends on more than is looked at."""
    yield from _ifs(old, new)
    if "object" in old.kinds & new.kinds:
        yield from _needs(old, new)
        yield from _dependents(old, new)
    yield from _opaque(old, new)


_UNEVALUATED = {"unevaluatedProperties": "unevaluated-properties", "unevaluatedItems": "unevaluated-items"}


def _opaque(old: Shape, new: Shape) -> Iterator[Found]:
    """Keywords by their name only: there, gone, or perhaps another."""
    gone, come = ({text.split()[0] for text in texts} for texts in (old.opaque - new.opaque, new.opaque - old.opaque))
    for keyword in sorted(gone | come):
        effect = Effect.of(narrows=keyword in come, widens=keyword in gone)
        kind = "undecided"
        if keyword in _UNEVALUATED and effect is not Effect.CHANGES:
            kind = f"{_UNEVALUATED[keyword]}-{'added' if keyword in come else 'removed'}"
        yield Change(kind, effect, keyword, {"name": keyword})


def _ifs(old: Shape, new: Shape) -> Iterator[Found]:
    gone, come = list(old.ifs), []
    for each in new.ifs:
        twin = next((other for other in gone if alike(other.test, each.test)), None)
        if twin is None:
            come.append(each)
        else:
            gone.remove(twin)
            yield from _branch("then", twin.then, each.then)
            yield from _branch("else", twin.other, each.other)
    if len(gone) == len(come) == 1:
        yield Change("if-changed", Effect.CHANGES, "if")
        return
    for each in gone:
        yield from _whole(each, "removed", Effect.WIDENS)
    for each in come:
        yield from _whole(each, "added", Effect.NARROWS)


def _whole(each: If, verb: str, effect: Effect) -> Iterator[Found]:
    yield Change(f"if-{verb}", effect, "if")
    if not each.then.free:
        yield Change(f"then-{verb}", effect, "then")
    if not each.other.free:
        yield Change(f"else-{verb}", effect, "else")


def _branch(keyword: str, old: Part, new: Part) -> Iterator[Found]:
    if old.free and not new.free:
        yield Change(f"{keyword}-added", Effect.NARROWS, keyword)
    elif new.free and not old.free:
        yield Change(f"{keyword}-removed", Effect.WIDENS, keyword)
    elif not old.free:
        yield Pair(Step(keyword), old, new, keyword)


def _needs(old: Shape, new: Shape) -> Iterator[Found]:
    for name in sorted(old.needs.keys() | new.needs.keys()):
        before, after = old.needs.get(name, frozenset()), new.needs.get(name, frozenset())
        if before == after:
            continue
        effect = Effect.of(narrows=bool(after - before), widens=bool(before - after))
        verb = "added" if not before else "removed" if not after else "changed"
        words = {"name": name, "old": ", ".join(sorted(before)), "new": ", ".join(sorted(after))}
        yield Change(f"dependent-required-{verb}", effect, "dependentRequired", words, where=(name,))


def _dependents(old: Shape, new: Shape) -> Iterator[Found]:
    for name in sorted(old.dependents.keys() | new.dependents.keys()):
        before, after = old.dependents.get(name), new.dependents.get(name)
        if before and after:
            yield Pair(Step("dependentSchemas", name, name), before, after, f"dependentSchemas[{name}]")
            continue
        verb, effect = ("removed", Effect.WIDENS) if before else ("added", Effect.NARROWS)
        yield Change(f"dependent-schema-{verb}", effect, "dependentSchemas", {"name": name}, where=(name,))


def compare_nots(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """`not`: what is wider inside is narrower outside."""
    gone = [each for each in old.nots if not any(alike(each, other) for other in new.nots)]
    come = [each for each in new.nots if not any(alike(each, other) for other in old.nots)]
    if len(gone) == len(come) == 1:
        effect = Effect.of(narrows=not judge.within(come[0], gone[0]), widens=not judge.within(gone[0], come[0]))
        if effect is not Effect.NONE:
            yield Change("not-changed", effect, "not")
        return
    for each in gone:
        if not apart(new, each):
            yield Change("not-removed", Effect.WIDENS, "not")
    for each in come:
        if not apart(old, each):
            yield Change("not-added", Effect.NARROWS, "not")
