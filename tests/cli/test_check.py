"""`treadle check` as a user sees it: what is on stdout, what on stderr, and the exit code."""

import os
import subprocess

import orjson
import pytest
from click.testing import CliRunner

from treadle.base.errors import InputError
from treadle.cli.check import command
from treadle.cli.init import create_workspace
from treadle.contract.read import read_contract
from treadle.control.checkout import read_files
from treadle.registry.live import LiveSet

ORDERS = "domains/sales/orders.v1.openapi.yaml"


@pytest.fixture
def fabric(tmp_path, monkeypatch):
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)
    folder = create_workspace(tmp_path / "fabric")
    monkeypatch.chdir(folder)
    return folder


def check(*arguments):
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


CANCEL = """\
  /v1/orders/{orderId}/cancel:
    get:
      operationId: cancel
      summary: Cancel.
      parameters:
        - {name: orderId, in: path, required: true, schema: {type: string, maxLength: 64}}
      responses:
        "429": {$ref: '../../standards/components/api.yaml#/responses/TooManyRequests'}
        default: {$ref: '../../standards/components/api.yaml#/responses/Error'}
"""


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_new_workspace_passes(fabric):
    result = check()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "2 contracts read: nothing to complain about\n"


def test_a_policy_that_is_violated_exits_1(fabric):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    result = check()
    assert result.exit_code == 1
    assert result.stdout.startswith(
        f"{ORDERS}:18:3: block path-plural: /v1/order: `order` is a collection and not in the plural\n    hint: "
    )
    assert result.stderr == "2 contracts read: 1 blocking\n"


def test_a_contract_that_is_none_exits_3_and_the_others_are_judged(fabric):
    edit(fabric / ORDERS, "openapi: 3.1.0", "openapi: 3.0.0")
    result = check("--format", "json")
    report = orjson.loads(result.stdout)
    assert result.exit_code == 3
    assert [each["id"] for each in report["contracts"]] == ["sales.order.v1"]
    first = next(each for each in report["findings"] if each["severity"] == "invalid")
    assert (first["rule"], first["file"], first["line"], first["column"]) == ("unknown-version", ORDERS, 2, 1)
    assert first["contract"] == "sales.orders.v1"


def test_a_breaking_change_against_what_is_live_is_named_with_both_places(fabric):
    live, _ = read_contract(ORDERS, read_files(fabric))
    LiveSet(fabric / ".treadle/live").put(live)
    edit(fabric / ORDERS, "        amount: {type: number, minimum: 0}\n", "")
    edit(
        fabric / ORDERS,
        "required: [orderId, customerId, amount, currency]",
        "required: [orderId, customerId, currency]",
    )
    edit(fabric / ORDERS, "version: 1.0.0", "version: 1.1.0")
    result = check()
    assert result.exit_code == 1
    line = next(each for each in result.stdout.splitlines() if "response-required-property-removed" in each)
    assert line.startswith(f"{ORDERS}:64:7: block")
    assert f"(version 1.0.0: {ORDERS}:67:9)" in line
    assert "write orders.v2.openapi.yaml" in result.stdout


def test_warnings_pass(fabric):
    live, _ = read_contract(ORDERS, read_files(fabric))
    LiveSet(fabric / ".treadle/live").put(live)
    edit(fabric / ORDERS, "      summary: Get one order.\n", "")
    edit(fabric / ORDERS, "version: 1.0.0", "version: 1.1.0")
    result = check()
    assert (result.exit_code, result.stderr) == (0, "2 contracts read: 1 warning\n")
    assert " warn operation-described: " in result.stdout


def test_named_files_narrow_what_is_said(fabric, monkeypatch):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    monkeypatch.chdir(fabric / "domains/sales")
    assert check("order.v1.asyncapi.yaml").exit_code == 0
    assert check("orders.v1.openapi.yaml").exit_code == 1


def test_files_outside_of_a_workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)
    (tmp_path / "orders.v1.openapi.yaml").write_text("openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {}\n")
    monkeypatch.chdir(tmp_path)
    result = check("orders.v1.openapi.yaml")
    assert result.exit_code == 1
    assert "orders.v1.openapi.yaml:2:1: block owner-declared: " in result.stdout
    (tmp_path / "orders.v1.openapi.yaml").write_text("openapi: 3.1.0\npaths: {/v1: {$ref: '/etc/hostname.yaml'}}\n")
    assert check(tmp_path / "orders.v1.openapi.yaml").exit_code == 3


def test_what_cannot_be_checked_is_an_input_error(fabric, tmp_path, monkeypatch):
    for arguments in (["gone.yaml"], ["README.md"], ["-w", tmp_path], ["-e", "prod"]):
        with pytest.raises(InputError):
            check(*arguments)
    edit(fabric / "treadle.yaml", "consumers:", "consumer:")
    with pytest.raises(InputError) as error:
        check()
    assert "treadle.yaml:12:1: unknown key `consumer`; did you mean `consumers`?" in error.value.message


