"""`treadle explain`: every rule and code has a text."""

import ast
import pathlib
import re

import pytest
from click.testing import CliRunner

from treadle.base.codes import CODES
from treadle.base.errors import UsageError
from treadle.check.lint.complaints import COMPLAINTS as LINT
from treadle.cli.explain import command, texts_by_id
from treadle.contract.complaints import COMPLAINTS

SOURCES = sorted(pathlib.Path("src/treadle").rglob("*.py"))


def constants(wanted):
    """First arguments that are plain text, of every call that is wanted, with its place."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            first = node.args[0] if isinstance(node, ast.Call) and node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if wanted(node, name):
                    yield first.value, f"{file}:{node.lineno}"


def test_every_error_code_has_a_text():
    raised = dict(constants(lambda node, name: name.endswith(("Error", "__init__")) and len(node.args) >= 2))
    codes = {code: place for code, place in raised.items() if re.fullmatch("[a-z]+(-[a-z0-9]+)+", code)}
    assert {"no-workspace", "live-damaged"} <= set(codes)
    assert {code: place for code, place in codes.items() if code not in CODES} == {}


def test_every_complaint_of_a_reader_has_a_text():
    words = {"refuse", "complain", "add"}
    said = {
        rule
        for rule, place in constants(lambda node, name: name in words and len(node.args) >= 3)
        if "/contract/" in place
    }
    assert len(said) > 30
    assert said - set(COMPLAINTS) == set()
    assert set(COMPLAINTS) - said == set()


def test_every_complaint_of_lint_has_a_text():
    made = {code for code, place in constants(lambda _node, name: name == "add") if "ruleset-" in code}
    assert made == {id for id in LINT if id.startswith("ruleset-")}
    assert {"parser", "invalid-ref", "unrecognized-format", "budget-nodes"} <= texts_by_id().keys()


def test_a_rule_is_explained():
    result = CliRunner().invoke(command, ["path-major"])
    assert result.exit_code == 0
    assert result.stdout.startswith("path-major\n\nPaths begin with the major version of the contract")


def test_everything_is_listed_and_said():
    result = CliRunner().invoke(command, [])
    assert result.stdout.split() == list(texts_by_id())
    assert [id for id, text in texts_by_id().items() if len(text) < 15] == []


def test_a_code_that_is_none_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as error:
        CliRunner().invoke(command, ["path-majr"], catch_exceptions=False)
    assert "path-major" in error.value.hint
