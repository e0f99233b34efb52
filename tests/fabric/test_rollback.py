"""Going back: what was live is live again, for the gateway and in the facts, and the workspace is left alone."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from harness import start, stop

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"


@pytest.fixture(scope="module")
def fabric():
    """A fabric whose contracts may be changed for good."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)


def raised(text, patch):
    return re.sub(r"(?m)^(  version: 1\.0\.)\d+$", rf"\g<1>{patch}", text, count=1)


def served(fabric):
    """The stamp of the contract that answers a call."""
    reply = fabric.call("GET", "/v1/customers?limit=1", token=fabric.token())
    assert reply.status == 200
    (fact,) = [each for each in fabric.facts(reply.headers["x-trace-id"])["facts"] if each["kind"] == "call"][:1]
    return fact["contract"]


def listed(fabric):
    return json.loads(fabric.treadle("rollback", "--list", "--format", "json").stdout)["snapshots"]


def test_what_was_live_before_is_live_again(fabric):
    file = fabric.root / CUSTOMERS
    original = file.read_text()
    first = served(fabric)
    (up,) = listed(fabric)
    assert (up["verb"], up["live"]) == ("up", True)

    file.write_text(raised(original, 7))
    fabric.treadle("apply")
    assert "@1.0.7#" in served(fabric)

    shown = fabric.treadle("rollback", "--plan").stdout
    assert "1.0.7" in shown
    assert "@1.0.7#" in served(fabric), "a plan changes nothing"
    against = fabric.treadle("plan", "--against", up["digest"][:8]).stdout
    assert "1.0.7" in against

    done = fabric.treadle("rollback")
    assert "treadle trace" in done.stderr
    assert f"the workspace on disk differs: {CUSTOMERS}" in done.stderr
    assert served(fabric) == first
    trace = re.search(r"treadle trace ([0-9a-f]{32})", done.stderr)[1]
    whole = next(each for each in fabric.facts(trace)["facts"] if each["operation"] == "rollback")
    assert (whole["kind"], whole["outcome"]) == ("decision", "ok")
    assert up["digest"][:12] in whole["detail"]
    assert [each["verb"] for each in listed(fabric)] == ["up", "apply", "rollback"]
    assert listed(fabric)[-1]["digest"] == up["digest"]

    fabric.treadle("apply")
    assert "@1.0.7#" in served(fabric), "an apply goes forward again"
    said = json.loads(fabric.treadle("rollback", up["digest"][:10], "--format", "json").stdout)
    assert said["digest"] == up["digest"]
    assert said["ahead"] == [CUSTOMERS]
    assert served(fabric) == first


def test_what_is_not_kept_is_named(fabric):
    done = fabric.treadle("rollback", "0000", check=False)
    assert done.returncode == 3
    assert "unknown-snapshot" in done.stderr
    assert "treadle rollback --list" in done.stderr
    assert fabric.treadle("rollback", "--list", "0000", check=False).returncode == 2
