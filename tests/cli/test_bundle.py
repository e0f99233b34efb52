"""`treadle bundle`, as its users run it."""

import orjson
import pytest
from click.testing import CliRunner

from treadle.cli.bundle import command

ROOT = "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n    Order: {$ref: common/order.yaml}\n"
ORDER = "type: object\nproperties:\n  id: {const: '1e3'}\n"
WHOLE = "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n    Order:\n      type: object\n      properties:\n"
WHOLE += "        id:\n          const: '1e3'\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)
    (tmp_path / "common").mkdir()
    (tmp_path / "common/order.yaml").write_text(ORDER)
    (tmp_path / "api.yaml").write_text(ROOT)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_one_document_on_stdout(folder):
    done = run("api.yaml")
    assert (done.exit_code, done.stdout, done.stderr) == (0, WHOLE, "")


def test_into_a_file_in_the_format_of_its_name(folder):
    assert run("api.yaml", "-o", "out.json").exit_code == 0
    data = orjson.loads((folder / "out.json").read_bytes())
    assert data["components"]["schemas"]["Order"]["properties"]["id"] == {"const": "1e3"}
    assert run("out.json", "--format", "yaml").stdout == WHOLE


def test_what_is_self_contained_comes_out_byte_by_byte(folder):
    text = "# a comment\nopenapi: 3.1.0\npaths: {}\n200: odd\n"
    (folder / "whole.yaml").write_text(text)
    done = run("whole.yaml")
    assert (done.exit_code, done.stdout) == (0, text)
    assert "key-not-string" in done.stderr


def test_a_workspace_is_the_root_of_what_lies_in_it(folder, monkeypatch):
    (folder / "treadle.yaml").write_text("")
    (folder / "domains").mkdir()
    (folder / "domains/api.yaml").write_text(ROOT.replace("common", "../common"))
    monkeypatch.chdir(folder / "domains")
    assert run("api.yaml").stdout == WHOLE


def test_a_reference_that_leads_nowhere_writes_nothing(folder):
    (folder / "api.yaml").write_text(ROOT.replace("order.yaml", "oder.yaml"))
    done = run("api.yaml", "-o", "out.yaml")
    assert done.exit_code == 3
    assert "api.yaml:5:13: invalid dangling-ref: `common/oder.yaml`" in done.stderr
    assert not (folder / "out.yaml").exists()


def test_a_broken_document_says_where(folder):
    (folder / "api.yaml").write_text("a: [")
    done = run("api.yaml")
    assert done.exit_code == 3
    assert "invalid yaml-broken" in done.stderr
