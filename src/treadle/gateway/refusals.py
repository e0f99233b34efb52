"""The refusals that the gateway makes itself: one closed set of codes, in the envelope and in facts alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a client reads in the envelope of a status."""

    status: int
    code: str
    message: str


REFUSALS = (
    Refusal(400, "BAD_REQUEST", "The request is not valid."),
    Refusal(401, "UNAUTHENTICATED", "A valid access token is required."),
    Refusal(
        403, "FORBIDDEN", "The token lacks a scope that this operation needs, or does not name its client and subject."
    ),
    Refusal(404, "NOT_FOUND", "No such resource."),
    Refusal(405, "METHOD_NOT_ALLOWED", "The method is not allowed on this resource; see the Allow header."),
    Refusal(413, "PAYLOAD_TOO_LARGE", "The request body is too large."),
    Refusal(429, "RATE_LIMIT", "Too many requests; retry after the seconds in Retry-After."),
    Refusal(502, "UPSTREAM_ERROR", "The service behind this operation gave no valid answer."),
    Refusal(503, "UPSTREAM_UNAVAILABLE", "The service behind this operation is not available."),
    Refusal(504, "UPSTREAM_TIMEOUT", "The service behind this operation did not answer in time."),
)
LIMITS = (
    Refusal(
        429, "QUOTA_EXCEEDED", "The calls of this day or month are used up; Retry-After has the seconds to its end."
    ),
    Refusal(429, "THROTTLED", "This consumer is slowed down for a while; retry after the seconds in Retry-After."),
)
"""The refusals of limits beside the usual one; the answer names them in `x-treadle-limited`."""
MISSING_KEY = Refusal(400, "BAD_REQUEST", "This operation needs the header Idempotency-Key.")
_BY_STATUS = {refusal.status: refusal for refusal in REFUSALS}


def refusal(status: int) -> Refusal:
    """The refusal of a status. A status of its own kind that is in no row reads as 400 or 502 does."""
    return _BY_STATUS.get(status) or _BY_STATUS[400 if status < 500 else 502]