def test_an_overlay_of_another_environment(fabric):
    (fabric / "environments/prod.yaml").write_text('upstreams: {orders-apy: "https://orders.internal:443"}\n')
    result = check("-e", "prod")
    assert result.exit_code == 3
    assert "did you mean `orders-api`?" in result.stdout


def test_a_file_that_cannot_be_taken_in_is_refused_alone(fabric):
    (fabric / "domains/sales/erp.v1.openapi.yaml").symlink_to("/etc/hostname")
    (fabric / "domains/sales" / os.fsdecode(b"b\xff.v1.openapi.yaml")).write_text("openapi: 3.1.0\n")
    result = check()
    assert result.exit_code == 3
    assert [line.split(": ")[:2] for line in result.stdout.splitlines()[::2]] == [
        ["domains/sales/b\\xff.v1.openapi.yaml:1:1", "invalid file-name-not-utf8"],
        ["domains/sales/erp.v1.openapi.yaml:1:1", "invalid symlink-escapes"],
    ]
    assert result.stderr == "2 contracts read: 2 invalid\n"
    report = orjson.loads(check("--format", "json").stdout)
    assert report["findings"][1]["contract"] == "sales.erp.v1"


def test_names_cannot_forge_a_line_or_move_the_cursor(fabric):
    forged = "x\n2 contracts read: nothing to complain about\x1b[2K\x9b\u202e.v1.openapi.yaml"
    (fabric / "domains/sales" / forged).write_text("openapi: 3.1.0\n")
    edit(fabric / ORDERS, "operationId: listOrders", 'operationId: "a\\e[31mb\\nc"')
    result = check()
    assert result.exit_code == 3
    assert "x\\n2 contracts read" in result.stdout
    assert "a\\x1b[31mb\\nc" in result.stdout
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert not [line for line in result.stdout.splitlines() if line.startswith("2 contracts")]


def test_the_rules_are_those_of_the_workspace(fabric):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    edit(
        fabric / "standards/api.spectral.yaml",
        'extends: ["treadle:api"]',
        'extends: ["treadle:api"]\nrules: {path-plural: warn}',
    )
    result = check()
    assert (result.exit_code, result.stderr) == (0, "2 contracts read: 1 warning\n")
    edit(fabric / "standards/api.spectral.yaml", "path-plural: warn", "path-plurral: warn")
    with pytest.raises(InputError) as error:
        check()
    assert (error.value.code, error.value.exit_code) == ("bad-ruleset", 3)


def test_an_exception_that_covers_nothing_says_so(fabric):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    ignore = "    ignore: [{rule: path-plural, reason: Two apps call it., until: 2999-12-31}]\n"
    edit(fabric / ORDERS, "    domain: sales\n", f"    domain: sales\n{ignore}")
    result = check()
    assert (result.exit_code, " block path-plural: " in result.stdout) == (1, True)
    assert "exempt path-plural (inline; holds nothing back where it stands or below, until 2999" in result.stdout


def test_an_exception_counts_until_its_day_and_is_listed(fabric):
    ignore = "x-treadle: {ignore: [{rule: path-plural, reason: Two apps call it., until: UNTIL}]}"
    edit(fabric / ORDERS, "  /v1/orders:\n", f"  /v1/order:\n    {ignore}\n")
    edit(fabric / ORDERS, "UNTIL", "2999-12-31")
    result = check()
    assert (result.exit_code, result.stderr) == (
        0,
        "2 contracts read: nothing to complain about; 1 held back by 1 exemption\n",
    )
    assert "exempt path-plural (inline; 1 held back, until 2999-12-31): Two apps call it." in result.stdout
    (exemption,) = orjson.loads(check("--format", "json").stdout)["exemptions"]
    assert (exemption["rule"], exemption["file"], exemption["line"], exemption["count"]) == (
        "path-plural",
        ORDERS,
        19,
        1,
    )
    edit(fabric / ORDERS, "2999-12-31", "2020-12-31")
    result = check()
    assert result.exit_code == 1
    assert " block path-plural: " in result.stdout
    assert " warn exemption-expired: the exception from path-plural expired " in result.stdout
    edit(fabric / ORDERS, ", until: 2020-12-31", "")
    result = check()
    assert " block path-plural: " in result.stdout
    assert " block exemption-incomplete: the exception from path-plural says no until" in result.stdout


