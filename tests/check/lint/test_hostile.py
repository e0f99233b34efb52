"""Hostile documents, small ones, under the rulesets that ship: a linter ends with results, whatever it reads."""

import json

import orjson
import pytest
from tests.soak.hostile import HOSTILE, around

from treadle.check.lint.engine import linter
from treadle.check.lint.order import placed, spectral_json
from treadle.contract.library import Library
from treadle.contract.ranges import range_of

SHIPPED = (
    "spectral:oas",
    "spectral:asyncapi",
    "treadle:api",
    "treadle:events",
    "treadle:asyncapi",
    "treadle:jsonschema",
)


@pytest.fixture(scope="module")
def ready():
    return linter(SHIPPED, {})


def lint(ready, file, data):
    library = Library({file: data}, tolerant=True)
    return library, ready.lint(library, file)


@pytest.mark.parametrize("name", HOSTILE)
def test_linting_ends_with_results(ready, name):
    file, make, size, _ = HOSTILE[name]
    library, results = lint(ready, file, make(size))
    assert results
    for result in results:
        assert result.file == file
        assert result.message
        if result.range is None:
            begins, ends = range_of(library.document(file), result.path)
            assert begins <= ends


def test_by_a_pattern_that_would_take_too_much_nothing_is_judged(ready):
    schemas = """\
    a: {type: string, pattern: '^(.*a){5000}$', example: b}
    b: {type: object, patternProperties: {'^(.*a){5000}$': {type: string}}, example: {a: 1}}
    c: {type: string, pattern: '^a$', example: b}
"""
    _, results = lint(ready, "a.yaml", around(schemas))
    at_examples = [each.path for each in results if each.code == "oas3-valid-schema-example"]
    assert at_examples == [("components", "schemas", "c", "example")]


@pytest.mark.parametrize("word", ["allOf", "oneOf", "anyOf"])
def test_a_value_is_not_tried_in_ways_without_number(ready, word):
    below = [f"{{$ref: '#/components/schemas/s{at + 1}'}}" for at in range(60)]
    levels = [f"    s{at}: {{{word}: [{each}, {each}]}}" for at, each in enumerate(below)]
    top = "    top: {properties: {a: {$ref: '#/components/schemas/s0'}}, example: {a: 1}}"
    _, results = lint(ready, "a.yaml", around("\n".join([top, *levels, "    s60: {type: string}\n"])))
    (found,) = (each for each in results if each.code == "oas3-valid-schema-example")
    assert found.path == ("components", "schemas", "top", "example")
    assert "too many ways" in found.message


def test_the_name_of_a_file_need_not_be_utf_8(ready):
    library, results = lint(ready, "a\udcff.yaml", around("    a: {}\n"))
    said = [spectral_json(each) for each in placed(results, library)]
    assert {each["source"] for each in json.loads(orjson.dumps(said))} == {"a\\xff.yaml"}
