"""The stock OpenAPI rules: each says of its own bad document what Spectral says there, nothing of a good one."""

import pathlib

import pytest
import yaml

from treadle.check.lint.engine import linter
from treadle.check.lint.ruleset.shipped import shipped
from treadle.contract.library import Library

CASES = sorted(pathlib.Path("tests/cases/oas").glob("*.case"))
GOOD = sorted(pathlib.Path("tests/check/lint/documents").glob("openapi-*.yaml"))
RULES = yaml.safe_load(shipped("spectral:oas"))["rules"]
EVERY_RULE = linter(("all.yaml",), {"all.yaml": b"extends: [[spectral:oas, all]]"})


def said(text):
    return sorted(EVERY_RULE.lint(Library({"shop.yaml": text.encode()}, tolerant=True), "shop.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case):
    def of_the_rule(text):
        found = [each for each in said(text) if each.code == case.stem]
        return "".join(f"{each.level.name} /{'/'.join(map(str, each.path))}: {each.message}\n" for each in found)

    check_case(case, of_the_rule)


def test_every_rule_has_a_case_in_which_it_says_something():
    assert {case.stem for case in CASES} == set(RULES)
    assert not [case.stem for case in CASES if case.read_text().endswith("---- want\n")]


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document.stem)
def test_a_good_document_is_silent(document):
    assert said(document.read_text()) == []
