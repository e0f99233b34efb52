"""`treadle lint --fix`, and exceptions in `treadle lint`, as a user sees them."""

import subprocess

import orjson
import pytest
from click.testing import CliRunner

from treadle.cli.lint import command

TEXT = """\
# The orders.
openapi: 3.1.0
info: {title: T, version: 1.0.0, x-treadle: {owner: a}}
security: []
paths:
  /v1/orders:
    post:
      # It pays.
      requestBody: {}   # a body
      responses:
        200: {description: "fine" }
        # Everything else.
        default: {$ref: '#/components/responses/Error'}
  /v1/people: {put: {parameters: [{name: a, in: query}], responses: {"200": {description: fine}}}}
components:
  parameters:
    IdempotencyKey: {name: Idempotency-Key, in: header, schema: {type: string}}
  responses:
    Error: &error
      description: What went wrong.
      content: {application/json: {schema: {type: object, required: [traceId, code, message]}}}
    TooManyRequests:
      description: Too many.
      headers: {X-RateLimit-Limit: {}, X-RateLimit-Remaining: {}, Retry-After: {}}
      content: {application/json: {schema: {type: object, required: [traceId, code, message]}}}
"""
FIXED = """\
# The orders.
openapi: 3.1.0
info: {title: T, version: 1.0.0, x-treadle: {owner: a}}
security: []
paths:
  /v1/orders:
    post:
      parameters: [{$ref: '#/components/parameters/IdempotencyKey'}]
      # It pays.
      requestBody: {}   # a body
      responses:
        "200": {description: "fine" }
        "429": {$ref: '#/components/responses/TooManyRequests'}
        # Everything else.
        default: {$ref: '#/components/responses/Error'}
  /v1/people: {put: {parameters: [{$ref: '#/components/parameters/IdempotencyKey'}, {name: a, in: query}], \
responses: {"429": {$ref: '#/components/responses/TooManyRequests'}, "200": {description: fine}}}}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lint(*arguments):
    result = CliRunner().invoke(command, ["-r", "treadle:api", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_what_is_safe_is_mended_and_the_rest_stays_byte_for_byte(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(TEXT)
    result = lint("a.yaml", "--fix")
    tail = TEXT[TEXT.index("components:") :]
    assert file.read_text() == FIXED + tail
    assert result.stderr.splitlines()[0] == 'mended a.yaml: put the key "200" in quotes'
    assert len(result.stderr.splitlines()) == 6
    assert "too-many-requests" not in result.stdout
    again = lint("a.yaml", "--fix")
    assert (again.stderr, file.read_text()) == ("1 file linted: 5 warnings\n", FIXED + tail)


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(TEXT)
    result = lint("a.yaml", "--fix", "--dry-run")
    assert file.read_text() == TEXT
    assert "+        \"429\": {$ref: '#/components/responses/TooManyRequests'}\n" in result.stdout
    assert result.stderr.startswith("would mend a.yaml: ")


def test_ends_of_lines_a_mark_and_the_mode_stay(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    lint("a.yaml", "--fix")
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf# The")
    assert data.count(b"\n") == data.count(b"\r\n") == TEXT.count("\n") + 2
    assert file.stat().st_mode & 0o777 == 0o640


def test_json_is_mended_as_json(tmp_path):
    from treadle.contract.parse import parse_tolerant

    document, _ = parse_tolerant("a.yaml", TEXT.encode())
    (tmp_path / "a.json").write_bytes(orjson.dumps(document.data, option=orjson.OPT_INDENT_2))
    lint("a.json", "--fix")
    mended = orjson.loads((tmp_path / "a.json").read_bytes())
    responses = mended["paths"]["/v1/orders"]["post"]["responses"]
    assert list(responses) == ["200", "429", "default"]
    assert mended["paths"]["/v1/people"]["put"]["parameters"][0] == {"$ref": "#/components/parameters/IdempotencyKey"}


@pytest.mark.parametrize(
    ("old", "new", "keys", "limits"),
    [
        # A required key would refuse whoever calls today.
        ("in: header,", "in: header, required: true,", 0, 2),
        # What is shared lacks a header, so to refer to it would not help.
        ("X-RateLimit-Remaining: {}, ", "", 2, 0),
        # What is shared breaks another rule.
        ("Retry-After: {}}\n      content: {application/json", "Retry-After: {}}\n      content: {text/plain", 2, 0),
    ],
)
def test_what_is_not_safe_is_left_alone(tmp_path, old, new, keys, limits):
    file = tmp_path / "a.yaml"
    assert old in TEXT
    file.write_text(TEXT.replace(old, new))
    lint("a.yaml", "--fix")
    mended = file.read_text()
    assert mended.count("parameters/IdempotencyKey'}") == keys
    assert mended.count("responses/TooManyRequests'}") == limits


def test_an_exception_holds_a_result_back_and_is_listed(tmp_path):
    ignore = "x-treadle: {ignore: [{rule: path-verb, reason: Old apps., until: 2999-01-01}, {rule: path-major}]}"
    (tmp_path / "a.yaml").write_text(f"openapi: 3.1.0\ninfo: {{}}\npaths:\n  /getOrders:\n    {ignore}\n")
    result = lint("a.yaml")
    assert " path-verb: " not in result.stdout.replace("exempt path-verb", "")
    assert " block path-major: " in result.stdout
    assert " block exemption-incomplete: " in result.stdout
    assert "a.yaml:5:26: exempt path-verb (inline; 1 held back, until 2999-01-01): Old apps." in result.stdout
    assert {each["code"] for each in orjson.loads(lint("a.yaml", "--format", "json").stdout)} >= {"path-major"}


def test_a_baseline_leaves_what_is_new(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    file = tmp_path / "a.yaml"
    file.write_text("openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {/orders: {}}\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "begin")
    file = file.rename(tmp_path / "b.yaml")
    git("add", ".")
    assert lint("b.yaml").exit_code == 1
    held = lint("b.yaml", "--baseline", "main")
    assert held.exit_code == 0
    assert "exempt path-major (baseline; 1 held back" in held.stdout
    file.write_text("openapi: 3.1.0\n\ninfo: {title: T, version: 1.0.0}\npaths: {/people: {}, /orders: {}}\n")
    said = orjson.loads(lint("b.yaml", "--baseline", "main", "--format", "json").stdout)
    assert [(each["code"], each["path"]) for each in said] == [("path-major", ["paths", "/people"])]
