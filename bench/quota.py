"""How far a used-up quota overshoots, how soon a throttle holds, and what counting a fact costs.

Usage: python bench/quota.py [--json] [--rounds N] [--rate N]
A demo fabric in a folder of its own; a consumer calls at a steady rate past its day's quota. The overshoot is the time
between the call that used it up and the last one that was let through; medians and the worst of the rounds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from treadle.cli.apply import ask_control
from treadle.control.metering import Meter
from treadle.control.state import State
from treadle.facts.fact import Fact, FactKind, Outcome

ACME = Path(__file__).parents[1] / "examples" / "acme"
QUOTA = 500
GOALS = {"quota_overshoot_s": 5.0, "quota_overshoot_s_max": 5.0, "throttle_live_ms": 1_000.0}


class Bench:
    """A fabric that runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.quota = 0
        self.treadle("demo", "--detach")
        self.run = json.loads((root / ".treadle" / "run.json").read_bytes())

    def treadle(self, *arguments: str) -> str:
        env = {**os.environ, "TREADLE_WORKSPACE": str(self.root), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "treadle.cli.main", *arguments], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def more_quota(self) -> None:
        """The partner may make so many calls more."""
        self.quota = self.used() + QUOTA
        settings = self.root / "treadle.yaml"
        lines = settings.read_text().splitlines()
        row = f"  bronze: {{requests: 100000, per_s: 1, day: {self.quota}}}"
        settings.write_text("\n".join(row if line.startswith("  bronze:") else line for line in lines) + "\n")
        self.treadle("apply")

    def used(self) -> int:
        rows = ask_control(State(self.root), self.run, "GET", "/control/status").json()["quotas"]
        return next((row["used"] for row in rows if (row["consumer"], row["window"]) == ("partner", "day")), 0)

    def calls(self, client: str, rate: float, until_status: int) -> list[tuple[float, int]]:
        """When each call was answered and how, at a steady rate, until an answer has that status and a second more."""
        port = int(self.run["gateway"].rpartition(":")[2])
        context = ssl.create_default_context(cafile=self.run["ca"]) if "ca" in self.run else None
        make = (
            (lambda: http.client.HTTPSConnection("127.0.0.1", port, context=context))
            if context
            else (lambda: http.client.HTTPConnection("127.0.0.1", port))
        )
        headers = {"authorization": f"Bearer {self.treadle('token', '--client', client).strip()}"}
        connection = make()
        seen: list[tuple[float, int]] = []
        end = None
        due = time.perf_counter()
        while end is None or time.perf_counter() < end:
            connection.request("GET", "/v1/orders", headers=headers)
            answer = connection.getresponse()
            answer.read()
            seen.append((time.perf_counter(), answer.status))
            if answer.status == until_status and end is None:
                end = time.perf_counter() + 1
            due += 1 / rate
            time.sleep(max(0.0, due - time.perf_counter()))
        connection.close()
        return seen


def overshoot(bench: Bench, rate: float) -> tuple[float, int]:
    """Seconds and calls beyond the quota."""
    bench.more_quota()
    passed = [at for at, status in bench.calls("partner", rate, 429) if status == 200]
    return passed[-1] - passed[QUOTA - 1], len(passed) - QUOTA


def throttle_live_ms(bench: Bench) -> float:
    """From the request to the control process to the first call that is refused, with calls going on."""
    seen: list[tuple[float, int]] = []
    caller = threading.Thread(target=lambda: seen.extend(bench.calls("demo-app", 200, 429)))
    caller.start()
    time.sleep(1)
    began = time.perf_counter()
    limit = {"requests": 1, "per_s": 3_600}
    body = json.dumps({"consumer": "demo-app", "limit": limit, "seconds": 60}).encode()
    ask_control(State(bench.root), bench.run, "POST", "/control/throttles", body)
    caller.join()
    ask_control(State(bench.root), bench.run, "DELETE", "/control/throttles/demo-app")
    return (next(at for at, status in seen if status == 429) - began) * 1_000


def count_us(folder: Path) -> float:
    """What counting one fact takes, in microseconds."""
    call = Fact(FactKind.CALL, time.time_ns() // 1_000, Outcome.OK, consumer="partner")
    facts = [replace(call, seq=number) for number in range(1, 100_001)]
    began = time.perf_counter()
    Meter(folder / "quotas.json").add(facts)
    return (time.perf_counter() - began) * 10


@contextmanager
def running() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "acme"
        shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
        bench = Bench(root)
        try:
            yield bench
        finally:
            bench.treadle("down")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=300.0, help="calls a second")
    asked = parser.parse_args()
    with running() as bench:
        beyond = [overshoot(bench, asked.rate) for _ in range(asked.rounds)]
        live = [throttle_live_ms(bench) for _ in range(asked.rounds)]
        counting = statistics.median(count_us(bench.root) for _ in range(5))
    found = {
        "quota_overshoot_s": statistics.median(seconds for seconds, _ in beyond),
        "quota_overshoot_s_max": max(seconds for seconds, _ in beyond),
        "quota_overshoot_calls": statistics.median(calls for _, calls in beyond),
        "throttle_live_ms": statistics.median(live),
        "throttle_live_ms_max": max(live),
        "count_fact_us": counting,
    }
    rounded = {name: round(value, 3) for name, value in found.items()}
    if asked.json:
        print(json.dumps(rounded))
        return
    for name, value in rounded.items():
        goal = GOALS.get(name)
        print(f"{name:24} {value:12.3f}" + (f"   goal at most {goal:g}" if goal is not None else ""))


if __name__ == "__main__":
    main()
