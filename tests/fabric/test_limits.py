"""Quotas and throttles on a running fabric: counted from facts, in force at the gateway, remembered over restarts."""

import json
import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from harness import start, stop, wait_for

from treadle.cli.apply import ask_control
from treadle.control.state import State
from treadle.facts.fact import FactKind
from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
QUOTA = 40


@pytest.fixture(scope="module")
def fabric():
    """A fabric whose settings may be changed for good."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)


def ask(fabric, client):
    """Status, code and Retry-After of one call."""
    reply = fabric.call("GET", "/v1/orders", token=fabric.token(client))
    return reply.status, reply.json().get("code", "") if reply.status >= 400 else "", reply.headers.get("retry-after")


def control_killed(fabric):
    pid = fabric.process("control")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: fabric.process("control")["pid"] not in (pid, None) and fabric.is_ready(), "control to be back")


def quota_of(fabric, consumer, window="day"):
    rows = ask_control(State(fabric.root), fabric.run, "GET", "/control/status").json()["quotas"]
    return next(row for row in rows if (row["consumer"], row["window"]) == (consumer, window))


def audited(fabric, verb):
    """The decisions of one kind that are in the audit log."""
    with Trail.of_folder(fabric.root / ".treadle" / "facts") as trail:
        return [fact for fact in trail.recent(10_000, kinds=[FactKind.DECISION]) if fact.operation == verb]


def tier(fabric, new):
    settings = fabric.root / "treadle.yaml"
    text = settings.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("  bronze:")]
    settings.write_text(text.replace(line, new))
    fabric.treadle("apply")


def test_a_throttle_is_in_force_when_the_verb_returns_and_over_restarts_and_until_it_is_lifted(fabric):
    assert ask(fabric, "demo-app")[0] == 200
    done = fabric.treadle("throttle", "demo-app", "--to", "1/h", "--for", "1h", "--reason", "a loop of retries")
    assert done.stdout.startswith("demo-app gets 1/h for ")
    assert ask(fabric, "demo-app")[0] == 200
    status, code, wait = ask(fabric, "demo-app")
    assert (status, code) == (429, "THROTTLED")
    assert int(wait) > 0
    control_killed(fabric)
    (row,) = json.loads(fabric.treadle("throttle", "--list", "--format", "json").stdout)["throttles"]
    assert (row["consumer"], row["reason"]) == ("demo-app", "a loop of retries")
    assert ask(fabric, "demo-app")[:2] == (429, "THROTTLED")
    assert "slowed down   demo-app to 1/h for " in fabric.treadle("status").stdout
    assert json.loads(fabric.treadle("status", "--format", "json").stdout)["throttles"] == [row]
    (fact,) = audited(fabric, "throttle")
    assert fact.consumer == "demo-app"
    assert "a loop of retries" in fact.detail
    fabric.treadle("throttle", "demo-app", "--lift")
    assert ask(fabric, "demo-app")[0] == 200
    assert "nobody" in fabric.treadle("throttle", "--list").stdout
    again = fabric.treadle("throttle", "demo-app", "--lift", check=False)
    assert (again.returncode, "not-throttled" in again.stderr) == (3, True)


def test_a_throttle_ends_by_itself(fabric):
    token = fabric.token("demo-app")
    fabric.treadle("throttle", "demo-app", "--to", "1/h", "--for", "10s")
    statuses = [fabric.call("GET", "/v1/orders", token=token).status for _ in range(2)]
    assert statuses[-1] == 429
    wait_for(lambda: fabric.call("GET", "/v1/orders", token=token).status == 200, "the throttle to end")
    assert json.loads(fabric.treadle("throttle", "--list", "--format", "json").stdout)["throttles"] == []


def test_a_throttle_and_an_apply_at_once_both_hold(fabric):
    """They take turns at the gateway, and neither undoes the other."""
    settings = fabric.root / "treadle.yaml"
    text = settings.read_text()
    assert "{requests: 100, per_s: 1, burst: 200" in text
    settings.write_text(text.replace("{requests: 100, per_s: 1, burst: 200", "{requests: 100, per_s: 1, burst: 150"))
    applying = threading.Thread(target=fabric.treadle, args=["apply"])
    applying.start()
    fabric.treadle("throttle", "demo-app", "--to", "1/h", "--for", "1h")
    applying.join(60)
    token = fabric.token("billing")
    assert fabric.call("GET", "/v1/orders", token=token).headers["x-ratelimit-limit"] == "150"
    assert [ask(fabric, "demo-app")[:2] for _ in range(2)][-1] == (429, "THROTTLED")
    fabric.treadle("throttle", "demo-app", "--lift")
    assert ask(fabric, "demo-app")[0] == 200


def test_who_is_unknown_is_asked_about(fabric):
    done = fabric.treadle("throttle", "demo-ap", "--to", "1/s", check=False)
    assert done.returncode == 3
    assert "did you mean demo-app" in done.stderr
    fabric.treadle("throttle", "demo-ap", "--to", "1/s", "--unlisted")
    fabric.treadle("throttle", "demo-ap", "--lift")


def test_a_used_up_day_is_refused_remembered_and_lifted_by_a_larger_tier(fabric):
    tier(fabric, f"  bronze: {{requests: 1000, per_s: 1, day: {QUOTA}}}")
    token = fabric.token("partner")
    statuses = []

    def called():
        statuses.append(fabric.call("GET", "/v1/orders", token=token).status)
        return statuses[-1] == 429

    wait_for(called, "the quota to be used up")
    assert set(statuses[:-1]) == {200}
    assert len(statuses) > QUOTA
    status, code, wait = ask(fabric, "partner")
    assert (status, code) == (429, "QUOTA_EXCEEDED")
    assert 0 < int(wait) <= 86_400
    assert ask(fabric, "demo-app")[0] == 200
    assert "out of quota  partner: " in fabric.treadle("status").stdout
    used = quota_of(fabric, "partner")
    assert used["used"] == len(statuses) - 1, "what was let through is counted, what was refused is not"
    control_killed(fabric)
    assert ask(fabric, "partner")[:2] == (429, "QUOTA_EXCEEDED")
    assert quota_of(fabric, "partner") == used
    tier(fabric, f"  bronze: {{requests: 1000, per_s: 1, day: {10 * QUOTA}}}")
    assert ask(fabric, "partner")[0] == 200
    assert [fact.consumer for fact in audited(fabric, "quota-used-up")] == ["partner"]
    wait_for(lambda: audited(fabric, "quota-lifted"), "the lifting to be told")
