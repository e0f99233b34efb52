"""Every call has one fact, whatever happens to the log and to its reader meanwhile. A real Envoy under load."""

import asyncio
import itertools
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from treadle.facts.fact import FactKind
from treadle.facts.log import read_log

pytestmark = pytest.mark.engine
COLLECTING = Path(__file__).with_name("collecting.py")
ROUNDS = 4
CLIENTS = 4


@contextmanager
def calling(world):
    """Clients that call without a pause; gives the trace ids of the calls that were answered."""
    ended, answered = threading.Event(), []

    def call():
        with httpx.Client(base_url=world.url, trust_env=False, timeout=10) as client:
            headers = world.bearer("demo-app")
            # What is refused and what no route takes has a fact too.
            for path, shown in itertools.cycle([("/v1/customers", headers), ("/v1/customers", {}), ("/nowhere", {})]):
                if ended.is_set():
                    return
                answered.append(client.get(path, headers=shown).headers["x-trace-id"])

    threads = [threading.Thread(target=call) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)


@contextmanager
def collecting(world, process, facts):
    """A collector; it is killed in the end."""
    log, admin = world.node.access_log, str(world.node.admin_port)
    argv = [sys.executable, str(COLLECTING), log, str(facts), admin, str(process.pid)]
    collector = subprocess.Popen(argv)
    try:
        yield
    finally:
        collector.kill()
        collector.wait(10)


def test_no_fact_is_lost_or_doubled_over_rotations_and_killed_collectors(fresh, tmp_path):
    facts = tmp_path / "facts"
    facts.mkdir(mode=0o700)
    access_log = Path(fresh.node.access_log)
    stored = lambda: list(read_log(facts))  # noqa: E731

    with calling(fresh) as answered:
        for turn in range(ROUNDS):
            with collecting(fresh, fresh.processes[0], facts):
                before = len(stored())
                fresh.until(lambda before=before: len(stored()) > before + 20, 30)
                access_log.rename(access_log.with_name(f"access.log-{turn:08}"))
                asyncio.run(fresh.engine.reopen_log(fresh.node))
                if turn % 2:
                    # Killed among the lines of the new file; else among those of the old one.
                    before = len(stored())
                    fresh.until(lambda before=before: len(stored()) > before + 20, 30)
            # Nobody reads for a while, and the log is rotated meanwhile.
            count = len(answered)
            fresh.until(lambda count=count: len(answered) > count + 20, 30)

    with collecting(fresh, fresh.processes[0], facts):
        fresh.until(lambda: len(stored()) >= len(answered), 30)
        # Whatever it would add, it adds within these reads.
        count = asyncio.run(fresh.engine.stats(fresh.node)).completed
        found = stored()
    assert {fact.kind for fact in found} == {FactKind.CALL}
    assert Counter(fact.trace_id for fact in found) == Counter(answered)
    assert len(set(answered)) == len(answered) == count > 100


def test_what_comes_back_from_the_guard_hop_is_no_call_of_its_own(fresh):
    before = asyncio.run(fresh.engine.stats(fresh.node))
    with httpx.Client(transport=httpx.HTTPTransport(uds=fresh.node.onward), trust_env=False) as hop:
        answers = [hop.get("http://onward/", headers={"x-treadle-operation": "a.b.v1/c"}) for _ in range(5)]
    assert not any(answer.is_success for answer in answers)
    with httpx.Client(base_url=fresh.url, trust_env=False) as client:
        client.get("/v1/public")
    fresh.until(fresh.lines)
    after = asyncio.run(fresh.engine.stats(fresh.node))
    assert (after.completed - before.completed, len(fresh.lines())) == (1, 1)
