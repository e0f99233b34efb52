"""Exceptions: what they cover, when they count, and that each is counted."""

from datetime import date

import pytest

from treadle.check.exemptions import Ignores, may_ignore
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.contract.parse import parse

TODAY = date(2026, 6, 15)
TEXT = """\
openapi: 3.1.0
info: {title: T, version: 1.0.0}
paths:
  /v1/order:
    x-treadle: {ignore: [{rule: path-plural, reason: The apps call it., until: 2026-06-15}]}
    get: {operationId: a, summary: A.}
  /v1/order2: {}
components:
  schemas:
    Page:
      type: array
      items:
      - x-treadle: {ignore: [{rule: deep, reason: r, until: 2027-01-01}]}
        title: {}
"""


def document(text=TEXT, file="a.yaml"):
    return parse(file, text.encode())


def finding(pointer, rule="path-plural", text=TEXT, severity=Severity.BLOCK):
    return Finding(document(text).places[pointer], rule, severity, "said")


def held(finding, text=TEXT, today=TODAY):
    ignores = Ignores([document(text)], today)
    return ignores.hold([finding]) == []


@pytest.mark.parametrize(
    ("pointer", "rule", "covered"),
    [
        ("/paths/~1v1~1order", "path-plural", True),
        ("/paths/~1v1~1order/get", "path-plural", True),
        ("/paths/~1v1~1order/get/operationId", "path-plural", True),
        ("/paths/~1v1~1order/get", "path-verb", False),
        ("/paths/~1v1~1order2", "path-plural", False),
        ("/paths", "path-plural", False),
        ("/info", "path-plural", False),
        ("", "path-plural", False),
        ("/components/schemas/Page/items/0/title", "deep", True),
        ("/components/schemas/Page/items/0", "deep", True),
    ],
)
def test_an_exception_covers_its_node_and_what_is_below(pointer, rule, covered):
    assert held(finding(pointer, rule)) == covered


def test_it_counts_up_to_its_last_day():
    at = finding("/paths/~1v1~1order")
    assert held(at, today=date(2026, 6, 15))
    assert not held(at, today=date(2026, 6, 16))


def test_an_expired_one_says_since_when():
    said = list(Ignores([document()], date(2026, 7, 27)).faults())
    assert [(each.rule, each.severity, each.place.line) for each in said] == [("exemption-expired", "warn", 5)]
    assert said[0].message == "the exception from path-plural expired 42 days ago, on 2026-06-15"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{rule: r}", "says no reason and no until"),
        ("{rule: r, reason: x}", "says no until"),
        ("{rule: r, until: 2026-12-31}", "says no reason"),
        ("{rule: r, reason: ' ', until: 2026-12-31}", "says no reason"),
        ("{rule: r, reason: x, until: 2026-02-30}", "ends on `2026-02-30`, which is no day"),
        ("{rule: r, reason: x, until: soon}", "ends on `soon`, which is no day"),
    ],
)
def test_one_without_reason_or_end_does_not_count(entry, fault):
    text = f"info: {{x-treadle: {{ignore: [{entry}]}}}}\n"
    ignores = Ignores([document(text)], TODAY)
    (said,) = ignores.faults()
    assert (said.rule, said.severity) == ("exemption-incomplete", "block")
    assert f"from r {fault}, so it does not count" in said.message
    assert ignores.met() == ()
    assert not held(finding("/info", "r", text), text)


def test_each_is_counted():
    ignores = Ignores([document()], TODAY)
    ignores.hold([finding("/paths/~1v1~1order"), finding("/paths/~1v1~1order/get"), finding("/info")])
    assert [(each.rule, each.count, each.reason, each.until, each.origin) for each in ignores.met()] == [
        ("deep", 0, "r", "2027-01-01", "inline"),
        ("path-plural", 2, "The apps call it.", "2026-06-15", "inline"),
    ]


def test_what_is_no_contract_cannot_be_excused():
    assert not held(finding("/paths/~1v1~1order", severity=Severity.INVALID))


def test_another_file_has_exceptions_of_its_own():
    at = Finding(Place("b.yaml", 4, 3), "path-plural", Severity.BLOCK, "said")
    assert not held(at)


def test_what_has_another_shape_is_passed_over():
    odd = "a: {x-treadle: 1}\nb: {x-treadle: {ignore: x}}\nc: {x-treadle: {ignore: [1, {}, {rule: 2}]}}\n"
    ignores = Ignores([document(odd)], TODAY)
    assert (ignores.met(), list(ignores.faults())) == ((), [])


def test_a_quick_look_tells_which_files_can_hold_one():
    assert may_ignore(TEXT.encode())
    assert not may_ignore(b"x-treadle: {owner: a}")
