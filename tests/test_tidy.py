"""What no linter sees: that folders, tables and cases agree."""

import ast
import pathlib

import pytest

from treadle.check.lint.functions import SHIPPED

SOURCE = pathlib.Path("src/treadle")
MODULES = sorted(SOURCE.rglob("*.py"))
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "types", "misc", "handler", "handlers"}


def test_every_convention_is_registered_once():
    files = {each.stem for each in (SOURCE / "check/lint/functions/treadle").glob("*.py")} - {"__init__"}
    listed = [where.rpartition(".")[2] for where in SHIPPED.values() if ".functions.treadle." in where]
    assert sorted(listed) == sorted(f"{each}:make" for each in files)


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
