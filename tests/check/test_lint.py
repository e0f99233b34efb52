"""Each rule says in its own case exactly what a user sees."""

import pathlib

import pytest

from treadle.check.conventions import RULES
from treadle.check.run import check_contract
from treadle.contract.read import read_contract

CASES = sorted(pathlib.Path("tests/cases/lint").glob("*.case"))
FILES = {"openapi": "domains/sales/orders.v1.openapi.yaml", "asyncapi": "domains/sales/order.v1.asyncapi.yaml"}


def judge(text):
    file = FILES[text.partition(":")[0]]
    contract, findings = read_contract(file, {file: text.encode()})
    assert contract, findings
    return "".join(f"{each}\n    hint: {each.hint}\n" for each in check_contract(contract))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case):
    check_case(case, judge)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_finds_something_in_its_own_case(rule):
    _, _, want = pathlib.Path(f"tests/cases/lint/{rule.id}.case").read_text().partition("---- want\n")
    assert f" block {rule.id}: " in want
    others = {each.id for each in RULES} - {rule.id}
    assert not [each for each in others if f" {each}: " in want], "a case shows its own rule only"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_explains_itself(rule):
    assert all(word in rule.doc for word in ("Why:", "Bad:", "Good:", "Mend it:"))
