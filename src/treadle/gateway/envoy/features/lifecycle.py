"""Lifecycle: every answer of a contract that comes to its end says so, and what follows it. Refusals do too.

`Deprecation` (RFC 9745) is the day since when, `Sunset` (RFC 8594) the day from which it is no longer served, both at
midnight UTC; `Link` names the successor (RFC 5829) and a page about the move (RFC 9745 section 3). A deprecation
without a day reads as if it had been for ever: the header has no other way to say "already".

The gateway looks at no clock: it goes on after the day of the sunset, until the contract says that it is retired. Then
a caller that would have been served is told 410, and whoever still calls stands in the facts.
"""

from __future__ import annotations

from datetime import date

from treadle.contract.model import Deprecation, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.ir import Route

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_S = 86_400
_EPOCH = "1970-01-01"


def _route(route: Route) -> Json:
    return _said(route.deprecation) if route.deprecation else {}


def _unmatched(routes: tuple[Route, ...]) -> Json:
    """The 405 of a template; where two contracts share it and differ, it says nothing of either."""
    said = {route.deprecation for route in routes}
    only = said.pop() if len(said) == 1 else None
    return _said(only) if only else {}


def _said(end: Deprecation) -> Json:
    headers = [_header("deprecation", f"@{_seconds(end.since or _EPOCH)}", "OVERWRITE_IF_EXISTS_OR_ADD")]
    if end.sunset:
        headers.append(_header("sunset", _http_date(end.sunset), "OVERWRITE_IF_EXISTS_OR_ADD"))
    for relation, address in (("successor-version", end.successor), ("deprecation", end.link)):
        if address:  # an upstream has links of its own, as to the next page
            headers.append(_header("link", f'<{address}>; rel="{relation}"', "APPEND_IF_EXISTS_OR_ADD"))
    return {"response_headers_to_add": headers}


def _header(key: str, value: str, action: str) -> Json:
    # Envoy reads `%` as the beginning of a command.
    return {"header": {"key": key, "value": value.replace("%", "%%")}, "append_action": action}


def _seconds(day: str) -> int:
    """Since the epoch, at midnight UTC (RFC 9651 section 3.3.7)."""
    return (date.fromisoformat(day) - date.fromisoformat(_EPOCH)).days * _DAY_S


def _http_date(day: str) -> str:
    """RFC 9110 section 5.6.7. The names of days and months are English in every locale."""
    when = date.fromisoformat(day)
    return f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} 00:00:00 GMT"


FEATURE = Feature("lifecycle", route=_route, unmatched=_unmatched)
