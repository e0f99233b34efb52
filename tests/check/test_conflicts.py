"""Who is blamed for a conflict. What the conflicts are is shown by tests/cases/workspace."""

from dataclasses import replace

from treadle.check.conflicts import conflicts
from treadle.contract.finding import Severity
from treadle.contract.model import Deprecation, Settings
from treadle.contract.read import read_contract


def api(name):
    file = f"domains/sales/{name}.v1.openapi.yaml"
    text = "openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {/v1/x: {get: {operationId: a, responses: {}}}}\n"
    contract, findings = read_contract(file, {file: text.encode()})
    assert not findings
    return contract


def blamed(*names, serving=()):
    return [(each.rule, each.contract) for each in conflicts([api(name) for name in names], serving=serving)]


def test_the_later_one_is_blamed():
    assert blamed("b", "a") == [("duplicate-route", "sales.b.v1")]


def test_who_serves_keeps_serving():
    assert blamed("b", "a", serving={"sales.b.v1"}) == [("duplicate-route", "sales.a.v1")]


def test_each_newcomer_is_blamed():
    assert blamed("a", "b", "c", serving={"sales.c.v1"}) == [
        ("duplicate-route", "sales.a.v1"), ("duplicate-route", "sales.b.v1"),
    ]  # fmt: skip


def test_without_settings_nothing_is_said_of_services():
    assert blamed("a") == []


def test_a_contract_that_is_retired_needs_no_service():
    nothing = Settings("acme", "local", "https://api.example", {}, {}, {}, (), (), (), {}, {})
    assert [each.rule for each in conflicts([api("a")], nothing)] == ["missing-upstream"]
    assert conflicts([replace(api("a"), lifecycle="retired")], nothing) == ()


def test_a_successor_is_a_contract_that_is_there_or_an_address():
    def said(successor):
        old = replace(api("a"), operations=(), deprecation=Deprecation(successor=successor))
        return [(each.severity, each.message) for each in conflicts([old, api("b")])]

    assert said("sales.b.v1") == said("https://api.example/v2") == said("/v2") == said("") == []
    assert said("sales.b.v2") == [
        (Severity.WARN, "there is no contract `sales.b.v2` to follow; did you mean `sales.b.v1`?")
    ]
