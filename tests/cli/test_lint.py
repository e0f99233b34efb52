"""`treadle lint` as a user sees it: what is found where, by which ruleset, and the exit code."""

import orjson
import pytest
from click.testing import CliRunner

from treadle.base.errors import InputError
from treadle.cli.lint import command, default_rulesets

RULES = """rules:
  title: {given: $.info, severity: error, then: {field: title, function: truthy}}
  contact: {given: $.info, severity: hint, then: {field: contact, function: truthy}}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "good.yaml").write_text("info: {title: t}\n")
    (tmp_path / "bad.yaml").write_text("info:\n  title: ''\n  contact: 1\n")
    return tmp_path


def lint(*arguments):
    result = CliRunner().invoke(command, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_one_array_for_all_files(here):
    result = lint("good.yaml", "bad.yaml", "-r", "rules.yaml", "--format", "json")
    found = orjson.loads(result.stdout)
    assert [(each["source"], each["code"], each["severity"]) for each in found] == [
        (f"{here}/bad.yaml", "title", 0),
        (f"{here}/good.yaml", "contact", 3),
    ]
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "count"),
    [([], 0, 1), (["-F", "hint"], 1, 1), (["-D"], 0, 0), (["-F", "hint", "-D"], 1, 1), (["-F", "warn"], 0, 1)],
)
def test_the_severity_that_fails_decides(here, arguments, code, count):
    result = lint("good.yaml", "-r", "rules.yaml", "--format", "json", *arguments)
    assert (result.exit_code, len(orjson.loads(result.stdout))) == (code, count)


def test_one_line_for_people_says_what_there_is(here):
    (here / "fine.yaml").write_text("info: {title: t, contact: 1}\n")
    assert lint("fine.yaml", "-r", "rules.yaml").stderr == "1 file linted: nothing to complain about\n"
    assert lint("good.yaml", "bad.yaml", "-r", "rules.yaml").stderr == "2 files linted: 1 blocking, 1 info\n"


def test_an_exception_that_is_none_fails(here):
    (here / "good.yaml").write_text("info: {title: t, contact: 1, x-treadle: {ignore: [{rule: title}]}}\n")
    result = lint("good.yaml", "-r", "rules.yaml")
    assert (result.exit_code, " block exemption-incomplete: " in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["good.yaml", "-r", "treadle:apy"], "no ruleset treadle:apy ships with treadle", "did you mean treadle:api?"),
        (["https://example.com/a.yaml"], "there is no https://example.com/a.yaml", "nothing is fetched"),
        (["empty"], "no YAML or JSON is in empty", "name a document"),
    ],
)
def test_what_is_not_there_is_said_with_what_to_do(here, arguments, message, hint):
    (here / "empty").mkdir()
    with pytest.raises(InputError, match=message) as caught:
        lint(*arguments)
    assert (caught.value.code, hint in caught.value.hint) == ("no-such-file", True)


def test_text_names_file_line_and_column_as_asked_from_here(here):
    assert "bad.yaml:2:10: block title: " in lint("bad.yaml", "-r", "rules.yaml").stdout


def test_folders_and_globs_name_files(here):
    (here / "deep").mkdir()
    (here / "deep/x.json").write_text('{"info": {}}')
    whole = orjson.loads(lint("deep", "*d.yaml", "-r", "rules.yaml", "--format", "json").stdout)
    assert {each["source"].rpartition("/")[2] for each in whole} == {"x.json", "good.yaml", "bad.yaml"}


def test_the_ruleset_of_the_folder_is_taken(here):
    (here / ".spectral.yaml").write_text("extends: ./rules.yaml\nrules: {contact: off}\n")
    assert [each["code"] for each in orjson.loads(lint("bad.yaml", "--format", "json").stdout)] == ["title"]


def test_rulesets_by_default(here):
    assert default_rulesets(here)[0] == "spectral:oas"
    (here / "treadle.yaml").touch()
    (here / "standards").mkdir()
    (here / "standards/own.spectral.yaml").touch()
    assert default_rulesets(here) == (f"{here}/standards/own.spectral.yaml",)
    (here / ".spectral.yml").touch()
    assert default_rulesets(here) == (f"{here}/.spectral.yml",)


def test_every_problem_of_a_ruleset_is_said(here):
    (here / "broken.yaml").write_text("extends: [spectral:oass]\nrules: {a: fatal, b: {given: $}}\n")
    result = CliRunner().invoke(command, ["good.yaml", "-r", "broken.yaml"])
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 3
    assert result.stderr.count("broken.yaml:") == 2


def test_a_reference_reaches_no_further_than_the_checkout(here):
    (here / "outside.yaml").write_text("x: 1\n")
    inside = here / "repository"
    (inside / ".git").mkdir(parents=True)
    (inside / "api.yaml").write_text("info: {title: {$ref: ../outside.yaml#/x}, contact: 1}\n")
    result = lint("repository/api.yaml", "-r", "rules.yaml", "--format", "json")
    assert [each["code"] for each in orjson.loads(result.stdout)] == ["invalid-ref"]


@pytest.mark.parametrize("name", ["nowhere.yaml", "no/*.yaml", "empty"])
def test_what_is_not_there_is_an_error(here, name):
    (here / "empty").mkdir()
    with pytest.raises(InputError) as error:
        lint(name, "-r", "rules.yaml")
    assert error.value.code == "no-such-file"
