"""What an edit of a schema is called at the place where it stands: the id of its row."""

from __future__ import annotations

from collections.abc import Iterator

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
from treadle.check.diff.rules.schemas import rule_id
from treadle.check.schema.edit import Mark, SchemaEdit

INSIDE = {
    REQUEST_BODY: REQUEST_PROPERTY,
    PARAMETER: PARAMETER_PROPERTY,
    RESPONSE_BODY: RESPONSE_PROPERTY,
    RESPONSE_HEADER: RESPONSE_HEADER_PROPERTY,
}
"""Where something inside a schema stands, by where the schema stands."""

_SAID_BROADER = {
    # What oasdiff has one word for, whichever way it goes
    (REQUEST_BODY, "type-specialized"): "type-changed",
    (REQUEST_PROPERTY, "type-specialized"): "type-changed",
    (PARAMETER, "type-specialized"): "type-changed",
    (REQUEST_BODY, "multiple-of-specialized"): "multiple-of-changed",
    (REQUEST_PROPERTY, "multiple-of-specialized"): "multiple-of-changed",
    (RESPONSE_BODY, "multiple-of-generalized"): "multiple-of-changed",
    (RESPONSE_PROPERTY, "multiple-of-generalized"): "multiple-of-changed",
}


def rules_of(site: Site, edit: SchemaEdit, where: str = "") -> Iterator[str]:
    """The ids of an edit in a schema at `site`; `where` a parameter is sent. None for what cannot be there at all."""
    place = INSIDE[site] if edit.property else site
    if edit.kind in _PROPERTY:
        found = _PROPERTY[edit.kind](place, edit, where)
        if found:
            yield found
        return
    yield rule_id(place, _SAID_BROADER.get((place, edit.kind), edit.kind))
    if edit.kind == "became-enum" and where == "header":
        yield "request-header-property-became-enum"


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
    if place is REQUEST_PROPERTY and Mark.READ_ONLY in edit.new_marks:
        return ""
    if place is RESPONSE_PROPERTY:
        return f"response-{_write_only(edit.new_marks)}property-{edit.kind.removesuffix('-with-default')}"
    if place is REQUEST_PROPERTY:
        return f"request-property-{edit.kind}"
    kind = edit.kind.removesuffix("-with-default")
    return (
        f"request-header-property-{kind}"
        if where == "header" and kind == "became-required"
        else f"{place.prefix}-{kind}"
    )


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
