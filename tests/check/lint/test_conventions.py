"""The conventions: each rule says in its own case what a user sees, and its own examples are run."""

import pathlib

import pytest

from treadle.check.lint.documentation import CONVENTIONS, documented
from treadle.check.lint.engine import linter
from treadle.check.run import check_contract
from treadle.contract.library import Library
from treadle.contract.parse import parse
from treadle.contract.read import read_contract

CASES = pathlib.Path("tests/cases/lint")
FILES = {"openapi": "domains/sales/orders.v1.openapi.yaml", "asyncapi": "domains/sales/order.v1.asyncapi.yaml"}
RULES = [rule for ruleset in CONVENTIONS for rule in documented(ruleset)]
SMALLEST = {
    "treadle:contract": {"openapi": "3.1.0", "info": {"title": "T", "version": "1.0.0"}, "paths": {}},
    "treadle:api": {"openapi": "3.1.0", "info": {"title": "T", "version": "1.0.0"}, "paths": {}},
    "treadle:events": {"asyncapi": "3.0.0", "info": {"title": "T", "version": "1.0.0"}, "channels": {}},
}


def judge(id):
    def judged(text):
        file = FILES[text.partition(":")[0]]
        contract, findings = read_contract(file, {file: text.encode()})
        assert contract, findings
        return "".join(f"{each}\n" for each in check_contract(contract) if each.rule == id)

    return judged


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_case(rule, check_case):
    check_case(CASES / f"{rule.id}.case", judge(rule.id))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_bad_example_breaks_the_rule_and_the_good_one_does_not(rule):
    assert rule.id in said(rule, rule.bad)
    assert rule.id not in said(rule, rule.good)


def said(rule, fragment):
    """The rules that complain of an example, laid over the smallest document of its kind."""
    document = parse("a.yaml", fragment.encode())
    known = parse("a.yaml", b"{}")
    whole = type(document)("a.yaml", {**SMALLEST[rule.ruleset], **document.data}, known.places)
    results = linter([rule.ruleset], {}).lint(Library({"a.yaml": b""}, [whole]), "a.yaml")
    return {each.code for each in results}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_explains_itself(rule):
    assert all((rule.description, rule.why, rule.bad, rule.good, rule.fix))
    assert rule.severity in ("error", "warn")


def test_every_case_belongs_to_a_rule():
    assert {each.stem for each in CASES.glob("*.case")} == {rule.id for rule in RULES}


def test_asyncapi_2_has_the_same_conventions():
    text = """
asyncapi: 2.6.0
info: {title: T, version: 1.0.0, x-treadle: {domain: sales, owner: a}}
channels:
  sales.order.created.v2:
    subscribe:
      message:
        oneOf: [{payload: {type: object, required: [eventId]}}, {payload: {$ref: '#/components/schemas/Event'}}]
components:
  schemas:
    Event:
      type: object
      required: [eventId, occurredAt, partitionKey, schemaVersion]
      properties: {partitionKey: {type: string}}
"""
    results = linter(["treadle:events"], {}).lint(Library({"a.yaml": text.encode()}), "a.yaml")
    wrong = {each.code: (each.path, each.message) for each in results if each.level == 0}
    assert wrong == {
        "event-name": (
            ("channels", "sales.order.created.v2"), "`sales.order.created.v2` is of major 2 in a contract of major 1",
        ),
        "event-metadata": (
            ("channels", "sales.order.created.v2", "subscribe", "message", "oneOf", 0, "payload"),
            "sales.order.created.v2 does not require occurredAt, partitionKey, schemaVersion",
        ),
        "partition-key": (
            ("channels", "sales.order.created.v2"),
            "the partition key /partitionKey of sales.order.created.v2 leads nowhere: "  # noqa: ISC004
            "the payload describes no /partitionKey",
        ),
    }  # fmt: skip


def test_a_day_that_no_calendar_has_is_found():
    text = """\
openapi: 3.1.0
info:
  title: Orders
  version: 1.0.0
  x-treadle: {deprecation: {since: "2027-02-30", sunset: "2027-13-01"}}
paths: {}
"""
    found = judge("deprecation-dates")(text).splitlines()
    assert [line.partition("deprecation-dates: ")[2] for line in found] == [
        "2027-02-30 is no day of any calendar",
        "2027-13-01 is no day of any calendar",
    ]
