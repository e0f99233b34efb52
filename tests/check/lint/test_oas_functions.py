"""What the OpenAPI functions do with documents that nobody means well by, and with urls."""

import pytest

from treadle.check.lint.engine import linter
from treadle.check.lint.functions.oas.url import is_url, percent_encoded
from treadle.contract.library import Library

RULES = linter(("spectral:oas",), {})
HEAD = "openapi: 3.0.3\ninfo: {title: a, version: '1'}\npaths: {}\n"


def said(document, code):
    found = RULES.lint(Library({"a.yaml": document.encode()}, tolerant=True), "a.yaml")
    return [each for each in found if each.code == code]


def schemas(*lines):
    return HEAD + "components:\n  schemas:\n" + "".join(f"    {line}\n" for line in lines)


def test_examples_of_a_graph_that_would_be_endless_written_out():
    levels = [
        f"S{at}: {{type: object, properties: {{a: {{$ref: '#/components/schemas/S{at + 1}'}}, "
        f"b: {{$ref: '#/components/schemas/S{at + 1}'}}}}}}"
        for at in range(60)
    ]
    top = "Top: {type: object, properties: {s: {$ref: '#/components/schemas/S0'}}, example: {s: {a: {b: 3}}}}"
    (found,) = said(schemas(top, *levels, "S60: {type: string}"), "oas3-valid-schema-example")
    assert found.path == ("components", "schemas", "Top", "example", "s", "a", "b")


def test_a_pattern_that_runs_away_ends():
    line = "A: {type: string, pattern: '^(?=a)(a|aa)+\\1$', example: '" + "a" * 60 + "!'}"
    assert len(said(schemas(line), "oas3-valid-schema-example")) == 1


def test_an_example_that_nests_deeply_is_judged():
    line = "A: {type: array, items: {type: array}, example: " + "[" * 400 + "3" + "]" * 400 + "}"
    assert said(schemas(line), "oas3-valid-schema-example") == []
    assert said(schemas(line), "oas3-schema") == []


def test_a_schema_that_is_none_spoils_its_own_examples_only():
    found = said(schemas("A: {type: strnig, example: a}", "B: {type: string, example: 3}"), "oas3-valid-schema-example")
    assert {each.path[2]: "no schema" in each.message for each in found} == {"A": True, "B": False}


def test_nobody_is_told_of_readonly_properties_that_a_request_leaves_out():
    order = "Order: {type: object, required: [id], properties: {id: {type: string, readOnly: true}}}"
    media = "application/json: {schema: {$ref: '#/components/schemas/Order'}, example: {}}"
    bodies = f"  requestBodies: {{A: {{content: {{{media}}}}}}}\n  responses: {{A: {{content: {{{media}}}}}}}\n"
    (found,) = said(schemas(order) + bodies, "oas3-valid-media-example")
    assert found.path[:2] == ("components", "responses")


def test_an_error_behind_a_reference_is_where_it_is_written_and_where_spectral_loses_its_way():
    problem = "application/problem+json: {schema: {type: string}, example: 3}"
    document = (
        HEAD.replace("paths: {}", "paths: {/a: {get: {responses: {'400': {$ref: '#/components/responses/P'}}}}}")
        + f"components: {{responses: {{P: {{description: x, content: {{{problem}}}}}}}}}\n"
    )
    found = {each.path for each in said(document, "oas3-valid-media-example")}
    whole = ("components", "responses", "P", "content", "application/problem+json", "example")
    assert found == {whole, whole[:4]}


@pytest.mark.parametrize(
    "text",
    ["https://a.test", "http://user:secret@a.test:80/b?c#d", "https://[::1]:8080", "mailto:a@b", "ws:a", "http://1.2.3",
     "foo://a", "https://a.test/{x}"],
)  # fmt: skip
def test_urls(text):
    assert is_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "/v1", "a.test", "https://", "https://a b", "https://a.test:99999", "https://a.test:x", "https://[::1",
     "http://1.2.3.4.5", "http://a<b", "//a.test", "http://256.1.1.1", "foo://a b"],
)  # fmt: skip
def test_no_urls(text):
    assert not is_url(text)


def test_a_value_goes_into_a_url_as_javascript_encodes_it():
    assert percent_encoded("a b/ü?{x}") == "a%20b/%C3%BC?%7Bx%7D"
