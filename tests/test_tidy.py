"""What no linter sees: that folders, tables and cases agree."""

import ast
import pathlib

import pytest

from treadle.check.conventions import RULES

SOURCE = pathlib.Path("src/treadle")
MODULES = sorted(SOURCE.rglob("*.py"))
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "types", "misc", "handler", "handlers"}


def test_every_lint_file_is_registered_and_named_like_its_rule():
    files = {each.stem for each in (SOURCE / "check/conventions").glob("*.py")} - {"__init__"}
    assert files == {rule.id.replace("-", "_") for rule in RULES}


def test_rule_ids_are_unique():
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_every_lint_case_belongs_to_a_rule():
    assert {each.stem for each in pathlib.Path("tests/cases/lint").glob("*.case")} == {rule.id for rule in RULES}


def test_every_case_wants_something():
    silent = {"equivalent.case"}  # shows that nothing is said
    empty = [
        each.name
        for each in pathlib.Path("tests/cases").rglob("*.case")
        if not each.read_text().partition("---- want\n")[2].strip()
    ]
    assert set(empty) == silent


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_says_what_it_holds(module):
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_no_module_is_named_by_nothing():
    parts = {part for module in MODULES for part in module.relative_to(SOURCE).with_suffix("").parts}
    assert parts & BANNED == set()
    assert not [part for part in parts if part.startswith("v") and part[1:].isdigit()]


def test_published_schemas_are_closed():
    import orjson

    for file in (SOURCE / "contract/schemas").glob("*.json"):
        schema = orjson.loads(file.read_bytes())
        assert schema["additionalProperties"] is False, file
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
