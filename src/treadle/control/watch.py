"""What the control process sees of its fabric, answered at once from memory: for the console and for tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from treadle.contract.model import Workspace
from treadle.control.decide import Action
from treadle.control.gauges import Gauges
from treadle.control.metering import Quota
from treadle.control.reconcile import Reconciler
from treadle.control.runfile import Run, alive, read_run
from treadle.control.state import State
from treadle.gateway.platform import platform_contract
from treadle.insight.attention import RefusedVersion
from treadle.insight.state import Engine
from treadle.insight.state import Run as EngineRun

if TYPE_CHECKING:
    from treadle.control.collect import Collector

_RUNS = {
    "ready": EngineRun.UP,
    "waiting": EngineRun.STARTING,
    "starting": EngineRun.STARTING,
    # It runs, and does nothing for anybody; the detail says which of the two it is.
    "hanging": EngineRun.DOWN,
    "unready": EngineRun.DOWN,
    "backoff": EngineRun.DOWN,
    "stopped": EngineRun.DOWN,
}


@dataclass(slots=True)
class Watch:
    """Looks at run.json, the reconciler, the collector and Envoy. `began_us` is when this process began."""

    state: State
    reconciler: Reconciler
    gauges: Gauges
    quotas: Callable[[], Sequence[Quota]]
    collector: Collector | None = None
    began_us: int = field(default_factory=lambda: time.time_ns() // 1000)
    _refused_at_us: dict[tuple[str, str], int] = field(default_factory=dict)
    _run: tuple[int, Run | None] = (0, None)

    def workspace(self) -> Workspace:
        """The settings with the contracts that are live, treadle's own among them."""
        compiled = self.reconciler.current
        if compiled is None:
            raise AssertionError("prepare comes first")
        return replace(compiled.desired.workspace, contracts=(platform_contract(), *compiled.desired.contracts))

    def refused(self) -> Sequence[RefusedVersion]:
        """What the last apply refused."""
        compiled = self.reconciler.current
        if compiled is None:
            return ()
        found: list[RefusedVersion] = []
        for each in compiled.desired.decisions:
            if each.action is Action.REFUSE:
                at_us = self._refused_at_us.setdefault((each.contract, each.wanted), time.time_ns() // 1000)
                version = each.wanted.partition("@")[2].partition("#")[0]
                found.append(RefusedVersion(each.contract, version, at_us, each.findings))
        return found

    def engines(self) -> Sequence[Engine]:
        """Every process as it is now, and the collector."""
        rows = (self._read() or {"processes": []})["processes"]
        return [*(_engine(row) for row in rows), self._collector()]

    def process(self, name: str) -> dict[str, Any] | None:
        """One process's row of run.json."""
        rows = (self._read() or {"processes": []})["processes"]
        return next((row for row in rows if row["name"] == name), None)

    def _read(self) -> Run | None:
        """run.json, parsed once for each change."""
        try:
            changed_ns = os.stat(self.state.run_file).st_mtime_ns  # noqa: PTH116 - asked on every tick
        except FileNotFoundError:
            return None
        if self._run[0] != changed_ns:
            self._run = (changed_ns, read_run(self.state))
        return self._run[1]

    def _collector(self) -> Engine:
        failed = [each for each in self.collector.status() if each.state == "failed"] if self.collector else []
        # A stream's source fails while NATS is away; that is NATS's trouble, and it is shown there.
        calls = [each for each in failed if not each.name.startswith("bus:")]
        if not calls:
            return Engine("collector", EngineRun.UP, self.began_us)
        since_us = max((each.last_us or self.began_us) for each in calls)
        return Engine("collector", EngineRun.DOWN, since_us, calls[0].error)


def _engine(row: dict[str, Any]) -> Engine:
    run = _RUNS[row["state"]]
    detail = f"{row['state']}: {row['detail']}" if row["state"] in {"hanging", "unready"} else row["detail"]
    if run is EngineRun.UP and not alive(row["pid"]):
        run, detail = EngineRun.DOWN, "died just now"
    return Engine(row["name"], run, int(row["since"] * 1_000_000), detail)
