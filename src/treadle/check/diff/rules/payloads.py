"""Rows about the schemas of events, and about JSON Schemas that stand by themselves.

The kinds of edits are those of `schemas`, and some more. Whether an edit breaks is not the row's to say: it depends on
who writes and who reads (`check.diff.judge`). The level here is the one that an event has in a channel where
everybody does both, and that a JSON Schema has whose old data must be taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.diff.rules.keyword import Keyword
from treadle.check.diff.rules.schemas import KEYWORDS
from treadle.check.schema.edit import Effect, Mark, SchemaEdit
from treadle.contract.version import Bump

TOLERABLE = frozenset({"values", "constraints", "structure"})
"""Kinds of edits after which more may come than before, and a tolerant reader stays calm."""


@dataclass(frozen=True, slots=True)
class Family:
    """Whose schemas: what ids begin with, and what a message calls a whole and a property in it."""

    whole: str
    property: str
    area: str
    whole_subject: str
    property_subject: str
    both_ways: bool


EVENT = Family("event-body", "event-property", "events", "{whole}", "`{property}` of {whole}", both_ways=True)
DATA = Family("schema", "schema-property", "data", "the value", "`{property}`", both_ways=False)

_N, _NARROWS, _WIDENS, _CHANGES = Effect.NONE, Effect.NARROWS, Effect.WIDENS, Effect.CHANGES

_MORE: tuple[Keyword, ...] = (
    # What has no place among the rules of OpenAPI, or is called otherwise there
    Keyword("additional-properties-added", "structure", "add", _NARROWS, "says what its other properties are"),
    Keyword(
        "additional-properties-removed", "structure", "remove", _WIDENS, "no longer says what its other properties are"
    ),
    Keyword(
        "additional-properties-changed", "structure", "change", _CHANGES, "says otherwise what its other properties are"
    ),
    Keyword("items-added", "structure", "add", _NARROWS, "says what its items are"),
    Keyword("items-removed", "structure", "remove", _WIDENS, "no longer says what its items are"),
    Keyword("contains-changed", "structure", "change", _CHANGES, "must hold another certain item"),
    Keyword("not-added", "structure", "add", _NARROWS, "excludes values"),
    Keyword("not-removed", "structure", "remove", _WIDENS, "no longer excludes values"),
    Keyword("not-changed", "structure", "change", _CHANGES, "excludes other values"),
    Keyword("if-changed", "structure", "change", _CHANGES, "has another condition"),
    # Whatever else the kernel finds, named by what it does
    Keyword("narrowed", "structure", "change", _NARROWS, "takes less than before"),
    Keyword("widened", "structure", "change", _WIDENS, "takes more than before"),
    Keyword("changed", "structure", "change", _CHANGES, "takes something else than before"),
    Keyword("rewritten", "structure", "change", _N, "is written otherwise"),
)
_BY_EFFECT = {_NARROWS: "narrowed", _WIDENS: "widened", _CHANGES: "changed", _N: "rewritten"}

_PROPERTIES: tuple[tuple[Keyword, str, str], ...] = (
    # The keyword, the id of it for events, the id of it for data
    (Keyword("required-property-added", "existence", "add", _NARROWS, "was added, and is required",
             "What lacks it is refused. Add it as optional."),
     "new-required-event-property", "schema-required-property-added"),
    (Keyword("optional-property-added", "existence", "add", _N, "was added, and is optional",
             "Readers ignore what they do not know. By the letter, something else may stand there already."),
     "new-optional-event-property", "schema-optional-property-added"),
    (Keyword("property-removed", "existence", "remove", _WIDENS, "was removed", "Readers look for it."),
     "event-property-removed", "schema-property-removed"),
    (Keyword("property-removed-with-deprecation", "existence", "remove", _N, "was removed; it was deprecated",
             "It was announced. See that nobody reads it any more."),
     "event-property-removed-with-deprecation", "schema-property-removed-with-deprecation"),
    (Keyword("became-required", "requiredness", "change", _NARROWS, "became required", "What lacks it is refused."),
     "event-property-became-required", "schema-property-became-required"),
    (Keyword("became-optional", "requiredness", "change", _WIDENS, "became optional",
             "Readers rely on its being there."),
     "event-property-became-optional", "schema-property-became-optional"),
)  # fmt: skip


def _whys(effect: Effect | None, family: Family) -> str:
    writers, readers = ("producers", "subscribers") if family is EVENT else ("old data", "old readers")
    return {
        Effect.NARROWS: f"What {writers} wrote under the old version is refused."
        if family is EVENT
        else "Data written under the old version is refused.",
        Effect.WIDENS: f"{readers.capitalize()} meet values that they do not expect.",
        Effect.CHANGES: f"Some of what was written is refused, and {readers} meet values that they do not expect.",
        Effect.NONE: "No value is taken or refused for it.",
        None: "Whether something breaks could not be decided. Look at both.",
    }[effect]


def _level(keyword: Keyword, family: Family) -> Level:
    if keyword.effect is None:
        return Level.WARNING
    if keyword.effect.narrows:
        return Level.ERROR
    if keyword.effect.widens and family.both_ways:
        return Level.WARNING if keyword.kind in TOLERABLE else Level.ERROR
    return Level.INFO


def _row(id: str, keyword: Keyword, family: Family, subject: str) -> Rule:
    level = _level(keyword, family)
    return row(
        id,
        (Direction.NONE, family.area, keyword.kind, keyword.action),
        keyword.effect,
        f"{subject} {keyword.said}",
        keyword.why or _whys(keyword.effect, family),
        level=level,
        bump=Bump.MINOR if level is not Level.ERROR else Bump.MAJOR,
    )


_ROWS: Mapping[tuple[str, str, bool], tuple[Rule, Keyword]] = {
    **{
        (family.area, keyword.id, whole): (_row(f"{prefix}-{keyword.id}", keyword, family, subject), keyword)
        for family in (EVENT, DATA)
        for whole, prefix, subject in (
            (True, family.whole, family.whole_subject),
            (False, family.property, family.property_subject),
        )
        for keyword in (*KEYWORDS, *_MORE)
    },
    **{
        (family.area, keyword.id, False): (_row(id, keyword, family, family.property_subject), keyword)
        for keyword, *ids in _PROPERTIES
        for family, id in zip((EVENT, DATA), ids, strict=True)
    },
}
"""(area, kind of edit, whether it is about the whole) -> its row and its keyword."""

PAYLOADS: tuple[Rule, ...] = tuple(rule for rule, _ in _ROWS.values())

KEYWORD_OF: Mapping[str, Keyword] = {rule.id: keyword for rule, keyword in _ROWS.values()}
"""The keyword of each row."""


def payload_rule(family: Family, edit: SchemaEdit) -> Rule:
    """The row for an edit. What the kernel names in a way that has no row is told by what it does."""
    kind = edit.kind
    if kind == "property-added":
        kind = "required-property-added" if Mark.REQUIRED in edit.new_marks else "optional-property-added"
    elif kind == "property-removed" and Mark.DEPRECATED in edit.old_marks:
        kind = "property-removed-with-deprecation"
    elif kind == "became-required-with-default":
        kind = "became-required"
    whole = not edit.property
    known = _ROWS.get((family.area, kind, whole)) or _ROWS[family.area, _BY_EFFECT[edit.effect], whole]
    return known[0]
