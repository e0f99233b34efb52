"""The headers of messages on the bus: their names, and what may stand in them.

A producer's own headers are kept, but for `Treadle-*` (ours to say) and `Nats-*` (they command the broker: roll up a
stream, expire, schedule); `Nats-Expected-*` stays, since it can only make the producer's own publish fail. Values lose
their control characters, so that no header can begin another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Headers = Mapping[str, str]

MSG_ID = "Nats-Msg-Id"
TRACEPARENT = "traceparent"
PARENT_SPAN = "Treadle-Parent-Span"
PRODUCER = "Treadle-Producer"
CONTRACT = "Treadle-Contract"
ACCEPTED_AT = "Treadle-Accepted-At"
GUARD_US = "Treadle-Guard-Us"
VIOLATION = "Treadle-Violation"
EVENT_ID = "Treadle-Event-Id"
KEY_GAP = "Treadle-Key-Gap"
DLQ_REASON = "Treadle-DLQ-Reason"
DLQ_POINTER = "Treadle-DLQ-Pointer"
DLQ_DETAIL = "Treadle-DLQ-Detail"
DLQ_GROUP = "Treadle-DLQ-Group"
DLQ_ATTEMPTS = "Treadle-DLQ-Attempts"
DLQ_ORIGIN = "Treadle-DLQ-Origin"
DLQ_AT = "Treadle-DLQ-At"
DLQ_BYTES = "Treadle-DLQ-Bytes"
DLQ_STATE = "Treadle-DLQ-State"
DLQ_OF = "Treadle-DLQ-Of"

HEADER_BYTES_MAX = 8 * 1024
HEADERS_MAX = 64
TEXT_MAX = 256
"""The most characters of text that we write into one header."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]+")
_OURS = ("treadle-", "nats-", "traceparent")


def clean(text: str, length_max: int = TEXT_MAX) -> str:
    """One line of bounded text: control characters become a space, what is too long ends in an ellipsis."""
    line = _CONTROL.sub(" ", text[: 4 * length_max]).strip()
    return line if len(line) <= length_max else line[: length_max - 1] + "…"


def size_of(headers: Headers) -> int:
    """Bytes that the headers take in a message."""
    return sum(len(name.encode()) + len(value.encode("utf-8", "replace")) + 4 for name, value in headers.items())


def find(headers: Headers, name: str) -> str | None:
    """A header's value, whatever the case of its name."""
    if name in headers:
        return headers[name]
    wanted = name.lower()
    return next((value for each, value in headers.items() if each.lower() == wanted), None)


def kept(headers: Headers) -> dict[str, str]:
    """Those of a producer's headers that go on with the event."""
    return {
        name: clean(value, HEADER_BYTES_MAX)
        for name, value in headers.items()
        if _NAME.fullmatch(name) and (not name.lower().startswith(_OURS) or name.startswith("Nats-Expected-"))
    }
