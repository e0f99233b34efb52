"""No edit of a schema that may break somebody passes in silence, whatever keyword it is made with."""

import datetime as dt

import orjson
import pytest

from treadle.check.diff.change import Side
from treadle.check.diff.documents import compare_documents
from treadle.check.diff.modes import Mode, Policy, Promise
from treadle.check.diff.rule import Level
from treadle.contract.dialect import Family
from treadle.contract.library import Library

TEXT = {"type": "string"}
CARD = {"required": ["address"]}


def compare(family, old, new, promise):
    sides = [Side(Library({name: orjson.dumps(each)}), name) for name, each in (("old.json", old), ("new.json", new))]
    return compare_documents(*sides, family, promise, dt.date(2026, 1, 1))


def data(old, new, mode=Mode.BACKWARD):
    """What is said of two schemas, read by the letter."""
    return compare(Family.JSON_SCHEMA, old, new, Promise(mode, Policy.STRICT))


def event(old, new):
    """What is said of two events that producers and subscribers of both versions share."""
    documents = [
        {
            "asyncapi": "3.0.0",
            "info": {"title": "Orders", "version": "1.0.0", "x-treadle": {"owner": "sales"}},
            "channels": {"a": {"address": "a", "messages": {"A": {"payload": each}}}},
        }
        for each in (old, new)
    ]
    return compare(Family.ASYNCAPI, *documents, Promise())


def levels(comparison):
    return {each.level for each in comparison.changes} - {Level.INFO}


def inside(schema):
    """The same one level down, as a property."""
    return {"type": "object", "properties": {"part": schema}}


NARROWED = {
    "format": (TEXT, {**TEXT, "format": "email"}),
    "format changed": ({**TEXT, "format": "date"}, {**TEXT, "format": "email"}),
    "not": ({}, {"not": {"const": 1}}),
    "not changed": ({"not": {"const": 1}}, {"not": {"const": 2}}),
    "not, true for one": ({"not": {"const": 1}}, {"not": {"const": True}}),
    "allOf": (TEXT, {**TEXT, "allOf": [{"not": {"const": "x"}}]}),
    "one property twice": (
        {"properties": {"a": TEXT}},
        {"properties": {"a": TEXT}, "allOf": [{"properties": {"a": {"maxLength": 5}}}]},
    ),
    "many branches": ({"allOf": [{"minLength": 1}] * 99}, {"allOf": [{"minLength": n} for n in range(99)]}),
    "dependentRequired": ({}, {"dependentRequired": {"card": ["address"]}}),
    "dependentRequired more": (
        {"dependentRequired": {"card": ["address"]}},
        {"dependentRequired": {"card": ["address", "name"]}},
    ),
    "dependentSchemas": ({}, {"dependentSchemas": {"card": CARD}}),
    "if": ({}, {"if": {"required": ["card"]}, "then": CARD}),
    "then": ({"if": {"required": ["card"]}}, {"if": {"required": ["card"]}, "then": CARD}),
    "else": ({"if": {"required": ["card"]}}, {"if": {"required": ["card"]}, "else": CARD}),
    "propertyNames": ({}, {"propertyNames": {"maxLength": 3}}),
    "patternProperties": ({}, {"patternProperties": {"^x": TEXT}}),
    "patternProperties changed": ({"patternProperties": {"^x": TEXT}}, {"patternProperties": {"^x": {"type": "null"}}}),
    "unevaluatedProperties": ({}, {"unevaluatedProperties": False}),
    "unevaluatedItems": ({}, {"unevaluatedItems": False}),
    "additionalProperties": ({}, {"additionalProperties": TEXT}),
    "additionalProperties: false": ({}, {"additionalProperties": False}),
    "additionalProperties closed": ({"additionalProperties": TEXT}, {"additionalProperties": False}),
    "closed by a branch": (
        {"properties": {"a": TEXT}},
        {"properties": {"a": TEXT}, "allOf": [{"additionalProperties": False}]},
    ),
    "removed from what is closed": (
        {"properties": {"a": TEXT}, "additionalProperties": False},
        {"additionalProperties": False},
    ),
    "described, of another type than the rest": (
        {"additionalProperties": TEXT},
        {"properties": {"a": {"type": "integer"}}, "additionalProperties": TEXT},
    ),
    "contains": ({}, {"contains": TEXT}),
    "minContains": ({"contains": TEXT}, {"contains": TEXT, "minContains": 2}),
    "prefixItems": ({}, {"prefixItems": [TEXT]}),
    "prefixItems changed": ({"prefixItems": [TEXT]}, {"prefixItems": [{"type": "null"}]}),
    "items": ({}, {"items": TEXT}),
    "items: false": ({}, {"items": False}),
    "items closed": ({"items": TEXT}, {"items": False}),
    "property closed": ({"properties": {"a": TEXT}}, {"properties": {"a": False}}),
    "property forbidden": ({}, {"properties": {"a": False}}),
    "property described": ({"required": ["a"]}, {"required": ["a"], "properties": {"a": TEXT}}),
    "false": (TEXT, False),
    "false for anything": (True, False),
    "true": (True, TEXT),
    "const": ({"const": True}, {"const": 1}),
    "enum": ({"enum": [0, 1]}, {"enum": [False, True]}),
    "a pattern and a bound": ({"pattern": "^A", "maxLength": 5}, {"pattern": "^AB", "maxLength": 3}),
    "beside a reference": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "minLength": 5, "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ),
    "behind a reference": (
        {"not": {"$ref": "#/$defs/A"}, "$defs": {"A": {"const": 1}}},
        {"not": {"$ref": "#/$defs/A"}, "$defs": {"A": {"const": 2}}},
    ),
    "anyOf": ({}, {"anyOf": [TEXT, {"type": "null"}]}),
    "anyOf of a branch": ({"allOf": [{}]}, {"allOf": [{"anyOf": [TEXT, {"type": "null"}]}]}),
    "a property of an alternative": (
        {"properties": {"b": TEXT}, "anyOf": [{"required": ["a"]}, {"required": ["c"]}]},
        {
            "properties": {"b": TEXT},
            "anyOf": [{"required": ["a"], "properties": {"b": {"maxLength": 3}}}, {"required": ["c"]}],
        },
    ),
    "contentMediaType": (TEXT, {**TEXT, "contentMediaType": "application/pdf"}),
}


