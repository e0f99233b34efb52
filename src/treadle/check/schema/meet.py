"""Several shapes at once: the shape of what all of them take. Nothing is lost in a merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from treadle.check.schema.shape import Rest, Shape
from treadle.check.schema.source import Part, Source
from treadle.check.schema.values import KINDS, both, kind_of, takes
from treadle.contract.model import Json

_OF_KIND = {
    "minLength": "string", "maxLength": "string", "minItems": "array", "maxItems": "array",
    "minProperties": "object", "maxProperties": "object",
}  # fmt: skip


def meet(source: Source, shapes: Iterable[Shape]) -> Shape:
    """The shape that takes what every one of `shapes` takes."""
    several = list(shapes)
    if not several:
        return Shape(source)
    return tidy(several[0] if len(several) == 1 else _merged(source, several))


def _merged(source: Source, shapes: list[Shape]) -> Shape:
    kinds, own = KINDS, KINDS
    values: Mapping[str, Json] | None = None
    for each in shapes:
        kinds, own = both(kinds, each.kinds), both(own, each.own_kinds)
        values = _shared(values, each.values)
    length = max(len(each.prefix) for each in shapes)
    return Shape(
        source,
        statements=tuple({node.key: node for each in shapes for node in each.statements}.values()),
        kinds=kinds,
        own_kinds=own,
        listed=any(each.listed for each in shapes),
        values=values,
        bounds=_tightest(shapes),
        multiples=frozenset[float]().union(*(each.multiples for each in shapes)),
        patterns=frozenset[str]().union(*(each.patterns for each in shapes)),
        formats=frozenset[str]().union(*(each.formats for each in shapes)),
        unique=any(each.unique for each in shapes),
        properties={
            name: source.join(each.at(name) for each in shapes)
            for name in dict.fromkeys(name for each in shapes for name in each.properties)
        },
        required=frozenset[str]().union(*(each.required for each in shapes)),
        rests=_rests(source, shapes),
        names=tuple(dict.fromkeys(part for each in shapes for part in each.names)),
        prefix=tuple(source.join(each.item(at) for each in shapes) for at in range(length)),
        items=_together(source, [each.items for each in shapes]),
        holds=tuple(dict.fromkeys(held for each in shapes for held in each.holds)),
        needs=_needs(shapes),
        dependents={
            name: source.join(each.dependents[name] for each in shapes if name in each.dependents)
            for name in dict.fromkeys(name for each in shapes for name in each.dependents)
        },
        any_of=tuple(dict.fromkeys(choice for each in shapes for choice in each.any_of)),
        one_of=tuple(dict.fromkeys(choice for each in shapes for choice in each.one_of)),
        nots=tuple(dict.fromkeys(part for each in shapes for part in each.nots)),
        ifs=tuple(dict.fromkeys(test for each in shapes for test in each.ifs)),
        media=frozenset[str]().union(*(each.media for each in shapes)),
        encodings=frozenset[str]().union(*(each.encodings for each in shapes)),
        content=tuple(dict.fromkeys(part for each in shapes for part in each.content)),
        opaque=frozenset[str]().union(*(each.opaque for each in shapes)),
    )


def _shared(one: Mapping[str, Json] | None, other: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    if one is None or other is None:
        return other if one is None else one
    return {key: value for key, value in one.items() if key in other}


def _tightest(shapes: list[Shape]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in shapes:
        for key, bound in each.bounds.items():
            tighter = max if key in {"minimum", "exclusiveMinimum"} or key.startswith("min") else min
            found[key] = tighter(found[key], bound) if key in found else bound
    return found


def _rests(source: Source, shapes: list[Shape]) -> tuple[Rest, ...]:
    """One rest for each set of patterns; one without patterns says as much beside any of them, so it joins another."""
    found: dict[frozenset[str], Rest] = {}
    for rest in (rest for each in shapes for rest in each.rests):
        _put(source, found, rest)
    bare = found.pop(frozenset(), None)
    if bare is not None and found:
        patterns = next(iter(found))
        _put(source, found, Rest(dict.fromkeys(sorted(patterns), bare.other), bare.other))
    elif bare is not None:
        return (bare,)
    return tuple(found[patterns] for patterns in sorted(found, key=sorted))


def _put(source: Source, found: dict[frozenset[str], Rest], rest: Rest) -> None:
    patterns = frozenset(rest.patterns)
    twin = found.get(patterns)
    if twin is not None:
        joined = {each: source.join((twin.patterns[each], rest.patterns[each])) for each in sorted(patterns)}
        rest = Rest(joined, source.join((twin.other, rest.other)))
    found[patterns] = rest


def _together(source: Source, parts: list[Part | None]) -> Part | None:
    said = [part for part in parts if part is not None]
    return source.join(said) if said else None


def _needs(shapes: list[Shape]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for each in shapes:
        for name, needed in each.needs.items():
            found[name] = found.get(name, frozenset()) | needed
    return found


def tidy(shape: Shape) -> Shape:
    """Leave out what cannot matter."""
    if shape.values is not None:
        shape.values = {key: value for key, value in shape.values.items() if takes(shape.kinds, kind_of(value))}
        shape.kinds = both(shape.kinds, frozenset(kind_of(value) for value in shape.values.values()))
    shape.bounds = _relevant(shape)
    _drop_absent_kinds(shape)
    return shape


def _relevant(shape: Shape) -> dict[str, float]:
    bounds = {
        key: bound
        for key, bound in shape.bounds.items()
        if (takes(shape.kinds, _OF_KIND.get(key, "integer")) and not (bound <= 0 and key in _OF_KIND and key[1] == "i"))
    }
    if "minimum" in bounds and "exclusiveMinimum" in bounds:
        del bounds["minimum" if bounds["exclusiveMinimum"] >= bounds["minimum"] else "exclusiveMinimum"]
    if "maximum" in bounds and "exclusiveMaximum" in bounds:
        del bounds["maximum" if bounds["exclusiveMaximum"] <= bounds["maximum"] else "exclusiveMaximum"]
    return bounds


def _drop_absent_kinds(shape: Shape) -> None:
    if not takes(shape.kinds, "integer"):
        shape.multiples = frozenset()
    elif "number" not in shape.kinds:
        shape.multiples = frozenset(each for each in shape.multiples if Fraction(1) % Fraction(str(each)))
    if "string" not in shape.kinds:
        shape.patterns = shape.media = shape.encodings = frozenset()
        shape.content = ()
    if shape.kinds <= {"null", "boolean", "array", "object"}:
        shape.formats = frozenset()
    if "array" not in shape.kinds:
        shape.unique, shape.prefix, shape.items, shape.holds = False, (), None, ()
    elif shape.items is not None and shape.items.free:
        shape.items = None
    while shape.items is None and shape.prefix and shape.prefix[-1].free:
        shape.prefix = shape.prefix[:-1]
    if "object" not in shape.kinds:
        shape.properties, shape.required, shape.rests, shape.names = {}, frozenset(), (), ()
        shape.needs, shape.dependents = {}, {}
    else:
        shape.rests = tuple(rest for rest in shape.rests if rest.patterns or not rest.other.free)
