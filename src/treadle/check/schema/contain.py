"""Whether one schema takes everything that another takes: a proof, or none.

A proof for two schemas needs proofs for pairs below them, and those may need the first again. What is being proved may
be assumed, as long as a step into a value (a property, an item) lies between: a value that refuted the pair would hold
a smaller one that refutes it, and so on, and values end. Without such a step in between it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from treadle.check.schema.apart import apart
from treadle.check.schema.arrays import compare_arrays
from treadle.check.schema.conditions import compare_conditions
from treadle.check.schema.digest import alike, digest
from treadle.check.schema.edit import Effect
from treadle.check.schema.enums import compare_enums
from treadle.check.schema.fits import fits
from treadle.check.schema.judge import Found, Judge, Pair, Policy
from treadle.check.schema.kinds import compare_kinds
from treadle.check.schema.meet import meet
from treadle.check.schema.numbers import compare_limits
from treadle.check.schema.objects import compare_objects
from treadle.check.schema.shape import Choice, Shape
from treadle.check.schema.source import Part
from treadle.check.schema.strings import compare_strings

_PLAIN = (compare_kinds, compare_limits, compare_strings, compare_arrays, compare_objects, compare_conditions)
_INTO_VALUES = frozenset(
    {"properties", "additionalProperties", "patternProperties", "propertyNames", "items", "prefixItems", "contains"}
)
_STEPS_MAX = 2_000
_STEPS_IN_ALL_MAX = 200_000
_STEPS_LATER_MAX = 20
"""Pairs looked at for one proof, for all of two versions, and for one once those are spent: enough for a plain one."""
_DEPTH_MAX = 24
_Side = Part | Shape
_Pairs = frozenset[tuple[Part, Part]]


class Prover:
    """Proves containment, and remembers what it proved and what it could not."""

    def __init__(self, policy: Policy, unchanged: Callable[[Part, Part], bool] | None = None) -> None:
        """`unchanged` tells pairs that read the same in both versions."""
        self.policy = policy
        self.unchanged = unchanged
        self.proved: set[tuple[Part, Part]] = set()
        self.failed: set[tuple[Part, Part]] = set()
        self._steps = 0
        self._strict: Prover | None = None

    @property
    def strict(self) -> Prover:
        """The prover that takes open objects by their letter."""
        if self.policy is Policy.STRICT:
            return self
        if self._strict is None:
            self._strict = Prover(Policy.STRICT, self.unchanged)
        return self._strict

    def within(self, inner: _Side, outer: _Side) -> bool:
        """Whether everything that `inner` takes is proved to be taken by `outer`."""
        if isinstance(inner, Part) and isinstance(outer, Part) and (inner, outer) in self.failed:
            return False
        attempt = _Attempt(self, _STEPS_MAX if self._steps < _STEPS_IN_ALL_MAX else _STEPS_LATER_MAX)
        proved = attempt.holds(inner, outer)
        self._steps += attempt.steps
        if proved:
            self.proved |= attempt.assumed
            return True
        if isinstance(inner, Part) and isinstance(outer, Part):
            self.failed.add((inner, outer))
        return False

    def effect(self, old: _Side, new: _Side) -> Effect:
        """What replacing one by the other does."""
        return Effect.of(narrows=not self.within(old, new), widens=not self.within(new, old))


class _Attempt:
    """One proof, with what it assumes."""

    def __init__(self, prover: Prover, steps_max: int) -> None:
        self.prover = prover
        self.steps_max = steps_max
        self.policy = prover.policy
        self.assumed: set[tuple[Part, Part]] = set()
        self.steps = 0
        self.depth = 0

    @property
    def strict(self) -> Judge:
        """The prover that takes open objects by their letter."""
        return self.prover.strict

    def within(self, inner: _Side, outer: _Side) -> bool:
        """As the comparisons of keywords ask it: of values inside the value at hand."""
        return self.holds(inner, outer)

    def effect(self, old: _Side, new: _Side) -> Effect:
        """As the comparisons of keywords ask it."""
        return Effect.of(narrows=not self.within(old, new), widens=not self.within(new, old))

    def holds(self, inner: _Side, outer: _Side, open_pairs: _Pairs = frozenset()) -> bool:
        """Prove a pair with all that it needs; what was assumed for a proof that fails is forgotten."""
        if self.depth > _DEPTH_MAX:
            return False
        before = set(self.assumed)
        self.depth += 1
        try:
            proved = self._all([(inner, outer, open_pairs)])
        finally:
            self.depth -= 1
        if not proved:
            self.assumed = before
        return proved

    def _all(self, waiting: list[tuple[_Side, _Side, _Pairs]]) -> bool:
        while waiting:
            inner, outer, open_pairs = waiting.pop()
            if isinstance(inner, Part) and isinstance(outer, Part):
                pair = (inner, outer)
                if outer.free or inner is outer or pair in self.prover.proved:
                    continue
                if pair in open_pairs or pair in self.prover.failed:
                    return False
                if pair in self.assumed:
                    continue
                self.assumed.add(pair)
                open_pairs |= {pair}
                if self.prover.unchanged is not None and self.prover.unchanged(inner, outer):
                    continue
            self.steps += 1
            if self.steps > self.steps_max:
                return False
            below = self._needs(_shape(inner), _shape(outer), open_pairs)
            if below is None:
                return False
            waiting += below
        return True

    def _needs(self, inner: Shape, outer: Shape, open_pairs: _Pairs) -> list[tuple[_Side, _Side, _Pairs]] | None:
        """The pairs that a proof needs, or None where there is none."""
        if not inner.kinds:
            return []
        if inner.values is not None and _each_fits(inner, outer):
            return []
        below = self._plainly(inner, outer, open_pairs)
        if below is not None and self._beside(inner, outer, open_pairs):
            return below
        return [] if self._by_branches(inner, outer, open_pairs) else None

    def _plainly(self, inner: Shape, outer: Shape, open_pairs: _Pairs) -> list[tuple[_Side, _Side, _Pairs]] | None:
        below: list[tuple[_Side, _Side, _Pairs]] = []
        for found in _found(inner, outer, self):
            if isinstance(found, Pair):
                below.append((found.old, found.new, frozenset() if found.step.keyword in _INTO_VALUES else open_pairs))
            elif found.effect.narrows:
                return None
        return below

    def _beside(self, inner: Shape, outer: Shape, open_pairs: _Pairs) -> bool:
        """What `not`, `anyOf` and `oneOf` of the outer ask."""
        return (
            all(self._refused(inner, part, open_pairs) for part in outer.nots)
            and all(self._one_of_them(inner, choice, open_pairs) for choice in outer.any_of)
            and all(self._exactly_one(inner, choice, open_pairs) for choice in outer.one_of)
        )

    def _refused(self, inner: Shape, part: Part, open_pairs: _Pairs) -> bool:
        return apart(inner, part) or any(alike(part, own) or self.holds(part, own, open_pairs) for own in inner.nots)

    def _one_of_them(self, inner: Shape, choice: Choice, open_pairs: _Pairs) -> bool:
        if any(self.holds(inner, branch, open_pairs) for branch in choice):
            return True
        parts = [meet(inner.source, [inner, inner.source.of_kind(kind).shape]) for kind in sorted(inner.kinds)]
        return len(parts) > 1 and all(any(self.holds(part, branch, open_pairs) for branch in choice) for part in parts)

    def _exactly_one(self, inner: Shape, choice: Choice, open_pairs: _Pairs) -> bool:
        if any(sorted(map(digest, choice)) == sorted(map(digest, own)) for own in inner.one_of):
            return True
        if self.policy is Policy.EVOLUTION:
            return self._one_of_them(inner, choice, open_pairs)
        return any(
            all(apart(inner, other) for other in (*choice[:at], *choice[at + 1 :]))
            and self.holds(inner, branch, open_pairs)
            for at, branch in enumerate(choice)
        )

    def _by_branches(self, inner: Shape, outer: Shape, open_pairs: _Pairs) -> bool:
        """Prove each branch of a choice of the inner by itself."""
        for at, choice in enumerate(inner.any_of):
            rest = replace(inner, any_of=(*inner.any_of[:at], *inner.any_of[at + 1 :]))
            if self._each(rest, choice, outer, open_pairs):
                return True
        for at, choice in enumerate(inner.one_of):
            rest = replace(inner, one_of=(*inner.one_of[:at], *inner.one_of[at + 1 :]))
            if self._each(rest, choice, outer, open_pairs):
                return True
        return False

    def _each(self, rest: Shape, choice: Choice, outer: Shape, open_pairs: _Pairs) -> bool:
        return all(self.holds(meet(rest.source, [rest, branch.shape]), outer, open_pairs) for branch in choice)


def _found(inner: Shape, outer: Shape, judge: Judge) -> Iterator[Found]:
    for compare in _PLAIN:
        yield from compare(inner, outer, judge)
    yield from compare_enums(inner, outer, judge)


def _each_fits(inner: Shape, outer: Shape) -> bool:
    return all(fits(value, outer) is True or fits(value, inner) is False for value in (inner.values or {}).values())


def _shape(side: _Side) -> Shape:
    return side.shape if isinstance(side, Part) else side
