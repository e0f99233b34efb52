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
    Refusal(408, "REQUEST_TIMEOUT", "The request did not arrive in time."),
    Refusal(410, "GONE", "This version of the API is no longer served; see the Link header for what follows it."),
    Refusal(413, "PAYLOAD_TOO_LARGE", "The request body is too large."),
    Refusal(426, "UPGRADE_REQUIRED", "HTTP/1.1 or HTTP/2 is required."),
    Refusal(429, "RATE_LIMIT", "Too many requests; retry after the seconds in Retry-After."),
    Refusal(431, "HEADERS_TOO_LARGE", "The request has too many headers, or too long ones."),
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
UNNAMED = Refusal(403, "FORBIDDEN", "The token does not name its client and subject, or names a client of others.")
WEAK_LOGIN = Refusal(401, "UNAUTHENTICATED", "This operation needs a stronger login; see WWW-Authenticate.")
NO_SCOPE = Refusal(403, "FORBIDDEN", "The token lacks a scope that this operation needs; see WWW-Authenticate.")
UNMET_CONDITION = Refusal(403, "FORBIDDEN", "The token does not meet what this operation asks of its claims.")
"""What the status alone does not tell."""
MISSING_KEY = Refusal(400, "BAD_REQUEST", "This operation needs the header Idempotency-Key.")
VIOLATES = "violates"
"""How the names of the rules begin that hold calls against the contract: `violates:query:limit`."""
VIOLATION = Refusal(400, "CONTRACT_VIOLATION", "A parameter is not as the contract says; details.reason names it.")
_BY_STATUS = {refusal.status: refusal for refusal in REFUSALS}


def refusal(status: int) -> Refusal:
    """The refusal of a status. A status of its own kind that is in no row reads as 400 or 502 does."""
    return _BY_STATUS.get(status) or _BY_STATUS[400 if status < 500 else 502]