def test_an_exception_covers_what_a_change_breaks_too(fabric):
    live, _ = read_contract(ORDERS, read_files(fabric))
    LiveSet(fabric / ".treadle/live").put(live)
    edit(fabric / ORDERS, "version: 1.0.0", "version: 1.1.0")
    edit(fabric / ORDERS, "        currency: {type: string, pattern: '^[A-Z]{3}$', examples: [EUR]}\n", "")
    edit(fabric / ORDERS, "amount, currency]", "amount]")
    said = orjson.loads(check("--format", "json").stdout)["findings"]
    rules = [each["rule"] for each in said if each["severity"] == "block"]
    assert rules
    listed = ", ".join(
        f"{{rule: {each}, reason: Nobody reads it., until: 2999-12-31}}" for each in dict.fromkeys(rules)
    )
    edit(fabric / ORDERS, "    domain: sales\n", f"    domain: sales\n    ignore: [{listed}]\n")
    edit(fabric / ORDERS, "info:\n", f"x-treadle: {{ignore: [{listed}]}}\ninfo:\n")
    result = check()
    assert result.exit_code == 0, result.stdout


def test_an_override_that_turns_a_rule_off_is_counted(fabric):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    ruleset = fabric / "standards/api.spectral.yaml"
    reason = "    x-treadle: {reason: Two apps call it., until: UNTIL}\n"
    for files in ("../domains/sales/*.yaml", "../domains/*/*.openapi.yaml#/paths"):
        text = f'extends: ["treadle:api"]\noverrides:\n  - files: ["{files}"]\n    rules: {{path-plural: "off"}}\n'
        ruleset.write_text(text)
        result = check()
        assert (result.exit_code, result.stderr) == (0, "2 contracts read: 1 warning; 1 held back by 1 exemption\n")
        assert (
            "api.spectral.yaml:3:5: warn exemption-incomplete: the exception from path-plural says no" in result.stdout
        )
        assert "exempt path-plural (ruleset; 1 held back, for ever): no reason given" in result.stdout
        ruleset.write_text(text + reason.replace("UNTIL", "2999-12-31"))
        result = check()
        assert (result.exit_code, "warn exemption" in result.stdout) == (0, False)
        assert "exempt path-plural (ruleset; 1 held back, until 2999-12-31): Two apps call it." in result.stdout
        ruleset.write_text(text + reason.replace("UNTIL", "2020-12-31"))
        result = check()
        assert result.exit_code == 1
        assert " warn exemption-expired: the exception from path-plural expired on 2020-12-31" in result.stdout
        assert " block path-plural: " in result.stdout


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_baseline_leaves_what_is_new(fabric):
    edit(fabric / ORDERS, "  /v1/orders:\n", "  /v1/order:\n")
    git(fabric, "init", "-q", "-b", "main")
    git(fabric, "add", ".")
    git(fabric, "commit", "-q", "-m", "begin")
    edit(fabric / ORDERS, "openapi: 3.1.0\n", "# One more line.\nopenapi: 3.1.0\n")
    edit(fabric / ORDERS, "version: 1.0.0", "version: 1.1.0")
    result = check("--baseline", "main")
    assert (result.exit_code, result.stderr) == (
        0,
        "2 contracts read: nothing to complain about; 1 held back by 1 exemption\n",
    )
    edit(fabric / ORDERS, "  /v1/orders/{orderId}:\n", f"{CANCEL}  /v1/orders/{{orderId}}:\n")
    result = check("--baseline", "main")
    assert result.exit_code == 1
    assert [line.split(": ")[1] for line in result.stdout.splitlines() if ": block " in line] == ["block path-verb"]
    (fabric / ORDERS).rename(fabric / "domains/sales/order-book.v1.openapi.yaml")
    edit(fabric / "domains/sales/services.yaml", "sales.orders.v1", "sales.order-book.v1")
    git(fabric, "add", ".")
    result = check("--baseline", "main")
    assert [line.split(": ")[1] for line in result.stdout.splitlines() if ": block " in line] == ["block path-verb"]
    with pytest.raises(InputError) as error:
        check("--baseline", "gone")
    assert error.value.code == "no-revision"


def test_a_baseline_is_what_contracts_are_compared_with_where_nothing_is_live(fabric):
    git(fabric, "init", "-q", "-b", "main")
    git(fabric, "add", ".")
    git(fabric, "commit", "-q", "-m", "begin")
    edit(fabric / ORDERS, "maxLength: 64", "maxLength: 32")
    edit(fabric / ORDERS, "version: 1.0.0", "version: 1.1.0")
    assert check().exit_code == 0
    result = check("--baseline", "main")
    assert (result.exit_code, result.stderr) == (1, "2 contracts read: 2 blocking\n")
    assert " block request-parameter-max-length-decreased: " in result.stdout
    assert " block version-too-low: " in result.stdout
    LiveSet(fabric / ".treadle/live").put(read_contract(ORDERS, read_files(fabric))[0])
    assert check("--baseline", "main").exit_code == 0


def test_a_baseline_outside_of_a_workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("TREADLE_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "orders.v1.openapi.yaml"
    file.write_text("openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {}\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "begin")
    assert check(file).exit_code == 1
    assert check(file, "--baseline", "HEAD").exit_code == 0
    edit(file, "paths: {}", "paths: {/orders: {}}")
    result = check(file, "--baseline", "HEAD")
    assert " block path-major: " in result.stdout
    assert " block version-not-raised: " in result.stdout
