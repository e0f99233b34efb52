"""A document of OpenAPI 3.0 in the words of 3.1: nothing changed, so nothing is said."""

from tests.check.schema.versions import Versions

OWNER = {"components": {"schemas": {"Owner": {"type": "object", "properties": {"id": {"type": "string"}}}}}}


def test_an_upgrade_of_the_format_is_silent():
    old = {
        "a": {"type": "string", "nullable": True},
        "b": {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
        "c": {"allOf": [{"$ref": "#/components/schemas/Owner"}], "nullable": True},
        "d": {"type": "string", "enum": ["x"]},
    }
    new = {
        "a": {"type": ["string", "null"]},
        "b": {"type": "integer", "exclusiveMinimum": 1},
        "c": {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]},
        "d": {"type": "string", "const": "x"},
    }
    documents = [
        {"openapi": version, "schema": {"type": "object", "properties": each}, **OWNER}
        for version, each in (("3.0.3", old), ("3.1.0", new))
    ]
    assert Versions(*documents, dialect=None, path=("schema",)).edits() == []
