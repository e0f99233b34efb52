"""`treadle trace` and `treadle audit`, as people and programs see them, with no fabric running."""

import re
import subprocess
import sys

import orjson
import pytest
from tests.facts.made import call

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog
from treadle.facts.subjects import SubjectBook

T = "4b" * 16
ORDERS = "sales.orders.v1@1.0.0#aaaaaaaaaaaa"
AT = 1763812345678901


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("acme")
    (root / "treadle.yaml").write_text("name: acme\n")
    folder = root / ".treadle" / "facts"
    with FactLog(folder) as log, SubjectBook(folder / "subjects.sqlite") as book:
        anna = book.pseudonym("anna@example.com", create=True)
        log.append(
            [
                call(
                    AT,
                    trace_id=T,
                    span_id="a" * 16,
                    consumer="demo-app",
                    operation="getOrder",
                    status=200,
                    subject=anna,
                ),
                Fact(FactKind.EVENT, AT + 2000, Outcome.OK, T, "b" * 16, "a" * 16, event_id="E-1", contract=ORDERS),
                call(AT + 3000, consumer="x\x1b[2J", operation="other", status=404),
            ]
        )
    return root


def treadle(workspace, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "treadle.cli.main", *arguments, "--workspace", workspace],
        capture_output=True,
        text=True,
        check=False,
    )


def test_trace_draws_the_tree_of_any_id(workspace):
    drawn = [treadle(workspace, "trace", id) for id in (T, "E-1", "b" * 16, f"00-{T}-{'a' * 16}-01")]
    assert {(each.returncode, each.stderr) for each in drawn} == {(0, "")}
    assert len({each.stdout for each in drawn}) == 1
    title, first, second = drawn[0].stdout.splitlines()
    assert title == f"trace {T}  2025-11-22 11:52:25.678Z  2 facts  2.0 ms"
    assert re.fullmatch(r"└─ \+0 ms +0\.0 ms  call +demo-app  getOrder  200", first)
    assert re.fullmatch(rf"   └─ \+2 ms  0\.0 ms  event  - +- +ok +{ORDERS}", second)


def test_trace_for_programs(workspace):
    done = treadle(workspace, "trace", "E-1", "--format", "json")
    document = orjson.loads(done.stdout)
    assert document["id"] == "E-1"
    assert [(fact["kind"], fact["parent_span_id"]) for fact in document["facts"]] == [("call", ""), ("event", "a" * 16)]


def test_an_unknown_id_says_what_to_do(workspace):
    done = treadle(workspace, "trace", "5c" * 16)
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown-id" in done.stderr
    assert "within a second" in done.stderr


@pytest.mark.parametrize("id", ["a b", "'; DROP TABLE facts --", "\x1b[2J", ""])
def test_what_is_no_id_is_a_usage_error_and_not_printed_back(workspace, id):
    done = treadle(workspace, "trace", id)
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid-id" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_workspace_where_nothing_ran_says_so(tmp_path):
    (tmp_path / "treadle.yaml").write_text("name: new\n")
    done = treadle(tmp_path, "trace", T)
    assert done.returncode == 1
    assert "treadle up" in done.stderr
    done = treadle(tmp_path, "audit", "--subject", "anna")
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["treadle.yaml"]


def test_audit_lists_by_subject_contract_and_time_and_never_prints_a_person(workspace):
    everything = treadle(workspace, "audit")
    assert everything.stdout.count("\n") == 3
    assert "\x1b" not in everything.stdout
    one = treadle(workspace, "audit", "--subject", "anna@example.com")
    (line,) = one.stdout.splitlines()
    pseudonym = re.search(r"s_[0-9a-f]{16}", line)[0]
    assert "anna" not in everything.stdout + one.stdout
    assert treadle(workspace, "audit", "--subject", pseudonym).stdout == one.stdout
    facts = orjson.loads(treadle(workspace, "audit", "--contract", "sales.orders.v1", "--format", "json").stdout)[
        "facts"
    ]
    assert [fact["event_id"] for fact in facts] == ["E-1"]
    newest = treadle(workspace, "audit", "--limit", "1")
    assert newest.stdout.split() == everything.stdout.splitlines()[-1].split()
    assert treadle(workspace, "audit", "--since", "2025-11-22").stdout == everything.stdout
    assert treadle(workspace, "audit", "--since", "1h").stdout == ""


def test_audit_of_a_person_nobody_knows_shows_nothing_and_says_why(workspace):
    done = treadle(workspace, "audit", "--subject", "bert", "--format", "json")
    assert orjson.loads(done.stdout) == {"subject": "", "facts": []}
    assert "erased" in done.stderr


@pytest.mark.parametrize("wrong", [("--since", "yesterday"), ("--contract", "a b"), ("--limit", "0")])
def test_audit_refuses_what_it_does_not_understand(workspace, wrong):
    assert treadle(workspace, "audit", *wrong).returncode == 2


def test_a_workspace_that_never_ran_has_no_facts(tmp_path):
    (tmp_path / "treadle.yaml").write_text("name: acme\n")
    said = treadle(tmp_path, "audit")
    assert (said.returncode, said.stdout) == (0, "")
    assert "No fact matches" in said.stderr
