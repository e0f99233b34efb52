"""What says the same has one hash, and what does not has another."""

import pytest
from tests.check.schema.versions import DIALECT, FILE, source

from treadle.check.schema.digest import digest
from treadle.contract.dialect import Dialect, Family

X = {"x": {"type": "string", "maxLength": 3}}


def hash_of(document, dialect=DIALECT, more=None):
    version = source(document, dialect, more)
    return digest(version.part((version.references.library.root(FILE),)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"const": 1}, {"enum": [1.0]}),
        ({"type": ["string"]}, {"type": "string", "title": "t", "x-a": 1}),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": X}, {"properties": {"a": X["x"]}}),
        ({"$ref": "#/$defs/x", "$defs": X}, {"$ref": "#/definitions/y", "definitions": {"y": X["x"]}}),
        ({"allOf": [{"maxLength": 5}, {"maxLength": 4, "minLength": 0}]}, {"maxLength": 4}),
        (
            {"allOf": [{"properties": {"a": X["x"]}}], "required": ["b", "a"]},
            {"properties": {"a": X["x"]}, "required": ["a", "b"]},
        ),
        ({"anyOf": [X["x"]]}, X["x"]),
        ({"oneOf": [False, X["x"]]}, X["x"]),
        ({"anyOf": [{"type": "null"}, X["x"]]}, {"type": ["string", "null"], "maxLength": 3}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": ["integer", "string"]}),
        ({"type": "string", "minimum": 3, "items": {}}, {"type": "string"}),
        ({"additionalProperties": True, "uniqueItems": False}, {}),
        (
            {"properties": {"n": {"$ref": "#"}}},
            {"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}},
        ),
        (
            {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
            {"properties": {"a": {}}, "additionalProperties": False},
        ),
        ({"minimum": 3, "exclusiveMinimum": 3}, {"exclusiveMinimum": 3}),
    ],
)
def test_the_same(one, other):
    assert hash_of(one) == hash_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"const": 1}, {"const": True}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "null"}]},
            {"prefixItems": [{"type": "null"}, {"type": "string"}]},
        ),
        ({"properties": {"n": {"$ref": "#"}}}, {"properties": {"n": {"properties": {"n": {"type": "null"}}}}}),
        (
            {"properties": {"n": {"$ref": "#"}}, "required": ["n"]},
            {"properties": {"n": {"properties": {"n": {"$ref": "#"}}}}, "required": ["n"]},
        ),
        ({"oneOf": [X["x"], X["x"]]}, X["x"]),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, {"type": "number"}),
        (
            {"allOf": [{"additionalProperties": False}], "properties": {"a": {}}},
            {"additionalProperties": False, "properties": {"a": {}}},
        ),
        (
            {"$dynamicRef": "#a", "$defs": {"b": {"$dynamicAnchor": "a"}}},
            {"$dynamicRef": "#a", "$defs": {"b": {"$dynamicAnchor": "a", "type": "null"}}},
        ),
    ],
)
def test_not_the_same(one, other):
    assert hash_of(one) != hash_of(other)


def test_each_dialect_is_read_by_its_own_rules():
    old, modern = Dialect(Family.JSON_SCHEMA, "4"), DIALECT
    assert hash_of({"maximum": 3, "exclusiveMaximum": True}, old) == hash_of({"exclusiveMaximum": 3}, modern)
    assert hash_of({"items": [X["x"]], "additionalItems": False}, old) == hash_of(
        {"prefixItems": [X["x"]], "items": False}, modern
    )
    assert hash_of({"const": 3}, old) == hash_of({}, modern), "draft 4 has no const"
    assert hash_of({"$ref": "#/definitions/x", "minLength": 9, "definitions": X}, old) == hash_of(X["x"], modern)
    nullable = {"openapi": "3.0.3", "type": "string", "maxLength": 3, "nullable": True}
    assert hash_of(nullable, None) == hash_of({"type": ["string", "null"], "maxLength": 3})


def test_a_reference_into_another_file():
    assert hash_of({"$ref": "more/x.json#/x"}, more={"more/x.json": X}) == hash_of(X["x"])


def test_a_reference_that_leads_nowhere_is_like_itself_only():
    assert hash_of({"$ref": "#/nothing"}) == hash_of({"$ref": "#/nothing"})
    assert hash_of({"$ref": "#/nothing"}) != hash_of({"$ref": "#/nowhere"}) != hash_of({})
