"""A process that stands still under traffic (SIGSTOP): callers get an answer in time, and everything heals by itself.

A short hang is told and forgiven; a long one ends in a restart. Nothing that was acknowledged is lost by either.
"""

import json
import os
import signal
from contextlib import contextmanager, suppress

import pytest
from harness import wait_for
from tests.soak.traffic import Traffic, assert_all_kept, assert_facts_of_answered_calls, call, journal

from treadle.control.supervise import ENDED_AFTER, PROBE_S, START_S

pytestmark = pytest.mark.fabric
HUNG_S = PROBE_S * ENDED_AFTER + START_S
"""Where the gateway itself stands still nobody can answer: its callers wait until it is started again."""
NAMES = ["nats", "envoy", "guard", "control", "orders-api", "billing"]


@contextmanager
def stopped(pid):
    """A process that stands still for the length of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def status(fabric):
    done = fabric.treadle("status", "--format", "json", check=False)
    run = json.loads(done.stdout)
    return done.returncode, run["ready"], {row["name"]: row["state"] for row in run["processes"]}


def console_calls_it_down(fabric, name):
    page = json.loads(call("page", fabric.run["console"] + "/overview.json").body)
    return next((each["why"] for each in page["attention"] if each["what"] == f"{name} is down"), None)


def served_again(traffic, since):
    """Every door works again."""
    return lambda: (
        any(each.status == 200 for each in traffic.of("call", since))
        and any(each.status == 202 for each in traffic.of("event", since))
        and any(each.status == 200 for each in traffic.of("page", since))
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_short_hang_is_told_and_forgiven(fabric, name):
    before = fabric.process(name)
    seen = len(journal(fabric))
    with Traffic(fabric, f"short-{name}") as traffic:
        wait_for(lambda: traffic.kept and traffic.of("call"), "traffic")
        with stopped(before["pid"]):
            wait_for(lambda: fabric.process(name)["state"] == "hanging", f"{name} to be found hanging")
            if name != "control":  # the console is control's own
                assert "hanging" in wait_for(lambda: console_calls_it_down(fabric, name), "the console to say so")
            code, ready, states = status(fabric)
            assert (code, ready, states[name]) == (4, False, "hanging")
        wait_for(fabric.is_ready, "everything to be ready again")
        since = max(each.began for each in traffic.told)
        wait_for(served_again(traffic, since), "every door to work again")
    after = fabric.process(name)
    assert (after["pid"], after["restarts"]) == (before["pid"], before["restarts"])
    assert {row["name"] for row in journal(fabric)[seen:] if row["state"] == "hanging"} == {name}
    traffic.assert_bounded(HUNG_S if name == "envoy" else 0)
    assert_all_kept(fabric, traffic)
    assert_facts_of_answered_calls(fabric, traffic)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_hang_ends_in_a_restart(fabric, name):
    before = fabric.process(name)
    seen = len(journal(fabric))
    with Traffic(fabric, f"long-{name}") as traffic:
        wait_for(lambda: traffic.kept and traffic.of("call"), "traffic")
        os.kill(before["pid"], signal.SIGSTOP)
        wait_for(lambda: fabric.process(name)["restarts"] > before["restarts"], f"{name} to be started again")
        wait_for(fabric.is_ready, "everything to be ready again")
        since = max(each.began for each in traffic.told)
        wait_for(served_again(traffic, since), "every door to work again")
    ours = [row for row in journal(fabric)[seen:] if row["name"] == name]
    assert [row["state"] for row in ours] == ["hanging", "backoff", "starting", "ready"]
    assert "hung" in ours[1]["detail"]
    assert {row["name"] for row in journal(fabric)[seen:] if row["restarts"]} >= {name}
    traffic.assert_bounded(HUNG_S if name == "envoy" else 0)
    assert_all_kept(fabric, traffic)
    if name != "envoy":  # lines that a killed Envoy had not handed to the kernel are counted as a gap
        assert_facts_of_answered_calls(fabric, traffic)