@pytest.mark.parametrize("edit", NARROWED, ids=str)
def test_what_takes_less_breaks(edit):
    old, new = NARROWED[edit]
    assert not data(old, new).backward
    if "$defs" not in str(old):
        assert not data(inside(old), inside(new)).backward


UNDECLARED_BEFORE = {"property forbidden", "removed from what is closed", "a property of an alternative"}
"""Tolerant readers and writers do not send what is not declared."""


@pytest.mark.parametrize(
    "edit", sorted(each for each in NARROWED.keys() - UNDECLARED_BEFORE if "$defs" not in str(NARROWED[each])), ids=str
)
def test_what_takes_less_breaks_events(edit):
    old, new = NARROWED[edit]
    assert levels(event(old, new))
    assert levels(event(inside(old), inside(new)))


@pytest.mark.parametrize("edit", NARROWED, ids=str)
def test_what_may_be_more_breaks_those_who_read(edit):
    """The same edits the other way round, as seen by readers of the old version."""
    new, old = NARROWED[edit]
    assert not data(old, new, Mode.FORWARD).compatible


HARMLESS = {
    "annotations": (
        {"type": "string", "title": "a"},
        {"type": "string", "description": "b", "examples": ["x"], "x-treadle": {"subject": True}},
    ),
    "annotations below": ({"not": {"title": "a", "const": 1}}, {"not": {"const": 1}}),
    "type of an enumeration": ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    "type of an enumeration, dropped": ({"type": "string", "enum": ["a", "b"]}, {"enum": ["a", "b"]}),
    "type of a constant": ({"const": 1}, {"type": "integer", "const": 1}),
    "type number of integers": ({"enum": [1, 2]}, {"type": "number", "enum": [1, 2.0]}),
    "bound that listed values keep": ({"enum": ["a"]}, {"enum": ["a"], "maxLength": 5}),
    "one allOf": ({**TEXT, "maxLength": 5}, {"allOf": [{**TEXT, "maxLength": 5}]}),
    "one anyOf": ({"anyOf": [{**TEXT, "not": {"const": "x"}}]}, {**TEXT, "not": {"const": "x"}}),
    "one oneOf": ({"oneOf": [inside(TEXT)]}, inside(TEXT)),
    "true": ({"items": {}, "additionalProperties": {}}, {"items": True, "additionalProperties": True}),
    "order": ({"not": {"enum": [1, 2]}}, {"not": {"enum": [2.0, 1]}}),
    "then without if": ({}, {"then": {"required": ["a"]}}),
    "items written out": ({"items": TEXT}, {"prefixItems": [TEXT], "items": TEXT}),
    "alternatives in another order": (
        {"oneOf": [{"not": {"const": 1}}, {"not": {"const": 2}}]},
        {"oneOf": [{"not": {"const": 2}}, {"not": {"const": 1}}]},
    ),
    "a property in a branch": (inside(TEXT), {"type": "object", "allOf": [{"properties": {"part": TEXT}}]}),
}


@pytest.mark.parametrize("edit", HARMLESS, ids=str)
def test_what_says_the_same_passes(edit):
    old, new = HARMLESS[edit]
    for comparison in (data(old, new), data(inside(old), inside(new)), event(inside(old), inside(new))):
        assert (levels(comparison), comparison.backward, comparison.forward) == (set(), True, True)
        assert comparison.verdict.required <= 1


def test_a_wider_format_is_wider():
    old, new = {"type": "integer", "format": "int32"}, {"type": "integer", "format": "int64"}
    assert levels(event(old, new)) == {Level.WARNING}
    assert levels(event(new, old)) == {Level.ERROR}


def test_policies_part_over_a_property_added_to_an_open_object():
    old, new = inside(TEXT), {"type": "object", "properties": {"part": TEXT, "more": TEXT}}
    assert not data(old, new).backward
    tolerant = compare(Family.JSON_SCHEMA, old, new, Promise(Mode.FULL, Policy.EVOLUTION))
    assert (tolerant.compatible, tolerant.backward, tolerant.forward) == (True, True, True)
