"""How long a killed process is missed: `kill -9` of each in turn, until calls through the gateway are answered again.

Usage: python bench/recovery.py [--json] [--rounds N]
A read is asked every 5 ms, a guarded write every 60 ms. The figure is from the kill to the first of ten good answers
in a row; 0 where not one call failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from shutil import copytree, ignore_patterns

from treadle.control.remote import request

ACME = Path(__file__).parents[1] / "examples" / "acme"
TREADLE = [sys.executable, "-m", "treadle.cli.main"]
GOOD_IN_A_ROW = 10
PROCESSES = ("envoy", "hop", "guard", "control", "nats")


def treadle(workspace, *arguments):
    done = subprocess.run([*TREADLE, *arguments], cwd=workspace, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"treadle {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def run_file(workspace):
    return json.loads((workspace / ".treadle" / "run.json").read_bytes())


def is_answered(run, token, call):
    method, path, expected = call
    headers = {"authorization": f"Bearer {token}"}
    body = None
    if method == "POST":
        headers |= {"idempotency-key": str(uuid.uuid4()), "content-type": "application/json"}
        body = b'{"customerId": "C-1001", "amount": 1.5, "currency": "EUR"}'
    try:
        return request(method, run["gateway"] + path, headers=headers, body=body, ca=run["ca"]).status == expected
    except Exception:  # noqa: BLE001 - whatever it is, the call was not answered
        return False


def missed_s(workspace, name, call):
    """Kill one process; how long until calls are answered again."""
    run = run_file(workspace)
    token = treadle(workspace, "token", "--client", "demo-app")
    row = next(each for each in run["processes"] if each["name"] == name)
    os.kill(row["pid"], signal.SIGKILL)
    began = time.perf_counter()
    first_good, good, failed = 0.0, 0, False
    while good < GOOD_IN_A_ROW:
        at = time.perf_counter()
        if is_answered(run, token, call):
            first_good = first_good if good else at
            good += 1
        else:
            good, failed = 0, True
        if at - began > 60:
            sys.exit(f"nothing is answered a minute after {name} was killed")
        time.sleep(0.005 if call[0] == "GET" else 0.06)  # a consumer places at most 20 orders a second
    while not run_file(workspace)["ready"]:
        time.sleep(0.05)
    return first_good - began if failed else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "acme"
        copytree(ACME, workspace, ignore=ignore_patterns(".treadle", "__pycache__"))
        treadle(workspace, "demo", "--detach")
        try:
            for name in PROCESSES:
                for what, call in (("read", ("GET", "/v1/customers", 200)), ("write", ("POST", "/v1/orders", 201))):
                    took = [missed_s(workspace, name, call) for _ in range(asked.rounds)]
                    found[f"{name}_{what}_s"] = round(statistics.median(took), 3)
        finally:
            treadle(workspace, "down")
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:16} {value:8.3f}")


if __name__ == "__main__":
    main()
