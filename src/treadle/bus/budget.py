"""How much one event may be."""

from __future__ import annotations

EVENT_BYTES_MAX = 1024 * 1024
"""The largest body of an event."""

PAYLOAD_BYTES_MAX = EVENT_BYTES_MAX + 128 * 1024
"""The largest message a broker must take: an event, and room for the headers of its dead letter."""

BATCH_EVENTS_MAX = 100
"""The most events of one HTTP request."""
