"""Keys of repetition, as pure values: what a key may look like, what a record of it says, and how that changes.

    (no record) --claim--> SENT --settle--> DONE       the upstream answered, and the answer is kept
                                       |--> UNKEPT     it answered, and the answer was too large to keep
                                       |--> IN_DOUBT   it may have acted, and nobody knows
                                       `--> (none)     released: it was surely not asked

A record is made, durably, before the upstream is asked. Its maker alone may settle it. A maker that died settles
nothing: from `deadline_ms` on, when its call must be over, the record reads as IN_DOUBT. So no clock and no lease has
to be right for the promise to hold: of one key, one claim is ever sent, and whatever goes wrong after that costs the
caller a sure answer, never a second call.

Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

KEY_CHARS_MAX = 255
_BARE = re.compile(rb"[!#-+\--~]+")  # visible ASCII but quote and comma, which would be two values
_QUOTED = re.compile(rb'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"')  # RFC 9651 section 3.3.3
_ESCAPED = re.compile(rb'\\(["\\])')

UNSENT = (
    "no_healthy_upstream",
    "cluster_not_found",
    "maintenance_mode",
    "route_not_found",
    "direct_response",
    "upstream_reset_before_response_started{connection_timeout",
    "upstream_reset_before_response_started{local_connection_failure",
    "upstream_reset_before_response_started{overflow",
    "upstream_reset_before_response_started{remote_connection_failure",
    "upstream_reset_before_response_started{remote_refused_stream_reset",
)
"""How Envoy's response code details begin where no byte of the call reached the upstream, or where the upstream said so
(RFC 9113 section 8.7). Anything that is not in this list leaves the key in doubt."""


class State(IntEnum):
    """What is known of a key."""

    SENT = 1
    DONE = 2
    UNKEPT = 3
    IN_DOUBT = 4


class Verdict(StrEnum):
    """What a claim leads to."""

    SEND = "send"
    REPLAY = "replay"
    UNKEPT = "unkept"
    BUSY = "busy"
    DOUBT = "doubt"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the upstream: its status, its end-to-end headers in their order, its whole body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that wants to be the one of its key. Times in Unix milliseconds; `owner` is unique to the call.

    `scope` and `fingerprint` are digests: neither a key nor a payload is kept.
    """

    scope: bytes
    fingerprint: bytes
    owner: bytes
    now_ms: int
    deadline_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a key. `reply` is there when DONE, and without headers and body when UNKEPT."""

    fingerprint: bytes
    owner: bytes
    state: State
    deadline_ms: int
    expires_ms: int
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim ended. `state` None: released."""

    state: State | None
    reply: Reply | None = None


RELEASED = Outcome(None)
IN_DOUBT = Outcome(State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a claim and the record that it met."""

    verdict: Verdict
    record: Record | None = None


SEND = Judged(Verdict.SEND)


class BadKeyError(ValueError):
    """The header is no key; the message says why."""


def read_key(values: Iterable[bytes]) -> str:
    """The key in a header: a string of structured fields, or the same without quotes. Raises BadKeyError.

    The draft asks for the quotes; the APIs that it is modelled on do without, and one key means the same either way.
    """
    found = [value.strip() for value in values]
    if len(found) != 1:
        raise BadKeyError("there is more than one Idempotency-Key")
    value = found[0]
    quoted = _QUOTED.fullmatch(value)
    if not quoted and not _BARE.fullmatch(value):
        raise BadKeyError("the Idempotency-Key is neither a quoted string (RFC 9651) nor a token of visible ASCII")
    key = _ESCAPED.sub(rb"\1", quoted[1]) if quoted else value
    if len(key) > KEY_CHARS_MAX:
        raise BadKeyError(f"the Idempotency-Key has more than {KEY_CHARS_MAX} characters")
    return key.decode("ascii")


def digest(*parts: bytes) -> bytes:
    """32 bytes that stand for these parts, and for no other way to cut the same bytes into parts."""
    sizes = b",".join([b"%d" % len(part) for part in parts])
    return hashlib.blake2b(b"".join((sizes, b":", *parts)), digest_size=32).digest()


def claimed(claim: Claim) -> Record:
    """The record that a claim makes where it may be sent."""
    return Record(claim.fingerprint, claim.owner, State.SENT, claim.deadline_ms, claim.expires_ms)


def judge(record: Record | None, claim: Claim) -> Judged:
    """What a claim leads to where this is the record of its key."""
    if record is None or claim.now_ms >= record.expires_ms:
        return SEND
    if claim.fingerprint != record.fingerprint:
        return Judged(Verdict.REUSED, record)
    if record.state is State.DONE:
        return Judged(Verdict.REPLAY, record)
    if record.state is State.UNKEPT:
        return Judged(Verdict.UNKEPT, record)
    if record.state is State.SENT and claim.now_ms < record.deadline_ms:
        return Judged(Verdict.BUSY, record)
    return Judged(Verdict.DOUBT, record)


def settle(record: Record | None, owner: bytes, outcome: Outcome) -> Record | None:
    """The record after its maker says how the call ended. Another's word, or a second one, changes nothing."""
    if record is None or record.owner != owner or record.state in {State.DONE, State.UNKEPT}:
        return record
    if outcome.state is None:
        # What is in doubt stays so: only a call that was never sent is released, and then nothing brought the doubt.
        return None if record.state is State.SENT else record
    return replace(record, state=outcome.state, reply=outcome.reply)


def unsent(reason: str) -> bool:
    """Whether the gateway's own answer, by its response code details, means that the upstream saw nothing."""
    return reason.startswith(UNSENT)
