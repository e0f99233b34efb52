"""The normal form of a schema: what it says, whatever the words and the order in which it says it.

References are followed, `allOf` is merged, `const` is an `enum` of one, a combinator of one branch is that branch,
limits are the tightest that are said, and what cannot matter to the kinds that are taken is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from treadle.check.schema.edit import Spot
from treadle.check.schema.source import Part, Source
from treadle.check.schema.values import KINDS, matches
from treadle.contract.library import Node
from treadle.contract.model import Json
from treadle.contract.pointer import pointer

Choice = tuple[Part, ...]
"""The branches of one `anyOf` or `oneOf`."""


class Rest(NamedTuple):
    """What holds for properties without a name of their own: each pattern that matches, or else `other`."""

    patterns: Mapping[str, Part]
    other: Part

    def at(self, name: str) -> list[Part]:
        """What has to hold for the value of an undeclared property."""
        return [part for pattern, part in self.patterns.items() if matches(pattern, name)] or [self.other]


class Holds(NamedTuple):
    """`contains`: how many items have to fit."""

    part: Part
    least: float
    most: float | None


class If(NamedTuple):
    """`if`, `then` and `else`."""

    test: Part
    then: Part
    other: Part


@dataclass(slots=True)
class Shape:
    """One normal form. Not changed once it is made; shared by all who ask for the same part."""

    source: Source
    statements: tuple[Node, ...] = ()
    kinds: frozenset[str] = KINDS
    own_kinds: frozenset[str] = KINDS
    """The kinds that `type` says; what listed values and branches of a choice have in common counts in `kinds` only."""
    listed: bool = False
    """Whether the kinds were written as branches of a combinator."""
    values: Mapping[str, Json] | None = None
    """The values of `enum`, by their token; None where any value goes."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """Limits by keyword: `minLength`, `maximum`, …"""
    multiples: frozenset[float] = frozenset()
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    unique: bool = False
    properties: Mapping[str, Part] = field(default_factory=dict)
    """All that holds for a property, its matching patterns included."""
    required: frozenset[str] = frozenset()
    rests: tuple[Rest, ...] = ()
    names: tuple[Part, ...] = ()
    prefix: tuple[Part, ...] = ()
    items: Part | None = None
    """What holds for every item after `prefix`; None where anything does."""
    holds: tuple[Holds, ...] = ()
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dependents: Mapping[str, Part] = field(default_factory=dict)
    any_of: tuple[Choice, ...] = ()
    one_of: tuple[Choice, ...] = ()
    nots: tuple[Part, ...] = ()
    ifs: tuple[If, ...] = ()
    media: frozenset[str] = frozenset()
    encodings: frozenset[str] = frozenset()
    content: tuple[Part, ...] = ()
    opaque: frozenset[str] = frozenset()
    """What is not understood, as texts: two that are equal mean the same."""

    @property
    def plain(self) -> bool:
        """Whether no combinator or condition is left, and everything is understood."""
        return not (self.any_of or self.one_of or self.nots or self.ifs or self.opaque)

    def at(self, name: str) -> Part:
        """What has to hold for the value of a property, declared or not."""
        found = self.properties.get(name)
        return self.source.join(part for rest in self.rests for part in rest.at(name)) if found is None else found

    def item(self, position: int) -> Part:
        """What has to hold for the item at a position."""
        return self.prefix[position] if position < len(self.prefix) else self.items or self.source.any

    def said(self, keyword: str) -> Iterator[Json]:
        """What the statements say under a keyword, as written."""
        for node in self.statements:
            if isinstance(node.value, dict) and keyword in node.value:
                yield node.value[keyword]

    def says(self, keyword: str) -> bool:
        """Whether a keyword is written at all."""
        return next(self.said(keyword), None) is not None

    def spot(self, *path: str | int, listing: str | None = None) -> Spot:
        """Where a keyword is written, or as far on the way there as anything is; at best where it lists a name."""
        best, rank = next(iter(self.statements), None), (0, False)
        for node in self.statements:
            value, reached = node.value, 0
            for step in path:
                if not (step in value if isinstance(value, dict) else _has(value, step)):
                    break
                value, reached = value[step], reached + 1
            found = (reached, isinstance(value, list) and listing in value)
            if found > rank:
                best, rank = node, found
        return Spot(best.file, best.pointer + pointer(*path[: rank[0]])) if best is not None else Spot("", "")


def _has(value: Json, position: str | int) -> bool:
    return isinstance(value, list) and isinstance(position, int) and position < len(value)
