"""Appends numbered facts from where its offset stands and prints each number that is acknowledged."""

import itertools
import sys
from pathlib import Path

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog

log = FactLog(Path(sys.argv[1]), segment_bytes=int(sys.argv[2]))
at = log.offsets().get("counter", 0)
for size in itertools.cycle((1, 7, 30)):
    log.append(
        [Fact(FactKind.CALL, at + n + 1, Outcome.OK, detail="x" * n) for n in range(size)], {"counter": at + size}
    )
    at += size
    print(at, flush=True)
