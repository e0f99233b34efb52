"""Rows about schemas: each kind of edit, at each place where a schema may stand.

One line below is one kind of edit; `SCHEMAS` has a row for it at every place. What it means follows from the law: less
taken breaks those who send, more given breaks those who read. `TOLD_OTHERWISE` names the few that depart from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from treadle.check.diff.rule import Level, Rule, row
from treadle.check.diff.rules.bounds import BOUNDS
from treadle.check.diff.rules.keyword import Keyword
from treadle.check.diff.rules.places import (
    PARAMETER,
    REQUEST_BODY,
    REQUEST_PROPERTY,
    RESPONSE_BODY,
    RESPONSE_PROPERTY,
    SITES,
    Site,
)
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_NONE, _NARROWS, _WIDENS, _CHANGES = Effect.NONE, Effect.NARROWS, Effect.WIDENS, Effect.CHANGES

KEYWORDS: tuple[Keyword, ...] = (
    *BOUNDS,
    # Types
    Keyword("type-changed", "type", "change", _CHANGES, "changed its type from {old} to {new}"),
    Keyword("type-generalized", "type", "generalize", _WIDENS, "may be more than before: {new} instead of {old}"),
    Keyword("type-specialized", "type", "specialize", _NARROWS, "may be less than before: {new} instead of {old}"),
    Keyword("list-of-types-widened", "type", "add", _WIDENS, "may also be {name}"),
    Keyword("list-of-types-narrowed", "type", "remove", _NARROWS, "may no longer be {name}"),
    Keyword("became-nullable", "requiredness", "change", _WIDENS, "may be null"),
    Keyword("became-not-nullable", "requiredness", "change", _NARROWS, "may no longer be null"),
    Keyword("schema-became-false", "existence", "remove", _NARROWS, "takes no value at all"),
    Keyword("schema-became-not-false", "existence", "add", _WIDENS, "takes values, and took none before"),
    # Values
    Keyword("enum-value-added", "values", "add", _WIDENS, "may also be {new}"),
    Keyword("enum-value-removed", "values", "remove", _NARROWS, "may no longer be {old}"),
    Keyword("became-enum", "values", "change", _NARROWS, "takes listed values only: {new}"),
    Keyword("became-not-enum", "values", "change", _WIDENS, "takes other values than the listed ones"),
    Keyword("const-added", "values", "add", _NARROWS, "is now always {new}"),
    Keyword("const-removed", "values", "remove", _WIDENS, "is no longer always {old}"),
    Keyword("const-changed", "values", "change", _CHANGES, "is now always {new}, and was always {old}"),
    Keyword("default-value-added", "values", "add", _NONE, "means {new} where it is absent"),
    Keyword("default-value-removed", "values", "remove", _NONE, "no longer means {old} where it is absent"),
    Keyword("default-value-changed", "values", "change", _NONE, "means {new}, not {old}, where it is absent"),
    Keyword("x-extensible-enum-value-added", "values", "add", _WIDENS, "may also be {new}"),
    Keyword("x-extensible-enum-value-removed", "values", "remove", _NARROWS, "may no longer be {old}"),
    # Text
    Keyword("pattern-added", "constraints", "add", _NARROWS, "must match `{new}`"),
    Keyword("pattern-removed", "constraints", "remove", _WIDENS, "need no longer match `{old}`"),
    Keyword("pattern-changed", "constraints", "change", None, "must match `{new}`, not `{old}`"),
    Keyword(
        "pattern-generalized", "constraints", "generalize", _WIDENS, "must match `{new}`, which is more than `{old}`"
    ),
    Keyword("content-media-type-changed", "type", "change", _CHANGES, "holds {new}, not {old}"),
    Keyword("content-encoding-changed", "type", "change", _CHANGES, "is encoded as {new}, not {old}"),
    Keyword("content-schema-added", "existence", "add", _NARROWS, "was given a schema for what it holds"),
    Keyword("content-schema-removed", "existence", "remove", _WIDENS, "lost the schema of what it holds"),
    # Lists
    Keyword("unique-items-set", "constraints", "set", _NARROWS, "may no longer hold an item twice"),
    Keyword("unique-items-unset", "constraints", "unset", _WIDENS, "may hold an item twice"),
    Keyword("contains-added", "structure", "add", _NARROWS, "must hold a certain item"),
    Keyword("contains-removed", "structure", "remove", _WIDENS, "need no longer hold a certain item"),
    Keyword("prefix-items-added", "structure", "add", None, "says what one of its first items is: {name}"),
    Keyword(
        "prefix-items-removed", "structure", "remove", None, "no longer says what one of its first items is: {name}"
    ),
    Keyword("contains-changed", "structure", "change", _CHANGES, "must hold another certain item"),
    Keyword("items-added", "structure", "add", _NARROWS, "says what its items are"),
    Keyword("items-removed", "structure", "remove", _WIDENS, "no longer says what its items are"),
    Keyword("unevaluated-items-added", "structure", "add", _NARROWS, "says what its remaining items are"),
    Keyword("unevaluated-items-removed", "structure", "remove", _WIDENS, "no longer says what its remaining items are"),
    # Objects
    Keyword("pattern-property-added", "constraints", "add", _NARROWS, "says what properties like `{name}` are"),
    Keyword(
        "pattern-property-removed", "constraints", "remove", _WIDENS, "no longer says what properties like `{name}` are"
    ),
    Keyword("additional-properties-added", "structure", "add", _NARROWS, "says what its undeclared properties are"),
    Keyword(
        "additional-properties-removed",
        "structure",
        "remove",
        _WIDENS,
        "no longer says what its undeclared properties are",
    ),
    Keyword(
        "additional-properties-changed", "structure", "change", None, "says something else of its undeclared properties"
    ),
    Keyword("property-names-added", "structure", "add", _NARROWS, "says what its properties may be named"),
    Keyword(
        "property-names-removed", "structure", "remove", _WIDENS, "no longer says what its properties may be named"
    ),
    Keyword("unevaluated-properties-added", "structure", "add", _NARROWS, "says what its remaining properties are"),
    Keyword(
        "unevaluated-properties-removed",
        "structure",
        "remove",
        _WIDENS,
        "no longer says what its remaining properties are",
    ),
    Keyword("dependent-required-added", "structure", "add", _NARROWS, "asks for more where it holds `{name}`"),
    Keyword("dependent-required-removed", "structure", "remove", _WIDENS, "asks for less where it holds `{name}`"),
    Keyword(
        "dependent-required-changed", "structure", "change", _CHANGES, "asks for something else where it holds `{name}`"
    ),
    Keyword("dependent-schema-added", "structure", "add", _NARROWS, "must fit a schema where it holds `{name}`"),
    Keyword(
        "dependent-schema-removed",
        "structure",
        "remove",
        _WIDENS,
        "need no longer fit a schema where it holds `{name}`",
    ),
    # Alternatives
    Keyword("all-of-added", "structure", "add", _NARROWS, "must also fit {name}"),
    Keyword("all-of-removed", "structure", "remove", _WIDENS, "need no longer fit {name}"),
    Keyword("all-of-added-annotation-only", "structure", "add", _NONE, "was given words only: {name}"),
    Keyword("all-of-removed-annotation-only", "structure", "remove", _NONE, "lost words only: {name}"),
    Keyword("any-of-added", "structure", "add", _WIDENS, "may also fit {name}"),
    Keyword("any-of-removed", "structure", "remove", _NARROWS, "may no longer fit {name}"),
    Keyword("one-of-added", "structure", "add", _WIDENS, "may also fit {name}"),
    Keyword("one-of-removed", "structure", "remove", _NARROWS, "may no longer fit {name}"),
    Keyword("wrapped-in-one-of", "structure", "change", _CHANGES, "became a choice between objects"),
    Keyword("unwrapped-from-one-of", "structure", "change", _CHANGES, "was a choice between objects"),
    Keyword(
        "wrapped-in-one-of-original-preserved",
        "structure",
        "change",
        None,
        "became a choice, one of which is the old schema",
    ),
    Keyword("one-of-overlap", "structure", "change", None, "is a choice whose alternatives may overlap"),
    Keyword("not-added", "structure", "add", _NARROWS, "may no longer fit a certain schema"),
    Keyword("not-removed", "structure", "remove", _WIDENS, "may fit a schema that was excluded"),
    Keyword("not-changed", "structure", "change", None, "may no longer fit another schema than before"),
    Keyword("undecided", "structure", "change", None, "says something else by `{name}`"),
    Keyword("if-changed", "structure", "change", None, "was given another condition"),
    Keyword("if-added", "structure", "add", _NARROWS, "was given a condition"),
    Keyword("if-removed", "structure", "remove", _WIDENS, "lost its condition"),
    Keyword("then-added", "structure", "add", _NARROWS, "must fit a schema where its condition holds"),
    Keyword("then-removed", "structure", "remove", _WIDENS, "need no longer fit a schema where its condition holds"),
    Keyword("else-added", "structure", "add", _NARROWS, "must fit a schema where its condition does not hold"),
    Keyword(
        "else-removed", "structure", "remove", _WIDENS, "need no longer fit a schema where its condition does not hold"
    ),
    Keyword("discriminator-added", "structure", "add", _NONE, "is told apart by `{name}`"),
    Keyword("discriminator-removed", "structure", "remove", _NONE, "is no longer told apart by `{name}`"),
    Keyword(
        "discriminator-property-name-changed", "structure", "change", _NONE, "is told apart by `{new}`, not by `{old}`"
    ),
    Keyword("discriminator-mapping-added", "structure", "add", _NONE, "knows a kind more: {name}"),
    Keyword("discriminator-mapping-deleted", "structure", "remove", _NONE, "knows a kind less: {name}"),
    Keyword("discriminator-mapping-changed", "structure", "change", _NONE, "means something else by the kind {name}"),
)

KINDS_OF_EDITS = frozenset(keyword.id for keyword in KEYWORDS)


@dataclass(frozen=True, slots=True)
class Departure:
    """A level that the law does not give, and why. `differs` is said where oasdiff gives another one."""

    level: Level
    why: str
    differs: str = ""


_DEFAULT = Departure(
    Level.ERROR,
    "A call without the parameter now means something else, though no caller changed a thing.",
    "oasdiff says info in some versions: what the same call does is part of the contract.",
)
_FIRST_ITEMS = Departure(
    Level.ERROR,
    "A tuple is another thing with another length; what the remaining items are decides what is refused.",
    "oasdiff says info or warning, by version: readers of tuples count on their places.",
)
_KNOWN = Departure(Level.ERROR, "The list says what is known today, and a server refuses what it does not know.")
_LOOSER = Departure(
    Level.WARNING,
    "Nobody is refused, but what the part said may have been the only check of it.",
    "oasdiff says info in some versions.",
)

TOLD_OTHERWISE: dict[str, Departure] = {
    "request-parameter-default-value-added": _DEFAULT,
    "request-parameter-default-value-changed": _DEFAULT,
    "request-parameter-default-value-removed": _DEFAULT,
    "request-body-prefix-items-removed": _FIRST_ITEMS,
    "request-property-prefix-items-removed": _FIRST_ITEMS,
    "response-body-prefix-items-added": _FIRST_ITEMS,
    "response-property-prefix-items-added": _FIRST_ITEMS,
    "response-header-schema-became-false": Departure(Level.INFO, "The header can no longer come."),
    "response-body-schema-became-false": Departure(Level.ERROR, "No response can be given any more."),
    "response-body-schema-became-not-false": Departure(Level.INFO, "No response could be given before."),
    "request-body-all-of-removed": _LOOSER,
    "request-property-all-of-removed": _LOOSER,
    "request-body-x-extensible-enum-value-removed": _KNOWN,
    "request-property-x-extensible-enum-value-removed": _KNOWN,
    "request-parameter-x-extensible-enum-value-removed": _KNOWN,
    "request-parameter-property-x-extensible-enum-value-removed": _KNOWN,
    "request-parameter-property-type-changed": Departure(
        Level.WARNING, "How a property of a parameter is written decides whether anybody notices."
    ),
}

_NARROWED = {
    True: "A value that the old contract allows is refused.",
    False: "Readers meet fewer values than before, all of them known.",
}
_WIDENED = {
    True: "Every value that the old contract allows is taken as before.",
    False: "Readers meet values that the old contract excludes.",
}


_BODIES = (REQUEST_BODY, REQUEST_PROPERTY, RESPONSE_BODY, RESPONSE_PROPERTY)
_REQUESTS = (REQUEST_BODY, REQUEST_PROPERTY, PARAMETER)

SAID_BROADER: dict[tuple[Site, str], str] = {
    # (place, kind): what oasdiff says for it, having no word that says which way it goes
    **{(place, "type-specialized"): "type-changed" for place in _REQUESTS},
    **{(place, "multiple-of-specialized"): "multiple-of-changed" for place in _REQUESTS},
    **{(place, "multiple-of-generalized"): "multiple-of-changed" for place in (RESPONSE_BODY, RESPONSE_PROPERTY)},
    **{(place, "pattern-generalized"): "pattern-changed" for place in (RESPONSE_BODY, RESPONSE_PROPERTY)},
    **{(place, "unwrapped-from-one-of"): "one-of-removed" for place in _BODIES},
    **{
        (place, f"wrapped-in-one-of{kept}"): "one-of-added"
        for place in (REQUEST_PROPERTY, RESPONSE_PROPERTY)
        for kept in ("", "-original-preserved")
    },
}


HIDDEN: dict[tuple[Site, str], str] = {
    # What oasdiff says of a property that does not travel at all: read-only in a request, write-only in a response
    **{
        (REQUEST_PROPERTY, kind): f"request-read-only-property-{kind}"
        for kind in (
            "enum-value-removed",
            "max-decreased",
            "exclusive-max-decreased",
            "max-length-decreased",
            "max-items-decreased",
            "max-properties-decreased",
            "min-increased",
            "exclusive-min-increased",
        )
    },
    (RESPONSE_PROPERTY, "enum-value-added"): "response-write-only-property-enum-value-added",
}


def rule_id(site: Site, kind: str) -> str:
    """The id of a kind of edit at a place. oasdiff says `response-mediatype` of the values of a whole response."""
    kind = SAID_BROADER.get((site, kind), kind)
    if site is RESPONSE_BODY and kind in ("enum-value-added", "enum-value-removed", "became-enum", "became-not-enum"):
        return f"response-mediatype-{kind}"
    return f"{site.prefix}-{kind}"


def _row(site: Site, keyword: Keyword) -> Rule:
    id = rule_id(site, keyword.id)
    effect = keyword.effect
    departure = TOLD_OTHERWISE.get(id)
    return row(
        id,
        (site.direction, site.area, keyword.kind, keyword.action),
        effect,
        f"{site.subject} {keyword.said}",
        departure.why if departure else _why(keyword, effect, site),
        level=departure.level if departure else None,
        bump=Bump.MINOR if effect is Effect.NONE and not departure else None,
        differs=departure.differs if departure else "",
    )


def _why(keyword: Keyword, effect: Effect | None, site: Site) -> str:
    request = site.direction.value == "request"
    if keyword.why:
        return keyword.why
    if effect is Effect.NARROWS:
        return _NARROWED[request]
    if effect is Effect.WIDENS:
        return _WIDENED[request]
    if effect is Effect.CHANGES:
        return "Some values that the old contract allows are refused, and some come that it excludes."
    if effect is None:
        return "Whether a value of the old contract is refused could not be decided. Look at both."
    return "No value is taken or refused for it."


def _hidden_row(site: Site, keyword: Keyword) -> Rule:
    return row(
        HIDDEN[site, keyword.id],
        (site.direction, site.area, keyword.kind, keyword.action),
        Effect.NONE,
        f"{site.subject} {keyword.said}",
        "The property does not travel this way, so nobody meets the change.",
        bump=Bump.MINOR,
    )


SCHEMAS: tuple[Rule, ...] = (
    *(_row(site, keyword) for site in SITES for keyword in KEYWORDS if (site, keyword.id) not in SAID_BROADER),
    *(_hidden_row(site, keyword) for site in SITES for keyword in KEYWORDS if (site, keyword.id) in HIDDEN),
)
