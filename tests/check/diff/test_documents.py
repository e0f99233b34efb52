"""Two versions of an event API or of a JSON Schema, as a person reads the difference."""

import datetime as dt
import pathlib
import re

import pytest

from treadle.check.diff.change import Side
from treadle.check.diff.documents import compare_documents, family_of
from treadle.check.diff.modes import Mode, Policy, Promise
from treadle.check.diff.rules.payloads import KEYWORD_OF
from treadle.check.diff.text import render
from treadle.contract.library import Library

CASES = sorted(
    each for folder in ("events", "data") for each in pathlib.Path("tests/cases/diff", folder).glob("*.case")
)
TODAY = dt.date(2026, 1, 1)
IDS = {"ids": lambda case: f"{case.parent.name}-{case.stem}"}
PLAIN = Promise()


def side(name, text):
    return Side(Library({name: text.encode()}, tolerant=True), name)


def compare(old, new, promise=PLAIN):
    sides = side("old.yaml", old), side("new.yaml", new)
    return compare_documents(*sides, family_of(*sides), promise, TODAY)


def promised(text):
    said = dict(re.findall(r"^# (mode|policy): (\S+)", text, re.MULTILINE))
    return Promise(Mode(said.get("mode", "BACKWARD")), Policy(said.get("policy", "evolution")))


def judge(text):
    comparison = compare(*text.split("---- new\n"), promised(text))
    breaks = [word for word in ("backward", "forward") if not getattr(comparison, word)]
    return render(comparison, all_levels=True) + f"breaks: {', '.join(breaks) or 'nobody'}\n"


def halves(case):
    return case.read_text().partition("---- want\n")[0].split("---- new\n")


@pytest.mark.parametrize("case", CASES, **IDS)
def test_case(case, check_case):
    check_case(case, judge)


@pytest.mark.parametrize("case", CASES, **IDS)
def test_nothing_differs_from_itself(case):
    for text in halves(case):
        comparison = compare(text, text)
        assert comparison.changes == ()
        assert str(comparison.verdict) == "unchanged: needs no new version"


@pytest.mark.parametrize("case", CASES, **IDS)
def test_backward_one_way_is_forward_the_other(case):
    old, new = halves(case)
    there, back = compare(old, new), compare(new, old)
    schemas = {each.id for each in (*there.changes, *back.changes) if each.id not in KEYWORD_OF}
    if not schemas:  # what comes is not what goes: an added channel breaks nobody, a removed one does
        assert (there.backward, there.forward) == (back.forward, back.backward)


API = """\
openapi: 3.1.0
info: {title: Orders, version: 1.0.0}
paths:
  /orders:
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string}}}}}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object, properties: {a: {type: string}}}}}}
"""


@pytest.mark.parametrize(
    ("old", "new", "backward", "forward"),
    [
        ("properties: {a: {type: string}}", "properties: {a: {type: string}, b: {type: string}}", True, True),
        ("    post:", "    delete: {responses: {}}\n    post:", True, False),
        ("schema: {type: object, ", "schema: {type: object, required: [a], ", False, False),
    ],
    ids=["an optional property", "an operation", "a requirement"],
)
def test_clients_of_the_new_version_may_meet_the_old_one(old, new, backward, forward):
    comparison = compare(API, API.replace(old, new))
    assert (comparison.backward, comparison.forward) == (backward, forward)
    assert compare(API, API.replace(old, new), Promise(Mode.FULL)).compatible is (backward and forward)
