"""Answers about two schemas: yes, no with a value, or not known."""

import pytest
from jsonschema_rs import Draft202012Validator
from tests.check.schema.versions import Versions

from treadle.check.schema.contains import Answer, contains
from treadle.check.schema.judge import Policy

LIST = {"type": "object", "required": ["v"], "properties": {"v": {"maximum": 3}, "next": {"$ref": "#"}}}


def ask(inner, outer, policy=Policy.STRICT):
    versions = Versions(inner, outer, policy)
    return contains(versions.sides, outer=versions.new, inner=versions.old)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (False, {"type": "string"}),
        ({"enum": [1, "a"]}, {"type": ["integer", "string"], "maximum": 5}),
        ({"anyOf": [{"type": "string"}, {"const": 1}]}, {"type": ["string", "integer"]}),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": ["null", "boolean"]}]}),
        ({"const": "cat"}, {"oneOf": [{"const": "cat"}, {"const": "dog"}]}),
        ({"type": "integer"}, {"not": {"type": "string"}}),
        ({"not": {"type": ["string", "null"]}}, {"not": {"type": "string"}}),
        (LIST, {**LIST, "properties": {"v": {"maximum": 4}, "next": {"$ref": "#"}}}),
        (
            {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
            {"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False},
        ),
    ],
)
def test_yes(inner, outer):
    assert ask(inner, outer).answer is Answer.YES


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ({"type": "integer"}, {"type": "integer", "maximum": 7}),
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({**LIST, "properties": {"v": {"maximum": 4}, "next": {"$ref": "#"}}}, LIST),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"oneOf": [{"type": "string"}, {"maxLength": 2}]}),
        ({"type": "array"}, {"type": "array", "uniqueItems": True}),
        ({"type": "object"}, {"properties": {"a": {"type": "string"}}}),
    ],
)
def test_no_and_why(inner, outer):
    found = ask(inner, outer)
    assert found.answer is Answer.NO
    (value,) = found.witness
    assert Draft202012Validator(inner).is_valid(value)
    assert not Draft202012Validator(outer).is_valid(value)


def test_unknown():
    same = {"type": "string", "pattern": "^[ab]+$"}, {"type": "string", "pattern": "^[ba]+$"}
    assert ask(*same).answer is Answer.UNKNOWN


def test_a_new_optional_property_is_allowed_where_schemas_evolve():
    old, new = {"type": "object"}, {"type": "object", "properties": {"a": {"type": "string"}}}
    assert ask(old, new, Policy.EVOLUTION).answer is Answer.YES
    assert ask(old, new, Policy.STRICT).answer is Answer.NO


def test_a_schema_that_is_only_itself_proves_nothing():
    endless = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}, "b": {"type": "null"}},
    }
    assert ask({"type": "string"}, endless).answer is not Answer.YES
