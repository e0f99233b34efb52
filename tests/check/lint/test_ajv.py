"""What a schema has against a value, in the order and the grain of Ajv. The wants were read off Ajv 8.20."""

import pytest

from treadle.check.lint.ajv import Judge
from treadle.check.lint.ajv_formats import FORMATS


def keywords(schema, value):
    return [(each.keyword, each.path) for each in Judge(schema).errors(value)]


@pytest.mark.parametrize(
    ("schema", "value", "want"),
    [
        ({"type": "object", "oneOf": [{"minProperties": 1}]}, "text", [("type", ())]),
        ({"type": "object", "anyOf": [{"type": "null"}]}, 1, [("type", ()), ("type", ()), ("anyOf", ())]),
        (
            {"properties": {"b": {"type": "null"}, "a": {"type": "null"}}, "additionalProperties": False},
            {"a": 1, "b": 1, "c": 1},
            [("additionalProperties", ()), ("type", ("b",)), ("type", ("a",))],
        ),
        ({"required": ["a", "b"], "properties": {"c": False}}, {"c": 1}, [
            ("required", ()), ("required", ()), ("false schema", ("c",)),
        ]),
        ({"items": [{"type": "null"}], "additionalItems": False}, [1, 2], [("additionalItems", ()), ("type", (0,))]),
        ({"enum": [1, "a"], "const": 2}, True, [("const", ()), ("enum", ())]),
        ({"if": {"minimum": 3}, "then": {"maximum": 4}}, 5, [("maximum", ()), ("if", ())]),
        ({"propertyNames": {"pattern": "^a"}}, {"b": 1}, [("pattern", ()), ("propertyNames", ())]),
        ({"type": "string", "nullable": True}, None, []),
        ({"const": 1}, True, [("const", ())]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], [("uniqueItems", ())]),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "c": 1}, [
            ("dependencies", ()), ("required", ()),
        ]),
    ],
)  # fmt: skip
def test_order_of_errors(schema, value, want):
    assert keywords(schema, value) == want


def test_a_union_is_told_by_its_nearest_branch():
    schema = {"oneOf": [{"required": ["$ref"]}, {"properties": {"a": {"type": "string"}}}]}
    assert [each.path for each in Judge(schema, nearest=True).errors({"a": 1})] == [("a",)]


def test_a_schema_that_refers_to_itself_ends():
    schema = {"properties": {"a": {"$ref": "#"}}, "allOf": [{"$ref": "#"}], "required": ["b"]}
    assert keywords(schema, {"a": {"a": {}}})


def test_a_value_too_deep_to_be_judged_is_an_error():
    value = {}
    for _ in range(5_000):
        value = {"a": value}
    assert keywords({"properties": {"a": {"$ref": "#"}}}, value) == [("depth", ())]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("time", "23:59:60Z", "24:00:00Z"),
        ("date-time", "2024-01-01T00:00:00+01:00", "2024-01-01"),
        ("email", "a.b@c.de", "a@b"),
        ("uri", "urn:a:b", "a b"),
        ("uri-reference", "#/a/b", "#/a b"),
        ("uri-template", "/a/{b}", "/a/{b"),
        ("hostname", "a.b", "-a"),
        ("ipv4", "1.2.3.4", "1.2.3"),
        ("ipv6", "::1", "1.2.3.4"),
        ("uuid", "01234567-89ab-cdef-0123-456789abcdef", "0123"),
        ("regex", "^a(?=b)", "("),
        ("json-pointer", "/a~1b", "a"),
        ("duration", "P1DT2H", "P"),
        ("byte", "aGk=", "a"),
    ],
)
def test_formats(name, right, wrong):
    assert FORMATS[name](right)
    assert not FORMATS[name](wrong)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a." * 50_000, "a@" + "b-" * 50_000, "//" + ":" * 100_000, "{a" * 50_000]
)
def test_no_text_keeps_a_format_busy(name, text):
    """A pattern that takes more than linear time would not come back."""
    assert FORMATS[name](f"{text}~ ") is False or name == "regex"


def test_integers_of_any_size_have_a_format():
    assert keywords({"format": "int32"}, 10**400) == [("format", ())]
    assert keywords({"format": "int64"}, 10**400) == []


@pytest.mark.parametrize("value", [1, {"a": 1}])
def test_parts_that_are_shared_are_judged_once(value):
    schema = {"type": "string"}
    for _ in range(40):
        schema = {"allOf": [schema, schema]}
    assert len(Judge(schema).errors(value)) == 100_000
    assert Judge(schema).errors("text") == []
