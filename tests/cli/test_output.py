"""Where reports go: files that are whole or as they were, pipes, and what to say where neither can be."""

import pathlib

import pytest
from click.testing import CliRunner

from treadle.base.errors import UsageError
from treadle.check.report import Report
from treadle.cli.main import cli
from treadle.cli.output import emit

DOCUMENT = "openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {}\n"


def write(out):
    emit(Report(()), "lint", "json", (out,), json=lambda: "[]\n")


def test_several_reports_of_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.yaml").write_text(DOCUMENT)
    outs = [f"{name}={name}.out" for name in ("sarif", "junit", "markdown", "json")]
    done = CliRunner().invoke(cli, ["lint", "api.yaml", *(word for each in outs for word in ("--out", each))])
    assert done.exit_code in (0, 1)
    assert all((tmp_path / each.partition("=")[2]).read_text() for each in outs)


def test_a_report_that_cannot_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    file = tmp_path / "report.json"
    write(f"json={file}")
    assert file.read_text() == "[]\n"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "replace", full)
    with pytest.raises(UsageError, match="bad-output"):
        emit(Report(()), "lint", "json", (f"json={file}",), json=lambda: "[1]\n")
    assert file.read_text() == "[]\n"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("out", ["sarif", "sarif=", "pdf=x.pdf", "=x", "json=missing/folder/x.json"])
def test_what_names_no_format_and_file_is_told(out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="bad-output"):
        write(out)
    assert not list(tmp_path.iterdir())


def test_a_device_is_written_to_and_not_replaced():
    write("json=/dev/null")
    assert pathlib.Path("/dev/null").is_char_device()
