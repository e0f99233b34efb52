"""Numbers as people read them: three digits that matter, and a unit."""

from __future__ import annotations


def digits(value: float) -> str:
    """Three significant digits, never in powers of ten: `0.042`, `3.14`, `27.5`, `1840`."""
    size = abs(value)
    if size == 0:
        return "0"
    for limit, places in ((0.01, 4), (0.1, 3), (10, 2), (100, 1)):
        if size < limit:
            return f"{value:.{places}f}".rstrip("0").rstrip(".")
    return f"{value:.0f}"


def share(value: float) -> tuple[str, str]:
    """A share in 0..1 as a percentage."""
    return digits(value * 100), "%"


def duration(value_us: float) -> tuple[str, str]:
    """A duration in microseconds, in the unit that reads best."""
    if 0 < value_us < 1_000:
        return digits(value_us), "µs"
    if value_us < 1_000_000:
        return digits(value_us / 1_000), "ms"
    if value_us < 120_000_000:
        return digits(value_us / 1_000_000), "s"
    return digits(value_us / 60_000_000), "min"


def joined(parts: tuple[str, str]) -> str:
    """`148 ms`; a percent sign and `/s` keep their space, as SI writes them."""
    return f"{parts[0]} {parts[1]}"


def many(count: int, noun: str, plural: str = "") -> str:
    """`1 call`, `2 calls`, `3 deliveries`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
