"""Two versions of a contract, and what is said about the step."""

import pathlib

import pytest

from treadle.check.compat import compare, edits
from treadle.check.compat.verdicts import VERDICTS, Level
from treadle.contract.finding import Severity
from treadle.contract.read import read_contract

CASES = sorted(pathlib.Path("tests/cases/compat").glob("*.case"))


def read(text):
    kind = text.lstrip("# ").partition("openapi")[1] and "openapi" if "openapi:" in text else "asyncapi"
    major = 0 if "version: 0." in text else 1
    file = f"domains/sales/orders.v{major}.{kind}.yaml"
    contract, findings = read_contract(file, {file: text.encode()})
    assert contract, findings
    return contract


def judge(text):
    old, new = (read(each) for each in text.split("---- new\n"))
    said = [f"{each}\n    hint: {each.hint}\n" for each in compare(old, new)]
    silent = {each.id for each in VERDICTS if each.level is Level.NOTE}
    notes = [f"note {each.id}\n" for each in edits(old, new) if each.id in silent]
    return "".join([*said, *notes])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case):
    check_case(case, judge)


def test_every_row_of_the_table_is_shown_by_a_case():
    said = " ".join(case.read_text().partition("---- want\n")[2] for case in CASES).replace(":", " ").split()
    assert [each.id for each in VERDICTS if each.id not in said] == []


def test_ids_are_unique():
    assert len({each.id for each in VERDICTS}) == len(VERDICTS)


def test_a_row_that_blocks_asks_for_a_major_or_speaks_of_the_version():
    odd = [each.id for each in VERDICTS if each.level is Level.BLOCK and each.bump != 3 and "version" not in each.id]
    assert odd == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_contract_is_compatible_with_itself(case):
    for text in case.read_text().partition("---- want\n")[0].split("---- new\n"):
        contract = read(text)
        assert compare(contract, contract) == ()
        assert edits(contract, contract) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_comment_asks_for_a_patch_and_nothing_else(case):
    text = case.read_text().partition("---- want\n")[0].split("---- new\n")[0]
    findings = compare(read(text), read(f"{text}\n# a comment\n"))
    assert [(each.rule, each.severity) for each in findings] == [("version-not-raised", Severity.BLOCK)]
