"""The rules for JSON Schema documents of every draft."""

import pytest
import yaml

from treadle.check.lint.engine import linter
from treadle.check.lint.functions.jsonschema.impossible import make as impossible
from treadle.check.lint.functions.jsonschema.keywords_of import KEYWORDS
from treadle.check.lint.ruleset.shipped import shipped
from treadle.contract.library import Library

RULES = yaml.safe_load(shipped("treadle:jsonschema"))["rules"]
OWN = linter(("treadle:jsonschema",), {})


def said(text, files=()):
    return sorted(OWN.lint(Library({"a.schema.yaml": text.encode(), **dict(files)}), "a.schema.yaml"))


def codes(text, files=()):
    return {each.code for each in said(text, files)}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_its_own_bad_document_and_no_good_one(rule):
    assert rule in codes(RULES[rule]["x-treadle"]["bad"])
    assert rule not in codes(RULES[rule]["x-treadle"]["good"])


ADDRESSES = {
    "4": "http://json-schema.org/draft-04/schema#",
    "6": "http://json-schema.org/draft-06/schema#",
    "7": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}


@pytest.mark.parametrize("draft", KEYWORDS)
def test_every_draft_has_its_own_metaschema(draft):
    """`exclusiveMinimum` was a boolean in draft 4, and has been a number since."""
    schema = f"{{$schema: '{ADDRESSES[draft]}', type: integer, minimum: 1, exclusiveMinimum: true}}"
    assert ("jsonschema-valid" in codes(schema)) == (draft != "4")


def test_a_schema_of_unsaid_draft_is_of_the_latest():
    assert codes("{type: array, additionalItems: false}") == {"jsonschema-draft"}


def test_an_unknown_draft_is_said():
    found = said("{$schema: 'https://json-schema.org/draft/2099-01/schema', type: object}")
    assert [(each.code, each.path) for each in found] == [("jsonschema-valid", ("$schema",))]


def test_a_reference_may_lead_into_another_file():
    other = {"b.schema.yaml": b"{$defs: {id: {type: string}}}"}
    assert codes("{type: object, properties: {id: {$ref: 'b.schema.yaml#/$defs/id'}}}", other) == set()
    assert "jsonschema-reference" in codes("{type: object, properties: {id: {$ref: 'b.schema.yaml#/$defs/ie'}}}", other)


@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": 2, "maximum": 1},
        {"exclusiveMinimum": 1, "exclusiveMaximum": 1},
        {"minLength": 2, "maxLength": 1},
        {"required": ["a"], "properties": {}, "additionalProperties": False},
        {"required": ["a"], "properties": {"a": False}},
        {"required": ["a", "b"], "maxProperties": 1},
        {"enum": []},
        {"type": "string", "const": 1},
        {"type": "integer", "enum": ["a", True]},
        {"type": "string", "minimum": 1},
    ],
)
def test_impossible(schema):
    assert list(impossible({})(schema, _context()))


@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": 1, "maximum": 1},
        {"type": "string", "minLength": 0, "maxLength": 0},
        {"required": ["x-a"], "patternProperties": {"^x-": True}, "additionalProperties": False},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"type": "number", "const": 1},
        {"type": "boolean", "enum": [True]},
    ],
)
def test_possible(schema):
    assert not list(impossible({})(schema, _context()))


def _context():
    from treadle.check.lint.context import Context

    return Context((), None, resolved=False)


def test_a_schema_that_doubles_at_each_level_ends():
    parts = [f"a{at}: {{allOf: [{{$ref: '#/$defs/a{at + 1}'}}, {{$ref: '#/$defs/a{at + 1}'}}]}}" for at in range(40)]
    text = f"{{$ref: '#/$defs/a0', default: 1, $defs: {{{', '.join(parts)}, a40: {{type: integer}}}}}}"
    assert codes(f"{{type: object, properties: {{a: {text.replace('#/', '#/properties/a/')}}}}}") == set()


NAMED = """
$schema: https://json-schema.org/draft/2020-12/schema
properties:
  a: {$ref: '#here'}
  b: {$ref: 'https://example.com/count.json'}
  c: {$ref: 'count.json#/$defs/small'}
  d: {$ref: 'b.schema.yaml#there'}
$defs:
  text: {$anchor: here, type: string}
  count: {$id: 'https://example.com/count.json', type: integer, $defs: {small: {maximum: 9}}}
"""


def test_a_schema_may_be_named_by_its_anchor_and_its_id():
    other = {"b.schema.yaml": b"$defs: {a: {$anchor: there, type: string}}"}
    assert said(NAMED, other) == []
    wrong = NAMED.replace("#here'", "#hear'").replace("small'", "tall'").replace("#there", "#theirs")
    assert [each.path[1] for each in said(wrong, other) if each.code == "invalid-ref"] == ["a", "c", "d"]


def test_an_anchor_of_openapi_is_no_name():
    text = b"openapi: 3.1.0\ninfo: {}\ncomponents: {schemas: {A: {$anchor: here}, B: {$ref: '#here'}}}"
    rules = linter(("spectral:oas",), {})
    assert "invalid-ref" in {each.code for each in rules.lint(Library({"a.yaml": text}), "a.yaml")}


@pytest.mark.parametrize("text", ["{$ref: '#/$defs/a', $defs: {a: {type: strin}}}", "definitions: {a: {type: strin}}"])
def test_a_schema_may_only_refer_or_keep_others(text):
    assert codes(text) == {"jsonschema-valid"}
