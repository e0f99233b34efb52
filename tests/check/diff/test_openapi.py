"""Two versions of an OpenAPI document, and every change between them, there and back."""

import datetime as dt
import pathlib

import pytest

from treadle.base.errors import InputError
from treadle.check.diff.change import Side
from treadle.check.diff.openapi import Grace, diff_openapi
from treadle.check.diff.rules import BY_ID
from treadle.check.schema.edit import Flow
from treadle.check.schema.judge import Policy
from treadle.contract.library import Library

CASES = sorted(pathlib.Path("tests/cases/diff/openapi").glob("*.case"))
TODAY = dt.date(2026, 1, 1)


def side(text, file="api.yaml", **files):
    return Side(Library({file: text.encode(), **{name: each.encode() for name, each in files.items()}}), file)


def changes(old, new, *terms):
    return list(diff_openapi(side(old), side(new), TODAY, *terms))


def told(change):
    row = BY_ID[change.rule]
    where = f"{change.operation} {change.path}".strip()
    return f"{change.level} {row.id} {where}: {row.message.format_map(change.words)}\n"


def lines(old, new, *terms):
    return "".join(sorted(told(each) for each in changes(old, new, *terms)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case):
    grace = Grace(stable_days=180, beta_days=31) if "with-grace" in case.stem else Grace()
    terms = (grace, Policy.STRICT if case.stem == "strictly" else Policy.EVOLUTION)

    def judge(text):
        old, new = text.split("---- new\n")
        return f"{lines(old, new, *terms)}---- and back\n{lines(new, old, *terms)}"

    check_case(case, judge)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_document_does_not_differ_from_itself(case):
    for text in case.read_text().partition("---- want\n")[0].split("---- new\n"):
        assert changes(text, text) == []


def test_swagger_2_is_refused_with_a_way_on():
    with pytest.raises(InputError, match=r"swagger 2\.0") as error:
        changes("swagger: '2.0'\npaths: {}\n", "openapi: 3.0.0\npaths: {}\n")
    assert error.value.code == "not-openapi-3"


ROOT = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
paths:
  /things: {$ref: things.yaml}
"""
THINGS = """\
get:
  parameters: [{$ref: 'shared/parameters.yaml#/page'}]
  responses: {'200': {content: {application/json: {schema: {$ref: '#/$defs/Thing'}}}}}
$defs: {Thing: {type: object, properties: {id: {type: string}}}}
"""
PARAMETERS = "page: {name: page, in: query, schema: {type: integer}}\n"


def test_references_are_followed_through_files_and_findings_stand_where_it_is_written():
    files = {"things.yaml": THINGS, "shared/parameters.yaml": PARAMETERS}
    later = {
        "things.yaml": THINGS.replace("string", "integer"),
        "shared/parameters.yaml": PARAMETERS.replace("}}", "}, required: true}"),
    }
    same = list(diff_openapi(side(ROOT, **files), side(ROOT, **files), TODAY))
    assert same == []
    found = {each.rule: each for each in diff_openapi(side(ROOT, **files), side(ROOT, **later), TODAY)}
    assert set(found) == {"request-parameter-became-required", "response-property-type-changed"}
    required, typed = found["request-parameter-became-required"], found["response-property-type-changed"]
    assert (required.new.file, required.new.pointer) == ("shared/parameters.yaml", "/page/required")
    assert (typed.old.file, typed.old.pointer) == ("things.yaml", "/$defs/Thing/properties/id/type")
    assert (typed.path, typed.operation) == ("/things", "GET")


def test_a_change_of_a_schema_says_what_a_witness_is_sought_from():
    body = "openapi: 3.1.0\npaths: {/a: {post: {requestBody: {content: {a/b: {schema: {maxLength: %d}}}}}}}\n"
    (change,) = changes(body % 5, body % 3)
    pointer = "/paths/~1a/post/requestBody/content/a~1b/schema"
    assert change.edit is not None
    assert change.flow is Flow.REQUEST
    assert [each.pointer for each in change.schemas] == [pointer, pointer]


def test_a_webhook_is_read_by_those_who_keep_to_the_old_contract():
    hook = "openapi: 3.1.0\nwebhooks: {w: {post: {requestBody: {content: {a/b: {schema: {enum: [%s]}}}}}}}\n"
    wider, narrower = changes(hook % "1", hook % "1, 2"), changes(hook % "1, 2", hook % "1")
    assert [(each.rule, each.level.value, each.flow) for each in (*wider, *narrower)] == [
        ("request-body-enum-value-added", "error", Flow.RESPONSE),
        ("request-body-enum-value-removed", "info", Flow.RESPONSE),
    ]


@pytest.mark.parametrize("junk", ["5", "[]", "{a: 1}", "x", "{$ref: '#/nowhere'}", "{$ref: '#'}"])
@pytest.mark.parametrize("field", ["paths", "webhooks", "components", "security", "servers", "tags"])
def test_a_document_that_is_wrong_is_compared_as_far_as_it_goes(field, junk):
    old = "openapi: 3.1.0\npaths: {/a: {get: {}}}\n"
    assert isinstance(changes(old, f"openapi: 3.1.0\n{field}: {junk}\n"), list)
