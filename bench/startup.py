"""How long a person waits: for a start, for --help, for an edit to be live, for a source's change to be an event.

Usage: python bench/startup.py [--json] [--rounds N]
Each figure is a median of the rounds, beside its goal; --help also beside the bare interpreter in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import yaml

from treadle.control.remote import request

ACME = Path(__file__).parents[1] / "examples" / "acme"
GOALS_S = {
    "up_ready": 5.0,
    "demo_ready": 5.0,
    "help": 0.12,
    "edit_to_live": 0.5,
    "webhook_to_event": 0.2,
    "poll_to_event": 5.0,
}
TREADLE = [sys.executable, "-m", "treadle.cli.main"]


def run(*arguments, cwd=None):
    done = subprocess.run([*TREADLE, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"treadle {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median(action, rounds):
    return statistics.median(action() for _ in range(rounds))


def measure_help(rounds):
    shim = Path(sys.executable).parent / "treadle"
    ours = median(lambda: timed(lambda: silently([shim, "--help"])), rounds)
    bare = median(lambda: timed(lambda: silently([sys.executable, "-c", "pass"])), rounds)
    return ours, bare


def silently(argv):
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)


def measure_start(workspace, verb, rounds):
    def once():
        took = timed(lambda: run(verb, "--detach", "--workspace", str(workspace)))
        run("down", "--workspace", str(workspace))
        return took

    return median(once, rounds)


def measure_edit(workspace, addresses, rounds):
    """Add a path to an API, apply, and ask the gateway until it asks for a token there (401) instead of 404.

    Everything counts, from writing the file on.
    """
    file = workspace / "domains" / "customer" / "customers.v1.openapi.yaml"
    original = file.read_text()

    document = yaml.safe_load(original)

    def once(round):
        paths = document["paths"]
        paths[f"/v1/probes{round}"] = json.loads(
            json.dumps(paths["/v1/customers"]).replace("listCustomers", f"listProbes{round}")
        )
        major, minor, _ = document["info"]["version"].split(".")
        document["info"]["version"] = f"{major}.{int(minor) + 1}.0"
        text = yaml.safe_dump(document, sort_keys=False)
        live = threading.Event()
        seen = []
        begin = time.perf_counter()

        def watch():
            while request("GET", f"{addresses['gateway']}/v1/probes{round}", ca=addresses.get("ca")).status != 401:
                time.sleep(0.005)
            seen.append(time.perf_counter())
            live.set()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        file.write_text(text)
        run("apply", "--workspace", str(workspace))
        if not live.wait(10):
            sys.exit("the edit never became live")
        return seen[0] - begin

    figures = [once(round) for round in range(rounds)]
    file.write_text(original)
    return statistics.median(figures)


def follow(workspace, channel):
    """A live tail of a channel, as lines with the time at which each was seen."""
    tail = subprocess.Popen(
        [*TREADLE, "events", "tail", channel, "--format", "json", "--workspace", str(workspace)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    seen = []

    def read():
        seen.extend((time.perf_counter(), line) for line in tail.stdout)

    threading.Thread(target=read, daemon=True).start()
    return tail, seen


def measure_source(workspace, channel, change, rounds):
    """Change a record in a system of record; wait until the event is seen by a tail of its channel."""
    tail, seen = follow(workspace, channel)
    time.sleep(1.0)
    figures = []
    try:
        for round in range(rounds):
            begin = time.perf_counter()
            marker = change(round)
            deadline = begin + 15
            while True:
                hit = next((at for at, line in seen if marker in line), None)
                if hit:
                    figures.append(hit - begin)
                    break
                if time.perf_counter() > deadline:
                    sys.exit(f"no event on {channel} for {marker}")
                time.sleep(0.002)
            time.sleep(0.3)
    finally:
        tail.terminate()
        tail.wait()
    return statistics.median(figures)


def address_of(workspace, name):
    status = json.loads((workspace / ".treadle" / "run.json").read_text())
    return next(row["url"] for row in status["processes"] if row["name"] == name)


def send(method, url, body):
    reply = request(method, url, headers={"content-type": "application/json"}, body=json.dumps(body).encode())
    if reply.status >= 300:
        sys.exit(f"{url} answered {reply.status}: {reply.body.decode()}")
    return reply.json()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    rounds = asked.rounds
    figures = {}
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as folder:
        bare = Path(folder) / "bare"
        run("init", str(bare))
        acme = Path(folder) / "acme"
        shutil.copytree(ACME, acme, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
        figures["help"], interpreter = measure_help(rounds * 3)
        figures["up_ready"] = measure_start(bare, "up", rounds)
        figures["demo_ready"] = measure_start(acme, "demo", rounds)
        run("demo", "--detach", "--workspace", str(acme))
        try:
            addresses = json.loads((acme / ".treadle" / "run.json").read_text())
            figures["edit_to_live"] = measure_edit(acme, addresses, rounds)
            crm, erp = address_of(acme, "crm"), address_of(acme, "erp")
            figures["webhook_to_event"] = measure_source(
                acme, "customer.profile.updated.v1", lambda nth: change_customer(crm, nth), rounds
            )
            figures["poll_to_event"] = measure_source(
                acme, "sales.order.created.v1", lambda _: change_order(erp), rounds
            )
        finally:
            run("down", "--workspace", str(acme))
    report = {
        name: {"median_s": round(took, 4), "goal_s": GOALS_S[name], "of_goal": round(took / GOALS_S[name], 2)}
        for name, took in figures.items()
    }
    report["help"]["of_bare_interpreter"] = round(figures["help"] / interpreter, 2)
    if asked.json:
        print(json.dumps(report, indent=2))
        return
    for name, row in report.items():
        print(f"{name:<18}{row['median_s']:>8.3f} s   goal {row['goal_s']:g} s   {row['of_goal']:.2f} of it")


def change_customer(crm, nth):
    person = {"name": f"Bench {nth}", "email": f"bench{nth}@example.com", "country": "SE", "segment": "consumer"}
    return send("POST", f"{crm}/api/customers", person)["id"]


def change_order(erp):
    drafted = {"customer": "C-1001", "total": "10.00", "currency": "EUR"}
    order = send("POST", f"{erp}/api/orders", drafted)["id"]
    send("PATCH", f"{erp}/api/orders/{order}", {"status": "confirmed"})
    return order


if __name__ == "__main__":
    main()
