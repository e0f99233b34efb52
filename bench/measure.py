"""Time and memory of whole processes, one beside the other in the same run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TREADLE = [str(Path(sys.executable).parent / "treadle")]


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds` of wall time; `megabytes` of peak memory of the process and those that it waited for."""

    seconds: float
    megabytes: float


def once(command: list[str], *, cwd: Path | None = None, fine: tuple[int, ...] = (0, 1)) -> Cost:
    """Run a command whose output nobody reads. Ends the bench where it fails: a failure is quick and proves nothing."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = code = os.waitstatus_to_exitcode(status)
    said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if code not in fine:
        sys.exit(f"{' '.join(command)} ended with {code}:\n{said[-2000:]}")
    return Cost(took, usage.ru_maxrss / 1024)


def side_by_side(commands: dict[str, list[str]], runs: int, **options: object) -> dict[str, Cost]:
    """The median cost of each command. They take turns, so that a slow moment of the machine hits all alike."""
    seen: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seen[name].append(once(command, **options))  # type: ignore[arg-type]
    return {
        name: Cost(
            statistics.median(each.seconds for each in costs), statistics.median(each.megabytes for each in costs)
        )
        for name, costs in seen.items()
    }


def ratios(document: str, costs: dict[str, Cost], ours: str = "treadle") -> dict[str, float]:
    """`stripe_vs_spectral_time`, `stripe_vs_spectral_rss`, …: ours as a share of each peer's."""
    mine = costs[ours]
    return {
        f"{document}_vs_{name}_{what}": round(share, 3)
        for name, cost in costs.items()
        if name != ours
        for what, share in (("time", mine.seconds / cost.seconds), ("rss", mine.megabytes / cost.megabytes))
    }
