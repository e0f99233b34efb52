"""Why an event was refused or could not be delivered: a closed set. Programs route on the code, never on the text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.base.errors import PolicyError


class Reason(StrEnum):
    """The closed set: the guard's, the consumer runtime's, the connectors'."""

    CONTRACT_VIOLATION = "CONTRACT_VIOLATION"
    UNKNOWN_CHANNEL = "UNKNOWN_CHANNEL"
    BAD_SUBJECT = "BAD_SUBJECT"
    NOT_JSON = "NOT_JSON"
    TOO_LARGE = "TOO_LARGE"
    WRONG_PARTITION = "WRONG_PARTITION"
    KEY_MISMATCH = "KEY_MISMATCH"
    ID_MISMATCH = "ID_MISMATCH"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    ID_REUSED = "ID_REUSED"

    HANDLER_ERROR = "HANDLER_ERROR"
    TIMEOUT = "TIMEOUT"
    MAX_DELIVERIES = "MAX_DELIVERIES"
    POISON = "POISON"

    UNMAPPABLE = "UNMAPPABLE"


BUSY_CODE = 90100
"""`err_code` of a 503: nothing is wrong with the event, publish it again."""

_CODES = {
    Reason.CONTRACT_VIOLATION: 90001,
    Reason.UNKNOWN_CHANNEL: 90002,
    Reason.BAD_SUBJECT: 90003,
    Reason.NOT_JSON: 90004,
    Reason.TOO_LARGE: 90005,
    Reason.WRONG_PARTITION: 90006,
    Reason.KEY_MISMATCH: 90007,
    Reason.ID_MISMATCH: 90008,
    Reason.VERSION_MISMATCH: 90009,
    Reason.ID_REUSED: 90010,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """One event's refusal.

    `pointer` is the JSON pointer of what is wrong in the body, or empty. `message` is for the producer and quotes at
    most a short excerpt of its own event; `detail` says the same without any value, for headers, facts and logs.
    """

    reason: Reason
    pointer: str
    message: str
    detail: str
    channel: str = ""

    @property
    def text(self) -> str:
        """`CONTRACT_VIOLATION /amount: "x" is not of type "number"`."""
        return f"{self.reason}{' ' * bool(self.pointer)}{self.pointer}: {self.message}"

    @property
    def code(self) -> int:
        """`err_code` in the answer to a native client."""
        return _CODES[self.reason]


class EventRefusedError(PolicyError):
    """The guard refused an event: publishing it again unchanged will not help."""

    def __init__(self, text: str) -> None:
        """Text: `<REASON> <pointer>: <message>`, as the guard answered it."""
        head, _, rest = text.partition(": ")
        self.reason, _, self.pointer = head.partition(" ")
        super().__init__("event-refused", text, "mend the event, or its contract; the refused copy is in the DLQ")
        self.detail = rest
