"""Schemas of both versions, compared by the kernel; each edit is named by where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import Document, spot
from treadle.check.diff.openapi.naming import effect_at, rules_of
from treadle.check.diff.openapi.promises import LIFECYCLE, farewell, promised
from treadle.check.diff.openapi.reach import Reach
from treadle.check.diff.rule import Direction, Level, Rule, law
from treadle.check.diff.rules import BY_ID
from treadle.check.diff.rules.places import REQUEST_BODY, Site
from treadle.check.schema.compare import Sides, compare_schemas
from treadle.check.schema.edit import Effect, Flow, SchemaEdit
from treadle.check.schema.judge import Policy
from treadle.check.schema.source import Source
from treadle.contract.library import Node
from treadle.contract.model import Json

if TYPE_CHECKING:
    from treadle.check.diff.openapi.pair import Pair

_ANYTHING: tuple[Json, ...] = ({}, True)


class Comparison:
    """Compares schemas of two documents. One that many operations share is compared once."""

    def __init__(self, old: Document, new: Document, reach: Reach, policy: Policy) -> None:
        self._sides = Sides(Source(old.references), Source(new.references), policy, reach.same)
        self._known: dict[tuple[tuple[str, str], tuple[str, str], Flow], tuple[SchemaEdit, ...]] = {}

    def content(
        self, pair: Pair, site: Site, old: Node, new: Node, words: Mapping[str, str], *, media: str
    ) -> Iterator[Change]:
        """Every change of what a media type says of the body, or of one item of a stream of them (OpenAPI 3.2)."""
        for keyword, name in (("schema", "schema"), ("itemSchema", "item-schema")):
            before, after = old.child(keyword), new.child(keyword)
            if before.value is not None and after.value is not None:
                yield from self.changes(pair, site, before, after, words)
            elif before.value != after.value:
                rule = self._existence(site, before, after, name, untyped=new.child("schema").value is None)
                if rule:
                    yield pair.change(rule, before, after, **words, media=media)

    def _existence(self, site: Site, old: Node, new: Node, name: str, *, untyped: bool) -> str:
        there = new if old.value is None else old
        if name == "schema" and there.value in _ANYTHING:
            return ""
        side = "request" if site is REQUEST_BODY else "response"
        if new.value is False and name == "schema":
            return f"{side}-body-schema-became-false"
        verb = "added" if old.value is None else "removed"
        late = "-untyped" if (side, name, verb) == ("response", "item-schema", "removed") and untyped else ""
        return f"{side}-body-media-type-{name}-{verb}{late}"

    def changes(self, pair: Pair, site: Site, old: Node, new: Node, words: Mapping[str, str]) -> Iterator[Change]:
        """Every change of a schema at a place. What has no schema takes anything."""
        if old.value is new.value is None or pair.same(old, new):
            return
        before, after = (each if each.value is not None else replace(each, value=True) for each in (old, new))
        schemas = (spot(old), spot(new))
        flow = Flow.REQUEST if (site.direction is Direction.REQUEST) != pair.inverted else Flow.RESPONSE
        for edit in self._edits(before, after, flow):
            for id, said in self._said(pair, site, edit, words):
                level = _level(BY_ID[id], edit, effect_at(site, edit), flow)
                told = {**edit.words, "property": edit.property, **words, **said}
                yield Change(id, level, told, pair.path, pair.method, edit.old, edit.new, edit, flow, schemas)

    def _said(
        self, pair: Pair, site: Site, edit: SchemaEdit, words: Mapping[str, str]
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        if edit.kind in LIFECYCLE:
            yield from promised(pair, site, edit)
            return
        for rule in rules_of(site, edit, words.get("where", "")):
            if rule == "request-required-property-became-not-read-only" and not pair.run.old.is_3_0:
                yield f"{rule}-in-openapi-31", {}
            else:
                yield farewell(pair, rule, edit)

    def _edits(self, old: Node, new: Node, flow: Flow) -> tuple[SchemaEdit, ...]:
        key = (old.key, new.key, flow)
        if key not in self._known:
            self._known[key] = tuple(compare_schemas(self._sides, old, new, flow))
        return self._known[key]


def _level(rule: Rule, edit: SchemaEdit, effect: Effect, flow: Flow) -> Level:
    """The row's level, unless the kernel knows of this very edit what it does to values."""
    if not rule.lawful:
        return rule.level
    if edit.hidden:
        return Level.INFO
    if rule.level is Level.WARNING and effect is Effect.CHANGES:
        return Level.WARNING
    return law(effect, Direction.REQUEST if flow is Flow.REQUEST else Direction.RESPONSE)
