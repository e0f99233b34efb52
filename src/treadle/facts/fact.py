"""One shape for everything that happened. A fact is also the span of its hop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FactKind(StrEnum):
    """What happened.

    A call at the gateway, an event accepted by the bus, one attempt to deliver it, an event refused or dead-lettered,
    a decision of the control plane, an engine's change of state, facts known to be missing.
    """

    CALL = "call"
    EVENT = "event"
    DELIVERY = "delivery"
    REFUSAL = "refusal"
    DECISION = "decision"
    ENGINE = "engine"
    GAP = "gap"


class Outcome(StrEnum):
    """How it ended: as asked, refused by a contract or policy, or failed for a technical reason."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One audit entry.

    `at_us` is Unix time in microseconds when the hop began, `duration_us` how long it took. `contract` is the stamp in
    force (`sales.orders.v1@1.2.0#3f9c2a1b04de`), `operation` the operation id or channel name. `subject` is a
    pseudonym once the fact is in the log, the plain id before. `code` is an error code or HTTP status text, empty
    when all went well; `detail` is one sentence for people. `consumer` is the client id, or the consumer group of
    a delivery. `seq` is given by the log, from 1 on. `missing` is how many facts a gap stands for at least, 0 where
    that is unknown.

    Of a call: `observed` is the code with which it would have been refused, were its contract enforced. `issuer` is
    whose token it brought, `peer` the SPIFFE id of the caller's certificate, `upstream` what answered it (which of two
    versions, for one); `replayed` is 1 for an answer that was stored for the same key before.
    """

    kind: FactKind
    at_us: int
    outcome: Outcome
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    event_id: str = ""
    subject: str = ""
    consumer: str = ""
    domain: str = ""
    contract: str = ""
    operation: str = ""
    status: int = 0
    duration_us: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    cost_units: int = 0
    code: str = ""
    detail: str = ""
    node: str = ""
    seq: int = 0
    missing: int = 0
    observed: str = ""
    issuer: str = ""
    peer: str = ""
    upstream: str = ""
    replayed: int = 0
