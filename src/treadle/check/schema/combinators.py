"""`anyOf`, `oneOf`, and the branches of `allOf` as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from treadle.check.schema.apart import all_apart
from treadle.check.schema.digest import alike, digest, shape_digest
from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair, Policy
from treadle.check.schema.shape import Choice, Shape
from treadle.check.schema.source import Part
from treadle.contract.library import Node
from treadle.contract.refs import ANNOTATIONS

_WEIGHED_MAX = 100
"""So many pairs of branches, alike in nothing, are weighed for which stands for which."""
_LISTS = ("/components/schemas", "/definitions", "/$defs", "/components/messages")


def compare_choices(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """`anyOf` and `oneOf`. A choice that is there in one version only is weighed against all the other says."""
    for keyword, name, before, after in (
        ("anyOf", "any-of", old.any_of, new.any_of),
        ("oneOf", "one-of", old.one_of, new.one_of),
    ):
        gone, come = _unmatched(before, after)
        if len(gone) == len(come) == 1:
            yield from _branches(keyword, name, gone[0], come[0], judge)
            continue
        for choice in gone:
            if not judge.strict.within(new, only(keyword, choice)):
                yield Change(f"{name}-removed", Effect.WIDENS, keyword, {"name": _labels(choice)})
        for choice in come:
            if not judge.strict.within(old, only(keyword, choice)):
                yield Change(f"{name}-added", Effect.NARROWS, keyword, {"name": _labels(choice)})


def only(keyword: str, choice: Choice) -> Shape:
    """The shape that says one choice and nothing else."""
    source = choice[0].source
    return Shape(source, any_of=(choice,)) if keyword == "anyOf" else Shape(source, one_of=(choice,))


def _unmatched(old: tuple[Choice, ...], new: tuple[Choice, ...]) -> tuple[list[Choice], list[Choice]]:
    gone, come = list(old), []
    for choice in new:
        twin = next((each for each in gone if sorted(map(digest, each)) == sorted(map(digest, choice))), None)
        if twin is None:
            come.append(choice)
        else:
            gone.remove(twin)
    return gone, come


class _Branch(NamedTuple):
    at: int
    part: Part

    @property
    def name(self) -> str:
        """The name under which a document lists the schema, where it does."""
        if len(self.part.nodes) != 1:
            return ""
        node = self.part.nodes[0]
        list_of, _, name = (node.reference or node.pointer).rpartition("/")
        return name if list_of.endswith(_LISTS) or not node.pointer else ""

    @property
    def title(self) -> str:
        """The title that is written here."""
        said = self.part.nodes[0].value if len(self.part.nodes) == 1 else None
        return str(said.get("title", "")) if isinstance(said, dict) and not self.name else ""

    @property
    def label(self) -> str:
        """What people call it."""
        if self.title:
            return f"subschema #{self.at + 1}: {self.title}"
        return f"#/components/schemas/{self.name}" if self.name else f"subschema #{self.at + 1}"


def _labels(choice: Choice) -> str:
    return ", ".join(_Branch(at, part).label for at, part in enumerate(choice))


def _branches(keyword: str, name: str, old: Choice, new: Choice, judge: Judge) -> Iterator[Found]:
    gone = [_Branch(at, part) for at, part in enumerate(old)]
    come = [_Branch(at, part) for at, part in enumerate(new)]
    pairs = _paired(gone, come, judge)
    for one, other in pairs:
        label = one.label if one.label == other.label else f"{one.label} -> {other.label}"
        yield Pair(Step(keyword, one.at, other.at), one.part, other.part, f"{keyword}[{label}]")
    for each in gone:
        if not judge.strict.within(each.part, only(keyword, new)):
            yield Change(f"{name}-removed", Effect.NARROWS, keyword, {"name": each.label}, where=(each.at,))
    for each in come:
        if not judge.strict.within(each.part, only(keyword, old)):
            yield Change(f"{name}-added", Effect.WIDENS, keyword, {"name": each.label}, where=(each.at,))
    if keyword == "oneOf" and judge.policy is Policy.STRICT:
        modified = any(not alike(one.part, other.part) for one, other in pairs)
        narrows = (modified or bool(come)) and not all_apart(new)
        widens = (modified or bool(gone)) and not all_apart(old)
        if narrows or widens:
            yield Change("one-of-overlap", Effect.of(narrows=narrows, widens=widens), keyword)


def _paired(gone: list[_Branch], come: list[_Branch], judge: Judge) -> list[tuple[_Branch, _Branch]]:
    """Branches that stand for each other; those left over stay in `gone` and `come`."""
    pairs = _equal(gone, come)
    pairs += _taken(gone, come, lambda one, other: bool(one.name) and one.name == other.name)
    pairs += _taken(gone, come, lambda one, other: bool(one.title) and one.title == other.title)
    if len(gone) == len(come) == 1 and not any(each.name or each.title for each in (*gone, *come)):
        pairs.append((gone.pop(), come.pop()))
    if len(gone) * len(come) <= _WEIGHED_MAX:
        pairs += _taken(gone, come, lambda one, other: judge.strict.within(one.part, other.part))
        pairs += _taken(gone, come, lambda one, other: judge.strict.within(other.part, one.part))
    return pairs


def _equal(gone: list[_Branch], come: list[_Branch]) -> list[tuple[_Branch, _Branch]]:
    """Branches that say the same, each taken once."""
    at: dict[bytes, list[_Branch]] = {}
    for other in come:
        at.setdefault(digest(other.part), []).append(other)
    pairs = [(one, twins.pop(0)) for one in gone if (twins := at.get(digest(one.part)))]
    for left, side in ((gone, 0), (come, 1)):
        matched = {pair[side].at for pair in pairs}
        left[:] = [each for each in left if each.at not in matched]
    return pairs


def _taken(
    gone: list[_Branch], come: list[_Branch], fits: Callable[[_Branch, _Branch], bool]
) -> list[tuple[_Branch, _Branch]]:
    pairs = []
    for one in tuple(gone):
        twin = next((other for other in come if fits(one, other)), None)
        if twin is not None:
            gone.remove(one)
            come.remove(twin)
            pairs.append((one, twin))
    return pairs


def compare_all_of(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """Branches of `allOf` that came or went, where that is not just another way to write the same.

    What they say is merged into the schema and compared there, too.
    """
    gone, come = _written(old), _written(new)
    _taken(gone, come, lambda one, other: bool(one.name) and one.name == other.name)
    _taken(gone, come, lambda one, other: alike(one.part, other.part))
    _taken(gone, come, lambda one, other: bool(one.title) and one.title == other.title)
    if len(gone) == len(come) == 1 and not any(each.name or each.title for each in (*gone, *come)):
        return
    if not (gone or come) or shape_digest(old) == shape_digest(new):
        return
    for verb, left, whole, effect in (("removed", gone, new, Effect.WIDENS), ("added", come, old, Effect.NARROWS)):
        for each in left:
            words = {"name": each.label}
            if shape_digest(whole) == digest(each.part):
                continue
            if _annotates(each.part.nodes):
                yield Change(f"all-of-{verb}-annotation-only", Effect.NONE, "allOf", words, where=(each.at,))
            else:
                felt = Effect.NONE if judge.within(whole, each.part) else effect
                yield Change(f"all-of-{verb}", felt, "allOf", words, where=(each.at,))


def _written(shape: Shape) -> list[_Branch]:
    for node in shape.statements:
        found = node.value.get("allOf") if isinstance(node.value, dict) else None
        if isinstance(found, list) and found:
            return [_Branch(at, shape.source.part((node.child("allOf", at),))) for at in range(len(found))]
    return []


def _annotates(nodes: tuple[Node, ...]) -> bool:
    return all(
        isinstance(node.value, dict) and all(key in ANNOTATIONS or key.startswith("x-") for key in node.value)
        for node in nodes
    )
