"""A collector of one access log in a process of its own, to be killed: ACCESS_LOG FACTS ADMIN_PORT PID."""

import asyncio
import sys
import time
from pathlib import Path

from treadle.control.collect import Collector, CountedSource, EngineCount, LogFileSource
from treadle.facts.log import FactLog
from treadle.facts.subjects import SubjectBook
from treadle.facts.trail import Trail
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings
from treadle.gateway.logs import fact_of


async def collect(access_log, facts, admin_port, pid):
    engine = EnvoyEngine.find({})
    node = NodeSettings(str(access_log.parent), 0, admin_port)

    async def count():
        stats = await engine.stats(node)
        return EngineCount(pid, 0, stats.completed, stats.log_lines_lost)

    now_us = lambda: time.time_ns() // 1000  # noqa: E731
    calls = CountedSource(LogFileSource("gateway", access_log, fact_of), count, now_us=now_us, every_s=0.1)
    with (
        FactLog(facts) as log,
        Trail(facts / "trail.sqlite") as trail,
        SubjectBook(facts / "subjects.sqlite") as subjects,
    ):
        await Collector(log, trail, subjects, [calls]).run()


if __name__ == "__main__":
    asyncio.run(collect(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
