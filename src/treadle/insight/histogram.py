"""Latencies in logarithmic buckets: any quantile within two percent, one threshold exact.

Bucket k holds the values in (anchor * 1.04^(k-1), anchor * 1.04^k], so the anchor itself is an edge and the number of
values at or under it is exact. A quantile answers the middle of its bucket, which is off by at most
(1.04 - 1) / (1.04 + 1), that is 1.97 %. Source: Masson, Rim and Lee, "DDSketch", PVLDB 12 (2019), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

GAMMA = 1.04
ERROR_MAX = (GAMMA - 1) / (GAMMA + 1)
CALL_ANCHOR_US = 400_000
LAG_ANCHOR_US = 5_000_000

_LOG_GAMMA = math.log(GAMMA)
_DAY_US = 86_400_000_000


def bucket_of(value_us: int, anchor_us: int) -> int:
    """The bucket of a duration; it is held within 1 us and one day, which bounds the number of buckets to 650."""
    held = min(max(value_us, 1), _DAY_US)
    return math.ceil(math.log(held / anchor_us) / _LOG_GAMMA)


def middle_us(bucket: int, anchor_us: int) -> float:
    """The value a bucket answers with: equally far, in proportion, from both of its edges."""
    return float(anchor_us * GAMMA**bucket * 2 / (1 + GAMMA))


def quantile_us(buckets: Mapping[int, int], q: float, anchor_us: int) -> float | None:
    """The nearest-rank quantile `q` in (0, 1], in microseconds, or None where nothing was counted."""
    total = sum(buckets.values())
    rank = max(1, math.ceil(q * total - 1e-9))
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= rank:
            return middle_us(bucket, anchor_us)
    return None


def within(buckets: Mapping[int, int]) -> int:
    """How many values lie at or under the anchor, exactly."""
    return sum(count for bucket, count in buckets.items() if bucket <= 0)
