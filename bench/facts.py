"""Facts a second of the fact log, by group size, beside raw write + fdatasync of the same bytes in the same run.

    python bench/facts.py [--json] [--seconds 2]

The ratio is what to compare between machines: how much of what the disk can do the log gives.
"""

import argparse
import json
import os
import secrets
import tempfile
import time
from pathlib import Path

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog, read_log
from treadle.facts.trail import Trail


def call():
    return Fact(
        FactKind.CALL,
        time.time_ns() // 1000,
        Outcome.OK,
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        subject="s_" + secrets.token_hex(8),
        consumer="demo-app",
        domain="sales",
        contract="sales.orders.v1@1.0.0#3f9c2a1b04de",
        operation="listOrders",
        status=200,
        duration_us=4100,
        bytes_in=120,
        bytes_out=2048,
        cost_units=3,
    )


def rate(step, facts, seconds):
    """Facts a second of `step`, which takes `facts` each time."""
    step()
    count, begin = 0, time.perf_counter()
    while (took := time.perf_counter() - begin) < seconds:
        step()
        count += 1
    return count * facts / took


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--folder", help="where to write; a temporary folder if not given")
    given = options.parse_args()
    rows = []
    for size in (1, 50, 500):
        facts = [call() for _ in range(size)]
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            folder = Path(name)
            with FactLog(folder / "log") as log:
                appended = rate(
                    lambda log=log, facts=facts: log.append(facts, {"gateway": {"at": 1}}), size, given.seconds
                )
                bytes_each = sum(path.stat().st_size for path in folder.glob("log/wal-*")) / log.last_seq
                frame = os.urandom(int(bytes_each * size))
            fd = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

            def raw(fd=fd, frame=frame):
                os.write(fd, frame)
                os.fdatasync(fd)

            synced = rate(raw, size, given.seconds)
            os.close(fd)
            begin = time.perf_counter()
            read = sum(1 for _ in read_log(folder / "log"))
            read_rate = read / (time.perf_counter() - begin)
            begin = time.perf_counter()
            with Trail(folder / "log" / "trail.sqlite") as trail:
                index_rate = trail.catch_up(lambda after, at=folder / "log": read_log(at, after)) / (
                    time.perf_counter() - begin
                )
        rows.append(
            {
                "group": size,
                "facts_per_s": round(appended),
                "raw_facts_per_s": round(synced),
                "ratio_to_raw": round(appended / synced, 3),
                "bytes_per_fact": round(bytes_each),
                "read_facts_per_s": round(read_rate),
                "read_and_index_facts_per_s": round(index_rate),
            }
        )
    if given.json:
        print(json.dumps({"bench": "facts", "rows": rows}, indent=2))
    else:
        for row in rows:
            print("  ".join(f"{name} {value:>9}" for name, value in row.items()))


if __name__ == "__main__":
    main()
