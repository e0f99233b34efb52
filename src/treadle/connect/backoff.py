"""How long to wait before the next try. Pure.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: full jitter spreads callers best.
"""

from __future__ import annotations

FIRST_S = 0.2
LONGEST_S = 10.0


def backoff_s(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row (from 1). `chance` in 0..1 is the caller's random number.

    Never below half a step, so that a lucky draw does not hammer what has just failed.
    """
    step = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 16))
    return step * (0.5 + chance / 2)
