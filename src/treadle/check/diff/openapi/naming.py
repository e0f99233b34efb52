"""What an edit of a schema is called at the place where it stands: the id of its row."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.openapi.text import text_effect
from treadle.check.diff.rule import Direction
from treadle.check.diff.rules.places import (
    PARAMETER,
    PARAMETER_PROPERTY,
    REQUEST_BODY,
    REQUEST_PROPERTY,
    RESPONSE_BODY,
    RESPONSE_HEADER,
    RESPONSE_HEADER_PROPERTY,
    RESPONSE_PROPERTY,
    Site,
)
from treadle.check.diff.rules.schemas import HIDDEN, KINDS_OF_EDITS, rule_id
from treadle.check.schema.edit import Effect, Mark, SchemaEdit
from treadle.check.schema.values import KINDS

INSIDE = {
    REQUEST_BODY: REQUEST_PROPERTY,
    PARAMETER: PARAMETER_PROPERTY,
    RESPONSE_BODY: RESPONSE_PROPERTY,
    RESPONSE_HEADER: RESPONSE_HEADER_PROPERTY,
}
"""Where something inside a schema stands, by where the schema stands."""

TYPES = frozenset({"type-changed", "type-generalized", "type-specialized"})


def rules_of(site: Site, edit: SchemaEdit, where: str = "") -> Iterator[str]:
    """The ids of an edit in a schema at `site`; `where` a parameter is sent. None for what cannot be there at all."""
    place = INSIDE[site] if edit.property else site
    if edit.kind in _PROPERTY:
        found = _PROPERTY[edit.kind](place, edit, where)
        if found:
            yield found
        return
    kind = _type(place, edit) if edit.kind in TYPES else _first_said(edit)
    if edit.hidden and (place, kind) in HIDDEN:
        yield HIDDEN[place, kind]
        return
    yield rule_id(place, kind if kind in KINDS_OF_EDITS else "undecided")
    if kind == "became-enum" and where == "header":
        yield "request-header-property-became-enum"


def effect_at(site: Site, edit: SchemaEdit) -> Effect:
    """What an edit does to the values at a place, as far as they are text there."""
    if edit.kind in TYPES and site in (PARAMETER, RESPONSE_HEADER) and not edit.property:
        on_the_wire = text_effect(edit.words)
        return edit.effect if on_the_wire is None else on_the_wire
    return edit.effect


def _type(place: Site, edit: SchemaEdit) -> str:
    if place is PARAMETER_PROPERTY:
        return _type_of_part(edit)
    if place in (PARAMETER, RESPONSE_HEADER):
        effect = effect_at(place, edit)
        if place is PARAMETER:
            return "type-changed" if effect.narrows else "type-generalized"
        return "type-specialized" if not effect.widens else _widened(edit, effect)
    return _widened(edit, edit.effect) if place.direction is Direction.RESPONSE else edit.kind


def _widened(edit: SchemaEdit, effect: Effect) -> str:
    """Oasdiff says of a response that its type was generalized only where the list of types grew."""
    if effect is Effect.NARROWS:
        return "type-specialized"
    return "type-generalized" if effect is Effect.WIDENS and _lists_more(edit) else "type-changed"


def _lists_more(edit: SchemaEdit) -> bool:
    """Whether the types are those of before and more, named one by one."""
    old, new = (set(edit.words.get(word, "").split(", ")) for word in ("old_type", "new_type"))
    more = old < new or (old - {"integer"} <= new and "number" in new)
    return more and len(new) < len(KINDS) and edit.words.get("dimension") == "type"


def _first_said(edit: SchemaEdit) -> str:
    """`minContains` is 1 where nothing is said; oasdiff says of another number that it was set."""
    if edit.kind in ("min-contains-increased", "min-contains-decreased"):
        for spot, verb in ((edit.old, "set"), (edit.new, "unset")):
            if not spot.pointer.endswith("/minContains"):
                return f"min-contains-{verb}"
    return edit.kind


def _type_of_part(edit: SchemaEdit) -> str:
    """A property of a parameter is text in one style and JSON in another: where they disagree, nobody can tell."""
    on_the_wire = text_effect(edit.words) or edit.effect
    if on_the_wire.narrows != edit.effect.narrows:
        return "type-changed"
    return "type-specialized" if edit.effect.narrows else "type-generalized"


def _added(place: Site, edit: SchemaEdit, where: str) -> str:
    need = "required" if Mark.REQUIRED in edit.new_marks else "optional"
    if place is REQUEST_PROPERTY:
        if Mark.READ_ONLY in edit.new_marks:
            return ""
        default = "-with-default" if need == "required" and Mark.DEFAULT in edit.new_marks else ""
        return f"new-{need}-request-property{default}"
    if place is RESPONSE_PROPERTY:
        return f"response-{need}-{_write_only(edit.new_marks)}property-added"
    if place is RESPONSE_HEADER_PROPERTY:
        return "response-header-property-added"
    return f"new-{need}-request-{'header' if where == 'header' and need == 'required' else 'parameter'}-property"


def _removed(place: Site, edit: SchemaEdit, _where: str) -> str:
    if place is REQUEST_PROPERTY:
        return "" if Mark.READ_ONLY in edit.old_marks else "request-property-removed"
    if place is RESPONSE_PROPERTY:
        need = "required" if Mark.REQUIRED in edit.old_marks else "optional"
        return f"response-{need}-{_write_only(edit.old_marks)}property-removed"
    return f"{place.prefix}-removed"


def _required(place: Site, edit: SchemaEdit, where: str) -> str:
    """`became-required`, with or without a default, and `became-optional`."""
    if place is REQUEST_PROPERTY:
        return "" if Mark.READ_ONLY in edit.new_marks else f"request-property-{edit.kind}"
    kind = edit.kind.removesuffix("-with-default")
    if place is RESPONSE_PROPERTY:
        return f"response-{_write_only(edit.new_marks)}property-{kind}"
    in_header = where == "header" and kind == "became-required"
    return f"request-header-property-{kind}" if in_header else f"{place.prefix}-{kind}"


def _mutability(place: Site, edit: SchemaEdit, _where: str) -> str:
    """Who writes and who reads a property; the words are about bodies only."""
    if place not in (REQUEST_PROPERTY, RESPONSE_PROPERTY):
        return ""
    always = Mark.REQUIRED in edit.old_marks and Mark.REQUIRED in edit.new_marks
    side = "request" if place.direction is Direction.REQUEST else "response"
    return f"{side}-{'required' if always else 'optional'}-property-{edit.kind}"


def _write_only(marks: frozenset[Mark]) -> str:
    return "write-only-" if Mark.WRITE_ONLY in marks else ""


_PROPERTY = {
    "property-added": _added,
    "property-removed": _removed,
    "became-required": _required,
    "became-required-with-default": _required,
    "became-optional": _required,
    "became-read-only": _mutability,
    "became-not-read-only": _mutability,
    "became-write-only": _mutability,
    "became-not-write-only": _mutability,
}
