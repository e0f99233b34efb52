"""Items: by position, all the rest, those that are contained, and whether all differ."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.digest import alike
from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair
from treadle.check.schema.shape import Holds, Shape


def compare_arrays(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """Arrays that both take."""
    if "array" not in old.kinds & new.kinds:
        return
    yield from _items(old, new, judge)
    if old.unique != new.unique:
        narrows = new.unique
        kind = "unique-items-set" if narrows else "unique-items-unset"
        yield Change(kind, Effect.NARROWS if narrows else Effect.WIDENS, "uniqueItems")
    yield from _contained(old, new)


def _items(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    shared = min(len(old.prefix), len(new.prefix))
    for at in range(shared):
        yield Pair(Step("prefixItems", at, at), old.prefix[at], new.prefix[at], f"prefixItems[subschema #{at + 1}]")
    for at in range(shared, max(len(old.prefix), len(new.prefix))):
        effect = judge.effect(old.item(at), new.item(at))
        kind = "prefix-items-removed" if at < len(old.prefix) else "prefix-items-added"
        if effect is not Effect.NONE:
            yield Change(kind, effect, "prefixItems", {"name": f"subschema #{at + 1}"}, where=(at,))
    before, after = old.items, new.items
    if before is not None and after is not None:
        yield Pair(Step("items"), before, after, "items")
    elif before is not None or after is not None:
        gone = before is not None
        shape, other = (old, new) if gone else (new, old)
        rest = shape.says("unevaluatedItems") and not other.says("unevaluatedItems") and not shape.says("items")
        name, keyword = ("unevaluated-items", "unevaluatedItems") if rest else ("items", "items")
        effect = Effect.WIDENS if gone else Effect.NARROWS
        yield Change(f"{name}-{'removed' if gone else 'added'}", effect, keyword)


def _contained(old: Shape, new: Shape) -> Iterator[Found]:
    gone, come = list(old.holds), []
    for held in new.holds:
        twin = next((each for each in gone if alike(each.part, held.part)), None)
        if twin is None:
            come.append(held)
        else:
            gone.remove(twin)
            yield from _counted(twin, held)
    if len(gone) == len(come) == 1:
        yield from _counted(gone[0], come[0])
        if gone[0].most is None and come[0].most is None:
            yield Pair(Step("contains"), gone[0].part, come[0].part, "contains")
        else:
            yield Change("contains-changed", Effect.CHANGES, "contains")
        return
    for _ in gone:
        yield Change("contains-removed", Effect.WIDENS, "contains")
    for _ in come:
        yield Change("contains-added", Effect.NARROWS, "contains")


def _counted(old: Holds, new: Holds) -> Iterator[Found]:
    if old.least != new.least:
        up = new.least > old.least
        words = {"old": str(old.least), "new": str(new.least)}
        kind = "min-contains-increased" if up else "min-contains-decreased"
        yield Change(kind, Effect.NARROWS if up else Effect.WIDENS, "minContains", words)
    if old.most != new.most:
        words = {"old": "" if old.most is None else str(old.most), "new": "" if new.most is None else str(new.most)}
        up = new.most is None or (old.most is not None and new.most > old.most)
        name = "set" if old.most is None else "unset" if new.most is None else "increased" if up else "decreased"
        yield Change(f"max-contains-{name}", Effect.WIDENS if up else Effect.NARROWS, "maxContains", words)
