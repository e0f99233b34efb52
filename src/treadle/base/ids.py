"""Identifiers: W3C trace context and random ids.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/ section 3.2.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
NO_TRACE = "0" * 32
NO_SPAN = "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where a hop stands in its trace. Ids are lower-case hexadecimal: 32 and 16 characters."""

    trace_id: str
    span_id: str

    def child(self) -> TraceContext:
        """A new span of the same trace."""
        return TraceContext(self.trace_id, new_span_id())

    def header(self) -> str:
        """The value of a `traceparent` header, marked as sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def new_trace() -> TraceContext:
    """A trace that nobody began before us."""
    return TraceContext(secrets.token_hex(16), new_span_id())


def new_span_id() -> str:
    """16 hexadecimal characters, never all zero."""
    return secrets.token_hex(8)


def read_traceparent(header: str | None) -> TraceContext | None:
    """The context that a caller sent, or None where it sent none or a malformed one (the spec says: restart)."""
    match = _TRACEPARENT.match(header or "")
    if not match or match[1] == NO_TRACE or match[2] == NO_SPAN or header[:2] == "ff":  # type: ignore[index]
        return None
    return TraceContext(match[1], match[2])
