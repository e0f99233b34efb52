from treadle.insight.fields import FIELDS_MAX, fields


def test_fields_say_what_a_reader_needs():
    schema = {
        "type": "object",
        "required": ["email"],
        "properties": {
            "email": {
                "type": "string",
                "format": "email",
                "description": "Where to write",
                "x-treadle": {"classification": "confidential", "personal": "pii"},
            },
            "lines": {"type": "array", "maxItems": 9, "items": {"properties": {"a/b": {"enum": ["x", "y"]}}}},
        },
    }
    found = {field.pointer: field for field in fields(schema)}
    assert list(found) == ["/email", "/lines", "/lines/*", "/lines/*/a~1b"]
    email = found["/email"]
    assert (email.required, email.classification, email.personal, email.rules) == (
        True,
        "confidential",
        "pii",
        ("format email",),
    )
    assert found["/lines"].rules == ("maxItems 9",)
    assert found["/lines/*/a~1b"].rules == ("one of x, y",)


def test_a_schema_that_contains_itself_ends():
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}
        },
    }
    assert [(field.pointer, field.kind) for field in fields(tree)] == [("/next", "node"), ("/name", "string")]


def test_parts_of_a_composition_are_told():
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"oneOf": [{"properties": {"b": {"type": ["null", "integer"]}}, "required": ["b"]}]},
        ]
    }
    assert [(field.pointer, field.kind, field.required) for field in fields(schema)] == [
        ("/a", "string", True),
        ("/b", "null or integer", True),
    ]


def test_a_huge_schema_has_an_end():
    wide = {"properties": {f"f{n}": {"type": "string"} for n in range(5_000)}}
    assert len(fields(wide)) == FIELDS_MAX
    deep = {"type": "string"}
    for _ in range(300):
        deep = {"properties": {"d": deep}}
    assert 0 < len(fields(deep)) < 20


def test_what_is_no_schema_has_no_fields():
    for nonsense in (True, False, None, [], "x", {"properties": []}, {"$ref": "https://elsewhere.example/s"}):
        assert fields(nonsense) == ()
