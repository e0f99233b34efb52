"""Two versions of an OpenAPI document, and every change between them, there and back."""

import datetime as dt
import pathlib

import pytest

from treadle.base.errors import InputError
from treadle.check.diff.change import Side
from treadle.check.diff.openapi import Grace, diff_openapi
from treadle.check.diff.rules import BY_ID
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
