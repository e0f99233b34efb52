"""Schemas that mean harm: each comparison ends, and says what was not decided rather than nothing."""

import pytest
from tests.check.schema.versions import Versions


def nested(keyword, wrap, depth, end):
    schema = end
    for _ in range(depth):
        schema = {keyword: wrap(schema), **({"then": False} if keyword == "if" else {})}
    return schema


@pytest.mark.parametrize(
    ("keyword", "wrap"),
    [
        ("properties", lambda each: {"a": each}),
        ("items", lambda each: each),
        ("not", lambda each: each),
        ("allOf", lambda each: [each]),
        ("anyOf", lambda each: [each, {"type": "null"}]),
        ("oneOf", lambda each: [each, {"type": "object", "required": ["a"]}]),
        ("if", lambda each: each),
        ("const", lambda each: [each]),
    ],
)
def test_deep(keyword, wrap):
    old, new = (nested(keyword, wrap, 240, {"type": "string", "maxLength": most}) for most in (5, 4))
    edits = Versions(old, new).edits()
    assert any(edit.effect.narrows for edit in edits)


def test_a_choice_of_many():
    branches = [
        {"type": "object", "required": [f"p{at}"], "properties": {f"p{at}": {"minimum": at}}} for at in range(150)
    ]
    changed = [{**each, "maxProperties": at + 9} for at, each in enumerate(branches)]
    edits = Versions({"oneOf": branches}, {"oneOf": changed}).edits()
    assert any(edit.effect.narrows for edit in edits)


def test_definitions_that_multiply():
    """Each refers twice to the next: a walk over paths instead of schemas would never end."""
    old, new = (
        {
            "$ref": "#/$defs/d0",
            "$defs": {
                **{
                    f"d{at}": {"properties": {side: {"$ref": f"#/$defs/d{at + 1}"} for side in "ab"}}
                    for at in range(300)
                },
                "d300": {"type": "string", "maxLength": most},
            },
        }
        for most in (5, 4)
    )
    versions = Versions(old, new)
    (edit,) = versions.edits()
    assert edit.kind == "max-length-decreased"


def test_a_schema_that_refers_to_itself_and_nothing_else():
    endless = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}
    assert Versions(endless, endless).edits() == []
    assert any(edit.effect.narrows or edit.effect.widens for edit in Versions(endless, {"type": "string"}).edits())
