"""A disk that fills under traffic, a real one of 64 MB: the gateway serves on, and nothing acknowledged is lost.

Needs the right to mount a tmpfs (root).
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import ACME, Fabric, stop, wait_for
from tests.soak.traffic import (
    Traffic,
    assert_all_kept,
    call,
    journal,
)

from treadle.facts.fact import FactKind
from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
DISK_BYTES = 64 << 20


@pytest.fixture
def workspace():
    """A copy of acme whose `.treadle` is a disk of its own."""
    with tempfile.TemporaryDirectory(prefix="treadle-soak-") as folder:
        root = Path(folder) / "acme"
        shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
        state = root / ".treadle"
        state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "soak", str(state)], check=True)
        try:
            yield Fabric(root)
        finally:
            subprocess.run(["umount", "--lazy", str(state)], check=True)


@pytest.fixture
def fabric(workspace):
    workspace.treadle("demo", "--detach")
    yield workspace
    stop(workspace)


@contextmanager
def full(fabric):
    """No byte is free for the length of the block."""
    filler = fabric.root / ".treadle" / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break
        assert shutil.disk_usage(filler.parent).free == 0
        try:
            yield
        finally:
            filler.unlink()


def control_status(fabric):
    token = (fabric.root / ".treadle" / "secrets" / "control-token").read_text().strip()
    said = call("page", fabric.run["console"] + "/control/status", headers={"authorization": f"Bearer {token}"})
    return json.loads(said.body)


def calls_without_a_fact(fabric, traffic):
    """How many answered calls have no fact, and how many facts are said to be missing."""
    with Trail.of_folder(fabric.root / ".treadle" / "facts") as trail:
        known = {fact.trace_id for fact in trail.search(kinds=[FactKind.CALL], limit=10_000)}
        gaps = trail.search(kinds=[FactKind.GAP], limit=10_000)
    told = {each.trace for each in traffic.told if each.what != "page" and each.status >= 200}
    return len(told - known), sum(fact.missing for fact in gaps)


def kill(fabric, name):
    """kill -9; it is another process when this returns."""
    before = fabric.process(name)
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: fabric.process(name)["restarts"] > before["restarts"], f"{name} to be started again")


def test_a_full_disk_under_traffic(fabric):
    with Traffic(fabric, "disk") as traffic:
        wait_for(lambda: len(traffic.kept) > 20 and len(traffic.of("call")) > 20, "traffic")
        with full(fabric):
            began = max(each.began for each in traffic.told)

            # Events are refused, calls are served on, and the reason stands in every place where one looks.
            wait_for(lambda: any(each.status == 503 for each in traffic.of("event", began)), "an event to be refused")
            wait_for(
                lambda: any("facts-disk-full" in each["error"] for each in control_status(fabric)["sources"]),
                "the collector to say that it has no room",
            )
            wait_for(lambda: fabric.process("nats")["state"] == "unready", "NATS to say that it has no room")
            done = fabric.treadle("status", check=False)
            assert done.returncode == 4
            assert "no space left on device" in done.stdout
            page = json.loads(call("page", fabric.run["console"] + "/overview.json").body)
            assert {"nats is down", "collector is down"} <= {each["what"] for each in page["attention"]}
            assert all(each.status in (200, 429) for each in traffic.of("call", began))

            # What dies now comes back, and the supervisor, which cannot write a new file, tells of it all the same.
            for name in ("guard", "orders-api", "nats"):
                kill(fabric, name)
            again = max(each.began for each in traffic.told)
            wait_for(lambda: any(each.status == 200 for each in traffic.of("call", again)), "calls to be served")
            events = len(traffic.kept)
            wait_for(lambda: fabric.process("nats")["state"] == "unready", "NATS to say so again")
            assert len(traffic.kept) - events <= 2, "events were acknowledged though there is no room"
        wait_for(fabric.is_ready, "everything to be ready again")
        since = max(each.began for each in traffic.told)
        wait_for(lambda: any(each.status == 202 for each in traffic.of("event", since)), "events to be taken again")
        natively = sum("-N-" in id for id in traffic.kept)
        wait_for(lambda: sum("-N-" in id for id in traffic.kept) > natively, "native events to be taken again")
    for each in traffic.told:
        assert each.what != "page" or each.status == 200, each
    traffic.assert_bounded()
    assert_all_kept(fabric, traffic)

    # Lines of the access log that found no room are counted, without waiting for the end of Envoy.
    def every_call_is_known_or_counted():
        lost, counted = calls_without_a_fact(fabric, traffic)
        return 0 < lost <= counted

    wait_for(every_call_is_known_or_counted, "the gap to be counted")
    assert not any("disk" in problem for problem in control_status(fabric)["problems"])
    ours = [(row["name"], row["state"]) for row in journal(fabric)]
    assert ours.count(("nats", "unready")) == 2
    for name in ("guard", "orders-api"):
        assert ours.count((name, "backoff")) == 1
    assert ours.count(("envoy", "backoff")) == ours.count(("control", "backoff")) == 0


def test_control_that_dies_on_a_full_disk_comes_back_when_there_is_room(fabric):
    """It stores before it says yes, so it cannot work without room; calls do not need it."""
    with Traffic(fabric, "control") as traffic:
        wait_for(lambda: traffic.kept and traffic.of("call"), "traffic")
        with full(fabric):
            kill(fabric, "control")
            began = max(each.began for each in traffic.told)
            wait_for(lambda: fabric.process("control")["restarts"] >= 3, "control to be tried again")
            wait_for(lambda: len(traffic.of("call", began)) > 10, "calls")
            assert all(each.status in (200, 429) for each in traffic.of("call", began))
        wait_for(fabric.is_ready, "everything to be ready again")
        since = max(each.began for each in traffic.told)
        wait_for(lambda: any(each.status == 200 for each in traffic.of("page", since)), "the console to be back")
    assert_all_kept(fabric, traffic)


def test_a_start_on_a_full_disk_says_so(workspace):
    with full(workspace):
        done = workspace.treadle("demo", "--detach", check=False)
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        assert "disk-full" in done.stderr
    workspace.treadle("demo", "--detach")
    stop(workspace)
