"""No edit that may break somebody passes in silence, whatever keyword it is made with."""

import pytest

from treadle.check.compat.bodies import Pairs, compare_schemas
from treadle.check.compat.flow import EVENT, PARAMETER, REQUEST, RESPONSE
from treadle.check.compat.verdicts import BY_ID, Level

TEXT = {"type": "string"}
CARD = {"required": ["address"]}


def levels(flow, old, new, *, most=1000):
    found = compare_schemas(
        flow, old, new, pairs=Pairs(most), old_at="", new_at="", words={"what": "it", "where": "query"}
    )
    said = [(BY_ID[each.id], each.words) for each in found]
    assert all(verdict.message.format_map(words) for verdict, words in said)
    return {verdict.level for verdict, _ in said} - {Level.NOTE}


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
    "dependencies": ({}, {"dependencies": {"card": ["address"]}}),
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
    "a keyword of some engine": ({}, {"maxDepth": 3}),
}


@pytest.mark.parametrize("edit", NARROWED, ids=str)
@pytest.mark.parametrize("flow", [REQUEST, EVENT, PARAMETER], ids=["request", "event", "parameter"])
def test_what_takes_less_blocks(flow, edit):
    old, new = NARROWED[edit]
    assert Level.BLOCK in levels(flow, old, new)
    if "$defs" not in str(old):
        assert Level.BLOCK in levels(flow, inside(old), inside(new))


IMPOSSIBLE_BEFORE = {"false", "false for anything", "property forbidden", "property closed"}
A_NEW_PROPERTY = {"removed from what is closed"}


@pytest.mark.parametrize("edit", sorted(NARROWED.keys() - IMPOSSIBLE_BEFORE - A_NEW_PROPERTY), ids=str)
def test_what_may_be_more_is_said_to_readers(edit):
    """The same edits the other way round, as seen by those who read."""
    new, old = NARROWED[edit]
    assert levels(RESPONSE, old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"items": TEXT}, {"items": False}),
        ({"additionalProperties": TEXT}, {"additionalProperties": False}),
        ({"properties": {"a": TEXT}}, {"properties": {"a": False}}),
        (TEXT, False),
        ({**TEXT, "format": "date"}, {**TEXT, "format": "email"}),
        ({"required": ["a"], "properties": {"a": TEXT}}, {"required": ["a"]}),
        ({"additionalProperties": TEXT}, {}),
        ({"items": TEXT}, {}),
    ],
)
def test_what_readers_lose_blocks(old, new):
    assert Level.BLOCK in levels(RESPONSE, old, new)
    assert Level.BLOCK in levels(RESPONSE, inside(old), inside(new))


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
@pytest.mark.parametrize("flow", [REQUEST, RESPONSE, EVENT, PARAMETER])
def test_what_says_the_same_passes(flow, edit):
    old, new = HARMLESS[edit]
    assert levels(flow, old, new) == set()
    assert levels(flow, inside(old), inside(new)) == set()


def test_a_wider_format_is_wider():
    old, new = {"type": "integer", "format": "int32"}, {"type": "integer", "format": "int64"}
    assert levels(REQUEST, old, new) == set()
    assert levels(EVENT, old, new) == {Level.WARN}
    assert levels(EVENT, new, old) == {Level.BLOCK}


def test_alternatives_that_may_overlap_are_pointed_at():
    kinds = [{"type": "object", "required": ["k"], "properties": {"k": {"const": at}}} for at in range(3)]
    assert levels(REQUEST, {"oneOf": kinds[:2]}, {"oneOf": kinds}) == set()
    more = [*kinds[:2], {"type": "object"}]
    assert levels(REQUEST, {"oneOf": kinds[:2]}, {"oneOf": more}) == {Level.WARN}


def test_what_is_too_much_to_compare_is_not_passed():
    """Branches that add to one property make a pair for each set of them."""
    names = [f"N{at}" for at in range(12)]
    definitions = {
        name: {
            "properties": {
                "a": {"allOf": [{"$ref": f"#/$defs/{each}"} for each in (name, names[at - 1])]},
                "b": {"$ref": f"#/$defs/{names[at - 3]}"},
            }
        }
        for at, name in enumerate(names)
    }
    old = {"$ref": "#/$defs/N0", "title": "old", "$defs": definitions}
    new = {"$ref": "#/$defs/N0", "$defs": {**definitions, "N5": {**definitions["N5"], "minProperties": 1}}}
    assert levels(EVENT, old, new, most=5) == {Level.BLOCK, Level.WARN}
    assert levels(RESPONSE, old, new, most=5) == {Level.WARN}
    assert levels(EVENT, old, new, most=100_000) == {Level.BLOCK}
