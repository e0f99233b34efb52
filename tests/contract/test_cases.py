"""What reading says of wrong contracts and workspaces, exactly as a user sees it."""

import pathlib
import re

import pytest

from treadle.check.conflicts import CONFLICTS, conflicts
from treadle.contract.complaints import COMPLAINTS
from treadle.contract.read import read_contract
from treadle.contract.workspace import read_workspace

CONTRACTS = sorted(pathlib.Path("tests/cases/contract").glob("*.case"))
WORKSPACES = sorted(pathlib.Path("tests/cases/workspace").glob("*.case"))


def files_of(text):
    parts = re.split(r"^---- file (\S+)\n", text, flags=re.MULTILINE)
    return {name: body.encode() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def show(findings):
    return "".join(f"{each}\n" + (f"    hint: {each.hint}\n" if each.hint else "") for each in findings)


def judge_contract(text):
    files = files_of(text)
    contract, findings = read_contract(next(iter(files)), files)
    assert contract is None
    assert {each.contract for each in findings} <= {"", "sales.orders.v1", "sales.order.v1"}
    return show(findings)


def judge_workspace(text):
    workspace, findings = read_workspace(files_of(text))
    found = show([*findings, *conflicts(workspace.contracts, workspace.settings)])
    return found + "".join(f"read {each.id}\n" for each in workspace.contracts)


@pytest.mark.parametrize("case", CONTRACTS, ids=lambda case: case.stem)
def test_contract(case, check_case):
    check_case(case, judge_contract)


@pytest.mark.parametrize("case", WORKSPACES, ids=lambda case: case.stem)
def test_workspace(case, check_case):
    check_case(case, judge_workspace)


def said_by(cases):
    return set(re.findall(r" (?:invalid|block|warn) ([a-z0-9-]+): ", "".join(case.read_text() for case in cases)))


def test_every_conflict_is_shown_by_a_case():
    assert set(CONFLICTS) - said_by(WORKSPACES) == set()


def test_every_complaint_about_shape_is_shown_by_a_case():
    text_rules = {
        "yaml-broken", "json-broken", "not-utf8", "key-not-string", "many-documents", "not-finite", "alias-cycle",
        "undefined-alias", "unknown-tag", "merge-key", "budget-bytes", "budget-depth", "budget-nodes",
        "budget-definitions",
    }  # fmt: skip  # these are in test_parse.py and test_refs.py
    assert set(COMPLAINTS) - said_by([*CONTRACTS, *WORKSPACES]) - text_rules == set()
