"""`treadle diff` and `treadle bump` as a user sees them: what is on stdout, the exit code, and what is in the file."""

import subprocess

import orjson
import pytest
from click.testing import CliRunner

from treadle.base.errors import InputError, UsageError
from treadle.cli.bump import command as bump_command
from treadle.cli.diff import command as diff_command
from treadle.cli.init import create_workspace
from treadle.contract.read import read_contract
from treadle.contract.schema import validator
from treadle.control.checkout import read_files
from treadle.registry.live import LiveSet

OLD = """\
openapi: 3.1.0
info:
  title: Orders  # shown in the portal
  version: "1.3.0"
paths:
  /orders:
    get:
      operationId: listOrders
      parameters: [{name: limit, in: query, schema: {type: integer, maximum: 100}}]
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: 'common.yaml#/Order'}}}}
"""
COMMON = "Order: {type: object, required: [id], properties: {id: {type: string}, note: {type: string}}}\n"
LOWER = OLD.replace("maximum: 100", "maximum: 50")
MORE = OLD.replace("parameters: [", "parameters: [{name: q, in: query, schema: {type: string}}, ")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.yaml").write_text(OLD)
    (tmp_path / "common.yaml").write_text(COMMON)
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run(("git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments), check=True)
    return tmp_path


def run(command, *arguments, **options):
    result = CliRunner().invoke(command, [str(each) for each in arguments], **options)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def diff(*arguments, **options):
    return run(diff_command, *arguments, **options)


def bump(*arguments):
    return run(bump_command, *arguments)


def test_json_has_the_promised_shape(repository):
    (repository / "api.yaml").write_text(LOWER)
    result = diff("HEAD:api.yaml", "api.yaml", "--format", "json")
    assert result.exit_code == 1
    report = orjson.loads(result.stdout)
    assert (report["required_bump"], report["declared_bump"]) == ("major", "none")
    assert report["compatible"] == {"backward": False, "forward": True}
    (finding,) = report["findings"]
    witness = finding.pop("witness")
    assert 50 < witness <= 100
    assert finding == {
        "id": "request-parameter-max-decreased",
        "level": "error",
        "text": "the query parameter `limit` lowered its maximum from 100 to 50",
        "path": "/orders",
        "operation": "GET",
        "old": {"file": "HEAD:api.yaml", "line": 9, "column": 69},
        "new": {"file": "api.yaml", "line": 9, "column": 69},
        "proof": "proved",
        "breaks": ["backward"],
    }


def test_text_ends_in_the_verdict_and_hides_what_breaks_nobody(repository):
    (repository / "new.yaml").write_text(MORE.replace("1.3.0", "1.4.0"))
    result = diff("api.yaml", "new.yaml")
    assert (result.exit_code, result.stdout) == (
        0,
        "1 more breaks nobody (--all shows it)\nadditive: needs 1.4.0, declared 1.4.0\n",
    )
    assert "new-optional-request-parameter" in diff("api.yaml", "new.yaml", "--all").stdout
    assert diff("api.yaml", "new.yaml", "--fail-on", "info").exit_code == 1


def test_a_version_that_was_raised_too_little_fails(repository):
    (repository / "new.yaml").write_text(MORE.replace("1.3.0", "1.3.1"))
    result = diff("api.yaml", "new.yaml", "--format", "github")
    assert result.exit_code == 1
    assert "version-too-low" in result.stdout


def test_files_of_a_revision_are_followed_and_a_folder_below_the_root_is_here(repository, monkeypatch):
    (repository / "sub").mkdir()
    (repository / "common.yaml").write_text(COMMON.replace("required: [id], ", ""))
    monkeypatch.chdir(repository / "sub")
    result = diff("HEAD:api.yaml", "../api.yaml", "--format", "json")
    (finding,) = orjson.loads(result.stdout)["findings"]
    assert finding["id"] == "response-property-became-optional"
    assert finding["old"]["file"] == "HEAD:common.yaml"
    assert finding["new"]["file"] == "../common.yaml"
    assert finding["witness"] == {}


def test_standard_input_is_a_version(repository):
    assert diff("api.yaml", "-", input=LOWER).exit_code == 1
    with pytest.raises(UsageError, match="standard input holds one version only"):
        diff("-", "-", input=LOWER)


@pytest.mark.parametrize(
    ("mode", "code"),
    [("BACKWARD", 0), ("FORWARD", 1), ("FULL", 1), ("backward_transitive", 0)],
)
def test_modes_say_who_must_not_break(repository, mode, code):
    for name, values in (("old", '["a"]'), ("new", '["a", "b"]')):
        (repository / f"{name}.json").write_text(f'{{"enum": {values}}}')
    assert diff("old.json", "new.json", "--mode", mode).exit_code == code


def test_a_transitive_mode_looks_at_every_version(repository):
    for name, most in (("one", 20), ("two", 10), ("three", 10)):
        (repository / f"{name}.json").write_text(f'{{"type": "string", "maxLength": {most}}}')
    assert diff("two.json", "three.json").exit_code == 0
    result = diff("one.json", "two.json", "three.json", "--mode", "BACKWARD_TRANSITIVE", "--format", "json")
    (finding,) = orjson.loads(result.stdout)["findings"]
    assert (result.exit_code, finding["old"]["file"]) == (1, "one.json")
    old, new = (validator(orjson.loads((repository / name).read_bytes())) for name in ("one.json", "three.json"))
    assert old.is_valid(finding["witness"])
    assert not new.is_valid(finding["witness"])
    with pytest.raises(UsageError, match="looks at one older version"):
        diff("one.json", "two.json", "three.json")


def test_what_cannot_be_compared_is_told(repository):
    (repository / "events.yaml").write_text("asyncapi: 3.0.0\ninfo: {title: A, version: 1.0.0}\n")
    (repository / "broken.yaml").write_text("a: [\n")
    (repository / "notes.yaml").write_text("hello: world\n")
    broken = diff("api.yaml", "broken.yaml")
    assert (broken.exit_code, "broken.yaml:2:1: invalid yaml-broken: " in broken.stderr) == (3, True)
    (repository / "binary.yaml").write_bytes(b"a: \xff\n")
    assert "    hint: save the file as UTF-8" in diff("api.yaml", "binary.yaml").stderr
    for names, code in (
        (("api.yaml", "events.yaml"), "two-kinds"),
        (("notes.yaml", "notes.yaml"), "unknown-kind"),
        (("HEAD:none.yaml", "api.yaml"), "no-such-file"),
        (("nothing:api.yaml", "api.yaml"), "no-such-file"),
        (("--", "-x:api.yaml", "api.yaml"), "no-such-file"),
        ((".", "api.yaml"), "no-such-file"),
        (("https://example.com/api.yaml", "api.yaml"), "no-such-file"),
    ):
        with pytest.raises(InputError) as caught:
            diff(*names)
        assert (caught.value.code, caught.value.exit_code) == (code, 3)
    assert diff("notes.yaml", "notes.yaml", "--kind", "json-schema").exit_code == 0


def test_bump_writes_the_version_and_nothing_else(repository):
    (repository / "api.yaml").write_text(MORE)
    result = bump("api.yaml", "--check")
    assert (result.exit_code, result.stdout) == (
        1,
        "api.yaml: additive: needs 1.4.0, declared 1.3.0; write info.version: 1.4.0\n",
    )
    assert bump("api.yaml", "--write").exit_code == 0
    assert (repository / "api.yaml").read_text() == MORE.replace('"1.3.0"', '"1.4.0"')
    assert bump("api.yaml", "--check").exit_code == 0


@pytest.mark.parametrize("text", [OLD, OLD.replace("GET", "get")])
def test_bump_of_what_did_not_change(repository, text):
    assert bump("api.yaml").stdout == "api.yaml: unchanged: needs no new version\n"


def test_bump_against_a_file(repository):
    (repository / "old.yaml").write_text(OLD.replace("1.3.0", "0.3.0"))
    (repository / "api.yaml").write_text(LOWER.replace("1.3.0", "0.3.0"))
    assert bump("api.yaml", "--write", "--against", "old.yaml").stdout.endswith("wrote 0.4.0\n")


def test_a_breaking_change_of_a_contract_that_says_its_major_is_not_written(repository):
    (repository / "orders.v1.openapi.yaml").write_text(LOWER)
    result = bump("orders.v1.openapi.yaml", "--write", "--against", "HEAD:api.yaml")
    assert result.exit_code == 1
    assert "write orders.v2.openapi.yaml with version 2.0.0 next to it" in result.stdout
    (repository / "api.yaml").write_text(LOWER.replace("/orders:", "/v1/orders:"))
    (repository / "old.yaml").write_text(OLD.replace("/orders:", "/v1/orders:"))
    result = bump("api.yaml", "--write", "--against", "old.yaml")
    assert result.exit_code == 1
    assert "leave `/v1/orders`, and add v2 beside it" in result.stdout


def test_a_new_file_has_nothing_before_it(repository):
    (repository / "fresh.yaml").write_text(OLD)
    assert bump("fresh.yaml", "--check").stdout == "fresh.yaml: new, nothing to compare with\n"
    with pytest.raises(InputError, match="git knows no commit nowhere"):
        bump("fresh.yaml", "--against", "nowhere")


def test_a_version_that_is_an_alias_is_left_alone(repository):
    text = MORE.replace('version: "1.3.0"', "version: &v\n    1.3.0")
    (repository / "api.yaml").write_text(text)
    with pytest.raises(InputError, match="not written as plain text"):
        bump("api.yaml", "--write")
    assert (repository / "api.yaml").read_text() == text


def test_without_git_the_live_version_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)
    folder = create_workspace(tmp_path / "fabric")
    monkeypatch.chdir(folder)
    file = "domains/sales/order.v1.asyncapi.yaml"
    assert bump(file).stdout == f"{file}: new, nothing to compare with\n"
    contract, _ = read_contract(file, read_files(folder))
    LiveSet(folder / ".treadle/live").put(contract)
    (folder / file).write_text((folder / file).read_text().replace("retention_days: ", "retention_days: 1"))
    result = bump(file, "--check")
    assert (result.exit_code, result.stdout) == (
        1,
        f"{file}: additive: needs 1.1.0, declared 1.0.0; write info.version: 1.1.0\n",
    )
    (tmp_path / "alone.yaml").write_text(OLD)
    with pytest.raises(InputError, match="in no git repository and in no workspace"):
        bump(tmp_path / "alone.yaml")
