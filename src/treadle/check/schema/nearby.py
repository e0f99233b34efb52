"""Values at and beside the edges of two shapes: where one takes something that the other refuses, it is mostly here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from treadle.check.schema.bridge import bridge
from treadle.check.schema.fits import fits
from treadle.check.schema.matching import text_for
from treadle.check.schema.shape import Shape
from treadle.check.schema.specimen import (
    FORMATS,
    NoSpecimen,
    a_text,
    an_array,
    an_object,
    of_kind,
    settled,
    specimen,
    with_branches,
)
from treadle.check.schema.values import takes
from treadle.contract.model import Json

_BRANCHES_MAX = 12
_BRANCHES_SEEN_MAX = 200
_TEXT_MAX = 20_000
_LETTERS = "zyxwvutsrqponmlkjihgfedcba" + "0123456789" + "AZ_-. /"
_ODD: tuple[Json, ...] = (None, True, 0, 1, -1, 0.5, "", "a", "!", [], {}, [None], {"extra": None})


def nearby(taken: Shape, refused: Shape) -> Iterator[Json]:
    """Values that `taken` may take and `refused` may not, the most telling first."""
    yield from _of_each_branch(taken)
    for shape in _branches(taken):
        yield from (shape.values or {}).values()
        if takes(shape.kinds, "integer"):
            yield from _numbers(shape, refused)
        if "string" in shape.kinds:
            yield from _texts(shape, refused)
        if "array" in shape.kinds:
            yield from _arrays(shape, refused)
        if "object" in shape.kinds:
            yield from _objects(shape, refused)
        for kind in sorted(shape.kinds):
            with suppress(NoSpecimen):
                yield of_kind(shape, kind)
    yield from _ODD
    for shape in _branches(refused):
        yield from (shape.values or {}).values()
        with suppress(NoSpecimen):
            yield specimen(shape)
    for part in (*taken.nots, *refused.nots):
        yield from _thought_of(part.shape)
    for each in (*taken.ifs, *refused.ifs):
        for part in each:
            yield from _thought_of(part.shape)


def _of_each_branch(shape: Shape) -> Iterator[Json]:
    """One value of each branch, where there are too many to look at each closely: one of them may be the new one."""
    if max((len(choice) for choice in (*shape.any_of, *shape.one_of)), default=0) > _BRANCHES_MAX:
        for branch in islice(with_branches(shape), _BRANCHES_SEEN_MAX):
            with suppress(NoSpecimen):
                yield specimen(branch)


def _branches(shape: Shape) -> list[Shape]:
    """The shape with each of the branches of its choices, some of them where there are many."""
    done: list[Shape] = []
    waiting = [shape]
    while waiting and len(done) + len(waiting) <= _BRANCHES_MAX:
        at = waiting.pop(0)
        if at.any_of or at.one_of:
            waiting += [each for each in with_branches(at) if each.kinds]
        else:
            done.append(at)
    return done + [settled(each) for each in waiting]


def _thought_of(shape: Shape) -> Iterator[Json]:
    for each in _branches(shape):
        yield from (each.values or {}).values()
        for kind in sorted(each.kinds):
            with suppress(NoSpecimen):
                yield of_kind(each, kind)


def _numbers(taken: Shape, refused: Shape) -> Iterator[Json]:
    bounds = [bound for shape in (refused, taken) for key, bound in shape.bounds.items() if key.endswith("imum")]
    for bound in bounds:
        for value in (bound, bound + 1, bound - 1, bound + 0.5, bound - 0.5):
            yield int(value) if float(value).is_integer() else value
    for step in (*taken.multiples, *refused.multiples):
        yield from (step, 2 * step, 3 * step, 5 * step, 7 * step, -step)
    yield from (0.5, 0.25, 7, 2**31, 2**53)


def _texts(taken: Shape, refused: Shape) -> Iterator[Json]:
    base = "a"
    with suppress(NoSpecimen):
        base = a_text(taken)
        yield base
        for bound in _lengths(taken, refused, ("minLength", "maxLength")):
            yield base[:bound] + (base[-1:] or "a") * (bound - len(base))
    yield from (text for each in sorted(taken.formats | refused.formats) for text in FORMATS.get(each, ()))
    for pattern in sorted(taken.patterns):
        text = text_for(pattern)
        if text is not None:
            yield from (text, f"{text}!", f" {text}", text.upper(), text.lower(), text[:-1], f"{text}9", f"z{text}")
            yield from (each.replace(each[:1] or "a", letter) for letter in _LETTERS for each in (text, base))
            yield from (text + each for each in _LETTERS)
    yield from ("", "0", "A", "a", "!", " ", "a b", "\n", "x" * 20, "é", "-1")


def _lengths(taken: Shape, refused: Shape, keywords: tuple[str, str]) -> list[int]:
    bounds = [shape.bounds[key] for shape in (refused, taken) for key in keywords if key in shape.bounds]
    wanted = dict.fromkeys(int(bound) + by for bound in bounds for by in (0, 1, -1))
    return [each for each in wanted if 0 <= each <= _TEXT_MAX]


def _arrays(taken: Shape, refused: Shape) -> Iterator[Json]:
    lengths = _lengths(taken, refused, ("minItems", "maxItems"))
    lengths += [0, 1, 2, len(taken.prefix), len(refused.prefix), len(refused.prefix) + 1]
    lengths += [int(held.least) + by for shape in (taken, refused) for held in shape.holds for by in (-1, 0, 1)]
    for length in dict.fromkeys(each for each in lengths if each >= 0):
        with suppress(NoSpecimen):
            items = an_array(taken, length)
            yield items
            if items:
                yield [*items, items[-1]]
                yield [items[0]] * len(items)
    for held in (*taken.holds, *refused.holds):
        with suppress(NoSpecimen):
            one = specimen(held.part)
            most = max([held.least, *([held.most] if held.most is not None else [])])
            yield from ([one] * each for each in range(int(min(most, 50)) + 2))
            yield from ([*[one] * int(min(most, 50)), odd] for odd in _ODD)
    with suppress(NoSpecimen):
        first = an_array(taken, taken.bounds.get("minItems", 0))
        yield from ([*first, odd] for odd in _ODD)


def _objects(taken: Shape, refused: Shape) -> Iterator[Json]:
    with suppress(NoSpecimen):
        whole = bridge(taken, refused)
        yield from _with_and_without(taken, refused, whole)
        yield from _of_names(taken, refused, whole)
    with suppress(NoSpecimen):
        yield from _of_names(taken, refused, an_object(taken))
    with suppress(NoSpecimen):
        yield an_object(taken, also=tuple(taken.properties))


def _with_and_without(taken: Shape, refused: Shape, whole: dict[str, Json]) -> Iterator[Json]:
    """An object that has all that either requires, with and without each property."""
    yield whole
    for name in (*refused.properties, *taken.properties, *whole):
        if name not in taken.required:
            yield {key: value for key, value in whole.items() if key != name}
        with suppress(NoSpecimen):
            yield {**whole, name: specimen(taken.at(name))}


def _of_names(taken: Shape, refused: Shape, base: dict[str, Json]) -> Iterator[Json]:
    yield base
    names = dict.fromkeys(
        (*refused.properties, *taken.properties, *refused.required, *refused.needs, *refused.dependents)
    )
    for name in names:
        with suppress(NoSpecimen):
            yield an_object(taken, also=(name,))
        there, gone = taken.at(name).shape, refused.at(name).shape
        if name not in taken.properties or name not in refused.properties:
            yield from (
                {**base, name: odd} for odd in _ODD if fits(odd, there) is not False and fits(odd, gone) is not True
            )
        if name in base and name not in taken.required:
            yield {key: value for key, value in base.items() if key != name}
    patterns = [pattern for shape in (refused, taken) for rest in shape.rests for pattern in rest.patterns]
    named = [text for pattern in patterns if (text := text_for(pattern)) is not None]
    for part in (*refused.names, *taken.names):
        with suppress(NoSpecimen):
            named.append(str(specimen(part)))
    for name in ("extra", "", "Ω", *named, *(f"{each}!" for each in named)):
        with suppress(NoSpecimen):
            yield {**base, name: specimen(taken.at(name))}
        yield from ({**base, name: odd} for odd in (None, 1, "a"))
    for most in _lengths(taken, refused, ("minProperties", "maxProperties")):
        if most <= 50:
            also = [*taken.properties, *(f"extra{at}" for at in range(most))]
            with suppress(NoSpecimen):
                yield an_object(taken, also=tuple(also[: max(0, most - len(taken.required))]))
