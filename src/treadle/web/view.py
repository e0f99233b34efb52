"""What the console is given to show. It reads these and nothing else, and writes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from treadle.contract.model import Workspace
from treadle.control.metering import Quota
from treadle.facts.trail import Trail
from treadle.gateway.saturation import Saturation
from treadle.insight.attention import RefusedVersion
from treadle.insight.rollup import Rollup
from treadle.insight.state import Engine


async def _unknown() -> Sequence[Saturation]:
    return ()


@dataclass(frozen=True, slots=True)
class View:
    """Functions are asked anew for each page and each tick; they answer at once, from memory.

    `workspace` gives the settings with the contracts that are live, `refused` the versions that the last apply
    refused, `now_us` Unix time in microseconds. `rollup` is fed by the collector; `trail` finds facts by id. `zone` is
    the time zone in which times are shown. `saturation` asks the gateway how full the upstreams are; it answers within
    a second or with nothing. `quotas` tells what is used of each consumer's.
    """

    workspace: Callable[[], Workspace]
    engines: Callable[[], Sequence[Engine]]
    refused: Callable[[], Sequence[RefusedVersion]]
    rollup: Rollup
    trail: Trail
    now_us: Callable[[], int]
    zone: tzinfo = UTC
    saturation: Callable[[], Awaitable[Sequence[Saturation]]] = _unknown
    quotas: Callable[[], Sequence[Quota]] = tuple
