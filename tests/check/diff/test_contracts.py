"""Two versions of a contract of a workspace, and what is said about the step."""

import datetime as dt
import pathlib
import re

import pytest

from treadle.check.diff import compare
from treadle.contract.finding import Severity
from treadle.contract.read import read_contract

CASES = sorted(pathlib.Path("tests/cases/diff/contract").glob("*.case"))
TODAY = dt.date(2026, 1, 1)


def read(text):
    kind = "openapi" if "openapi:" in text else "asyncapi"
    major = 0 if "version: 0." in text else 1
    file = f"domains/sales/orders.v{major}.{kind}.yaml"
    contract, findings = read_contract(file, {file: text.encode()})
    assert contract, findings
    return contract


def judge(text):
    """What is said, less the examples: which one is found first is the kernel's to choose."""
    old, new = (read(each) for each in text.split("---- new\n"))
    said = "".join(f"{each}\n    hint: {each.hint}\n" for each in compare(old, new, TODAY))
    return re.sub(r" \(for example .*?\)(?= \(version )", "", said)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case):
    check_case(case, judge)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_contract_is_compatible_with_itself(case):
    for text in case.read_text().partition("---- want\n")[0].split("---- new\n"):
        contract = read(text)
        assert compare(contract, contract, TODAY) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_comment_asks_for_a_patch_and_nothing_else(case):
    text = case.read_text().partition("---- want\n")[0].split("---- new\n")[0]
    findings = compare(read(text), read(f"{text}\n# a comment\n"), TODAY)
    assert [(each.rule, each.severity) for each in findings] == [("version-not-raised", Severity.BLOCK)]


PROMISED = """\
asyncapi: 3.0.0
info: {title: Orders, version: 1.0.0, x-treadle: {COMPATIBILITY}}
channels:
  orderCreated:
    address: sales.order.created.v1
    messages: {OrderCreated: {payload: {type: object, properties: {channel: {enum: [web, shop]}}}}}
"""


@pytest.mark.parametrize(
    ("promise", "severity"),
    [
        ("compatibility: full", Severity.WARN),
        ("compatibility: backward, json_policy: evolution", Severity.WARN),
        ("compatibility: backward_transitive, json_policy: strict", Severity.BLOCK),
    ],
)
def test_a_contract_says_how_strictly_its_readers_read(promise, severity):
    old = PROMISED.replace("COMPATIBILITY", promise)
    new = old.replace("[web, shop]", "[web, shop, phone]").replace("1.0.0", "1.1.0")
    said = {each.rule: each.severity for each in compare(read(old), read(new), TODAY)}
    assert said["event-property-enum-value-added"] is severity


def test_events_of_a_workspace_are_judged_both_ways_whatever_its_operations_say():
    text = PROMISED.replace(", x-treadle: {COMPATIBILITY}", "") + (
        "operations: {created: {action: send, channel: {$ref: '#/channels/orderCreated'}}}\n"
    )
    new = text.replace("type: object,", "type: object, required: [channel],").replace("1.0.0", "1.1.0")
    said = [each.rule for each in compare(read(text), read(new), TODAY)]
    assert said == ["version-too-low", "event-property-became-required"]


def test_a_finding_carries_an_example_and_both_places():
    old = PROMISED.replace(", x-treadle: {COMPATIBILITY}", "")
    new = old.replace("[web, shop]", "[web]").replace("1.0.0}", "1.1.0}")
    (finding,) = (each for each in compare(read(old), read(new), TODAY) if each.rule != "version-too-low")
    assert finding.message == (
        'sales.order.created.v1: `channel` of the payload of `OrderCreated` may no longer be "shop" '
        '(for example {"channel":"shop"}) (version 1.0.0: domains/sales/orders.v1.asyncapi.yaml:6:78)'
    )
