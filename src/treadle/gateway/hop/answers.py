"""What the hop itself answers: every refusal in the envelope, and told to the gateway in `x-treadle-code`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from treadle.base.ids import NO_TRACE
from treadle.gateway.hop.idempotency import Reply
from treadle.gateway.refusals import Refusal, refusal

VIOLATION = Refusal(400, "CONTRACT_VIOLATION", "The call does not agree with the contract; the details say where.")
MEDIA_TYPE = Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "The contract describes no body of this media type.")
KEY_INVALID = Refusal(400, "IDEMPOTENCY_KEY_INVALID", "The header Idempotency-Key is not a key.")
KEY_REUSED = Refusal(
    422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key stood for another request. Use a new key for a new request."
)
IN_PROGRESS = Refusal(
    409, "IDEMPOTENCY_IN_PROGRESS", "A request with this Idempotency-Key is on its way; retry after Retry-After."
)
IN_DOUBT = Refusal(
    409,
    "IDEMPOTENCY_IN_DOUBT",
    "A request with this Idempotency-Key may have taken effect, and its answer was lost. It is not sent again: find "
    "out what became of it, and use a new key only if nothing did.",
)
NOT_KEPT = Refusal(
    409,
    "IDEMPOTENCY_REPLY_NOT_KEPT",
    "The request with this Idempotency-Key was answered, with the status in the details. The answer was too large to "
    "keep.",
)
TOO_LARGE = refusal(413)
BAD_REQUEST = refusal(400)
UPSTREAM_ERROR = refusal(502)
UNAVAILABLE = refusal(503)
TIMEOUT = refusal(504)
REFUSALS = (VIOLATION, MEDIA_TYPE, KEY_INVALID, KEY_REUSED, IN_PROGRESS, IN_DOUBT, NOT_KEPT)
"""The refusals that only the hop makes."""

CODE = b"x-treadle-code"
OBSERVED = b"x-treadle-observed"
REPLAYED = b"idempotency-replayed"


def refused(
    row: Refusal, trace: str, details: Mapping[str, Any] | None = None, retry_after_s: int | None = None
) -> Reply:
    """The answer of a refusal."""
    envelope = {"traceId": trace or NO_TRACE, "code": row.code, "message": row.message, "details": details or {}}
    headers = [(b"content-type", b"application/json"), (CODE, row.code.encode())]
    if row.status == 503 and retry_after_s is None:
        retry_after_s = 1
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    return Reply(row.status, tuple(headers), orjson.dumps(envelope))
