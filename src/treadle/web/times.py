"""Moments as people read them, in one zone that every page names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Writes moments in one time zone. A moment is Unix time in microseconds."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def time(self, at_us: int) -> str:
        """`12:04:10`."""
        return f"{self._at(at_us):%H:%M:%S}"

    def precise(self, at_us: int) -> str:
        """`2026-11-22 12:04:10.123`."""
        at = self._at(at_us)
        return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1_000:03}"

    def near(self, at_us: int, now_us: int) -> str:
        """The time of day where it is today's, else the day as well."""
        at, now = self._at(at_us), self._at(now_us)
        return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"

    def machine(self, at_us: int) -> str:
        """RFC 3339, for the `datetime` attribute."""
        return self._at(at_us).isoformat(timespec="milliseconds")

    def zone_name(self, at_us: int) -> str:
        """What the zone is called at that moment."""
        return self._at(at_us).tzname() or "local time"

    def _at(self, at_us: int) -> datetime:
        try:
            return (_EPOCH + timedelta(microseconds=at_us)).astimezone(self._zone)
        except OverflowError:
            return _EPOCH
