"""A body that one version takes and the other refuses, because of one edit.

Bodies are thought of around the edit: values near the edge of what changed, lifted into the smallest bodies that lead
there. A validator of each version, asked about the body, has the last word: what it confirms is a proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import Any, NamedTuple

from treadle.check.schema.compare import Sides
from treadle.check.schema.edit import Flow, SchemaEdit
from treadle.check.schema.nearby import nearby
from treadle.check.schema.pertinent import QUITE, pertinent
from treadle.check.schema.source import Part, Source
from treadle.check.schema.specimen import NoSpecimen
from treadle.check.schema.standalone import Unprovable, validator_of
from treadle.check.schema.values import token
from treadle.check.schema.way import CHOICES, Taken, Ways, part_at
from treadle.contract.library import Node
from treadle.contract.model import Json

_TRIES_MAX = 400
_TRIES_IN_ALL_MAX = 4_000
_TRIES_LATER_MAX = 20
"""Bodies that are tried for one edit, for all together, and for one edit once a quarter of those was tried in vain."""
_TRIES_FOR_BETTER_MAX = 100
"""So many more are tried for one whose refusal is about the edit, and not about another."""
_CHARS_MAX = 50_000_000
"""So much text is thought of in all, whatever it shows."""
_REASONS_MAX = 100_000
"""After so many reasons for refusals, one that may be about another edit is good enough."""
_BARRED_MAX = 3
"""After so many edits below one alternative that no body shows, none is sought for the others below it."""
_OF_PARENT = frozenset(
    {"property-added", "property-removed", "became-required", "became-required-with-default", "became-optional"}
)
"""Edits that are about whether a property is there, so that the object around it is the value to vary."""


class Alternative(NamedTuple):
    """A value of one alternative of a body, and where that alternative stands in either version."""

    value: Json
    old: Node
    new: Node


class _Version(NamedTuple):
    source: Source
    node: Node

    @property
    def text(self) -> tuple[str, bytes | str]:
        """What tells one schema from another. Equal texts in one file say the same."""
        return self.node.file, self.source.text(self.node) or self.node.pointer


class _Search(NamedTuple):
    taking: _Version
    refusing: _Version
    trail: tuple[Taken, ...]
    edit: SchemaEdit

    @property
    def formats(self) -> bool:
        """Whether formats are to be checked."""
        lenient = self.taking.source.rules(self.taking.node.file).lenient
        return lenient or "format" in self.edit.words.get("dimension", "")

    @property
    def last_choice(self) -> int:
        """How many steps lead into the innermost alternative around the edit; 0 where there is none."""
        return max((at + 1 for at, each in enumerate(self.trail) if each.step.keyword in CHOICES), default=0)


class Witnesses:
    """Finds witnesses, and remembers them, the ways to them, and the validators that it made."""

    def __init__(self, sides: Sides) -> None:
        """Makes no validator yet."""
        self.sides = sides
        self._validators: dict[tuple[int, tuple[str, bytes | str], bool], Any] = {}
        self._ways = Ways()
        self._found: dict[tuple[Any, ...], tuple[Json] | None] = {}
        self._barred: dict[tuple[Any, ...], int] = {}
        self._in_vain = 0
        self._chars_left = _CHARS_MAX
        self._reasons_left = _REASONS_MAX

    def prove(self, old: Node, new: Node, edit: SchemaEdit, flow: Flow) -> SchemaEdit:
        """The edit with a witness for what it breaks in this flow, where one is found."""
        if edit.effect.narrows and flow is not Flow.RESPONSE:
            edit = replace(edit, narrows=self.narrowing(old, new, edit))
        if edit.effect.widens and flow is not Flow.REQUEST:
            edit = replace(edit, widens=self.widening(old, new, edit))
        return edit

    def narrowing(self, old: Node, new: Node, edit: SchemaEdit) -> tuple[Json] | None:
        """A body that the old version takes and the new refuses, as (body,)."""
        return self._body(self._search(old, new, edit, narrows=True))

    def widening(self, old: Node, new: Node, edit: SchemaEdit) -> tuple[Json] | None:
        """A body that the new version takes and the old refuses, as (body,)."""
        return self._body(self._search(old, new, edit, narrows=False))

    def alternative(self, old: Node, new: Node, edit: SchemaEdit, *, narrows: bool) -> Alternative | None:
        """A value of the innermost alternative around the edit that one version of it takes and the other refuses.

        Where the alternatives of a body overlap, as beside one that takes anything, the body as a whole may take what
        one of them refuses; who wrote a reader for that alternative is broken all the same.
        """
        search = self._search(old, new, edit, narrows=narrows)
        inside = self._inside(search)
        found = None if inside is None else self._remembered(inside)
        if inside is None or found is None:
            return None
        taken, refused = inside.taking.node, inside.refusing.node
        return Alternative(found[0], taken, refused) if narrows else Alternative(found[0], refused, taken)

    def _search(self, old: Node, new: Node, edit: SchemaEdit, *, narrows: bool) -> _Search:
        before, after = _Version(self.sides.old, old), _Version(self.sides.new, new)
        steps = edit.trail[:-1] if edit.kind in _OF_PARENT else edit.trail
        if narrows:
            return _Search(before, after, tuple(Taken(step, step.old, step.new) for step in steps), edit)
        return _Search(after, before, tuple(Taken(step, step.new, step.old) for step in steps), edit)

    def _body(self, search: _Search) -> tuple[Json] | None:
        within = search.trail[: search.last_choice]
        choice = (search.taking.text, search.refusing.text, within)
        if within and self._barred.get(choice, 0) >= _BARRED_MAX:
            return None
        found = self._remembered(search)
        if found is None and within:
            self._barred[choice] = self._barred.get(choice, 0) + 1
        return found

    def _inside(self, search: _Search) -> _Search | None:
        """The same search, in the innermost alternative around the edit."""
        into = search.last_choice
        if not into:
            return None
        taken: Part | None = search.taking.source.part((search.taking.node,))
        refused: Part | None = search.refusing.source.part((search.refusing.node,))
        for step, at, other in search.trail[:into]:
            taken = None if taken is None else part_at(taken.shape, step, at)
            refused = None if refused is None else part_at(refused.shape, step, other)
        if taken is None or refused is None or len(taken.nodes) != 1 or len(refused.nodes) != 1:
            return None
        edit = replace(search.edit, trail=search.edit.trail[into:])
        taking, refusing = _Version(taken.source, taken.nodes[0]), _Version(refused.source, refused.nodes[0])
        return _Search(taking, refusing, search.trail[into:], edit)

    def _remembered(self, search: _Search) -> tuple[Json] | None:
        edit = search.edit
        key = (search.taking.text, search.refusing.text, edit.trail, edit.kind, edit.old, edit.new)
        if key not in self._found:
            self._found[key] = self._sought(search)
        return self._found[key]

    def _sought(self, search: _Search) -> tuple[Json] | None:
        if self._in_vain >= _TRIES_IN_ALL_MAX:
            return None
        try:
            yes, no = (self._validator(each, formats=search.formats) for each in (search.taking, search.refusing))
        except Unprovable:
            return None
        tries = _TRIES_MAX if self._in_vain < _TRIES_IN_ALL_MAX // 4 else _TRIES_LATER_MAX
        found: tuple[Json] | None = None
        best, better_tries = -1, _TRIES_FOR_BETTER_MAX
        for body in islice(self._bodies(search), min(tries, _TRIES_IN_ALL_MAX - self._in_vain)):
            if yes.is_valid(body) and not no.is_valid(body):
                rank = self._rank(search.edit, no, body)
                if rank > best:
                    found, best = (body,), rank
            if found is None:
                self._in_vain += 1
            else:
                better_tries -= 1
            if best == QUITE or not better_tries:
                break
        return found

    def _rank(self, edit: SchemaEdit, refusing: Any, body: Json) -> int:
        """How far a refusal is about the edit; taken for granted once very many reasons were looked at."""
        best = -1
        for error in refusing.iter_errors(body):
            self._reasons_left -= 1
            best = max(best, pertinent(edit, error) if self._reasons_left > 0 else QUITE)
            if best == QUITE:
                break
        return best

    def _validator(self, version: _Version, *, formats: bool) -> Any:
        key = (id(version.source), version.text, formats)
        if key not in self._validators:
            self._validators[key] = validator_of(version.source, version.node, formats=formats)
        return self._validators[key]

    def _bodies(self, search: _Search) -> Iterator[Json]:
        taken, refused = (each.source.part((each.node,)).shape for each in (search.taking, search.refusing))
        way = self._ways.down(taken, refused, search.trail)
        seen: set[str] = set()
        if way is None:
            return
        name = search.edit.trail[-1].new if search.edit.kind in _OF_PARENT else None
        first = () if name is None else self._ways.with_and_without(way.taken, way.refused, str(name))
        for value in chain(first, nearby(way.taken, way.refused)):
            known = token(value)
            self._chars_left -= len(known)
            if self._chars_left < 0:
                return
            if known not in seen:
                seen.add(known)
                with suppress(NoSpecimen):
                    yield way.lift(value)
