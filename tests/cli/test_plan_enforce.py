"""`treadle plan --enforce`: whom contracts would refuse, from the facts of the last days. No fabric runs."""

import subprocess
import sys
import time

import orjson
import pytest
from tests.facts.made import call

from treadle.contract.read import read_contract
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog
from treadle.registry.live import LiveSet

NOW_US = time.time_ns() // 1000
HOUR_US = 3_600_000_000
CONTRACT = """
openapi: 3.1.0
info: {{title: Orders, version: 1.0.0, x-treadle: {{domain: sales, owner: shop, enforcement: {how}}}}}
paths:
  /v1/orders:
    get: {{operationId: listOrders, responses: {{"200": {{description: ok}}}}}}
"""
WATCHED = "{auth: observe, validation: warn}"


def write(root, name, how):
    file = root / "domains" / "sales" / f"{name}.v1.openapi.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CONTRACT.format(how=how))
    return file


def serve(root, name, how):
    """As if it had gone live with this enforcement."""
    path = f"domains/sales/{name}.v1.openapi.yaml"
    contract, findings = read_contract(path, {path: CONTRACT.format(how=how).encode()})
    assert contract, findings
    LiveSet(root / ".treadle" / "live").put(contract)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "treadle.yaml").write_text("name: acme\n")
    write(tmp_path, "orders", WATCHED)
    write(tmp_path, "carts", "enforce")
    return tmp_path


def happened(workspace, *facts):
    with FactLog(workspace / ".treadle" / "facts") as log:
        log.append(facts)


def order(ago_h, observed="", *, contract="sales.orders.v1", **more):
    stamp = f"{contract}@1.0.0#aaaaaaaaaaaa"
    return call(NOW_US - ago_h * HOUR_US, contract=stamp, operation="listOrders", observed=observed, **more)


def plan(workspace, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "treadle.cli.main", "plan", *arguments, "--workspace", workspace],
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_was_seen(workspace):
    said = plan(workspace, "--enforce")
    assert (said.returncode, said.stderr) == (
        0,
        "0 calls in 7 days: nobody would be refused, and nothing was seen that could tell\n",
    )
    assert said.stdout.splitlines() == [
        "sales.orders.v1: 0 calls in 7 days",
        "  auth observe -> enforce: nobody would be refused",
        "  validation warn -> enforce: nobody would be refused",
    ]


def test_who_would_be_refused_is_named_and_counted(workspace):
    happened(
        workspace,
        order(1, "FORBIDDEN", consumer="partner"),
        order(2, "FORBIDDEN", consumer="partner"),
        order(3, "UNAUTHENTICATED", peer="spiffe://acme.example/job"),
        order(4, "UNAUTHENTICATED"),
        order(5, "CONTRACT_VIOLATION", consumer="web\x1b[2J"),
        order(6, consumer="web"),
        order(24 * 8, "FORBIDDEN", consumer="long-ago"),
        # It is enforced in this aspect, or altogether: nothing would change.
        order(1, "RATE_LIMIT", consumer="greedy"),
        order(1, "FORBIDDEN", contract="sales.carts.v1", consumer="other"),
        Fact(FactKind.GAP, NOW_US - HOUR_US, Outcome.FAILED, missing=3),
    )
    said = plan(workspace, "--enforce")
    assert said.returncode == 1
    assert said.stderr == (
        "5 calls in 7 days would have been refused, in 1 of 1 contract; at least 3 facts of that time are missing\n"
    )
    lines = said.stdout.splitlines()
    assert lines[0] == "sales.orders.v1: 7 calls in 7 days"
    assert lines[1] == "  auth observe -> enforce: 4 calls of 3 callers would be refused"
    assert lines[2].split("  last ")[0].split() == ["partner", "FORBIDDEN", "listOrders", "2", "calls"]
    assert sorted(line.split()[0] for line in lines[3:5]) == ["(nobody", "spiffe://acme.example/job"]
    assert lines[5] == "  validation warn -> enforce: 1 call of 1 caller would be refused"
    assert "\x1b" not in said.stdout
    assert "long-ago" not in said.stdout


def test_days_and_contract_narrow_it(workspace):
    happened(workspace, order(30, "FORBIDDEN", consumer="partner"), order(1, consumer="web"))
    found = orjson.loads(plan(workspace, "--enforce", "--days", "2", "--format", "json").stdout)
    assert (found["days"], found["missing"], found["refused"]) == (2, 0, 1)
    (contract,) = found["contracts"]
    auth, validation = contract["aspects"]
    assert (contract["contract"], contract["calls"], contract["refused"]) == ("sales.orders.v1", 2, 1)
    assert (auth["aspect"], auth["now"], auth["refused"], validation["who"]) == ("auth", "observe", 1, [])
    (who,) = auth["who"]
    assert who == {
        "code": "FORBIDDEN",
        "operation": "listOrders",
        "consumer": "partner",
        "peer": "",
        "calls": 1,
        "last_us": NOW_US - 30 * HOUR_US,
    }
    said = plan(workspace, "--enforce", "--days", "1")
    assert (said.returncode, said.stderr) == (0, "0 of 1 call in 1 day: nobody would be refused\n")
    said = plan(workspace, "--enforce", "--contract", "sales.carts.v1")
    assert (said.returncode, said.stdout) == (0, "")
    assert said.stderr == "every contract is enforced in every aspect: there is nothing to ask\n"


def test_what_is_live_counts_and_not_what_is_about_to_be(workspace):
    serve(workspace, "orders", WATCHED)
    write(workspace, "orders", "enforce")
    happened(workspace, order(1, "FORBIDDEN", consumer="partner"))
    assert plan(workspace, "--enforce").returncode == 1
    serve(workspace, "orders", "enforce")
    assert plan(workspace, "--enforce").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--days", "3"], "enforce-missing"),
        (["--contract", "sales.orders.v1"], "enforce-missing"),
        (["--enforce", "--contract", "sales.order.v1"], "no-such-contract"),
    ],
)
def test_what_makes_no_sense_is_said(workspace, arguments, code):
    said = plan(workspace, *arguments)
    assert said.returncode == 2
    assert f"error: {code}:" in said.stderr
    assert "did you mean sales.orders.v1?" in said.stderr or code == "enforce-missing"
