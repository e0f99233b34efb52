"""`POST /v1/webhooks/{connector}`: verify, store, answer. The route is public: the signature authenticates."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from treadle.base.errors import EngineError
from treadle.base.ids import TraceContext, new_trace, read_traceparent
from treadle.connect.cursor import SECOND_US
from treadle.connect.settings import Webhook
from treadle.connect.spool import Spool
from treadle.connect.webhook import BadSignatureError, verify

BODY_BYTES_MAX = 256 * 1024

_log = logging.getLogger(__name__)


def routes(
    webhook_of: Callable[[str], Webhook | None],
    spool: Spool,
    stored: Callable[[str], None],
    *,
    now: Callable[[], float] = time.time,
) -> list[Route]:
    """The door's routes. `webhook_of` finds a connector's settings; `stored` hears of each new webhook of one."""

    async def take(request: Request) -> Response:
        trace = read_traceparent(request.headers.get("traceparent")) or new_trace()
        connector = request.path_params["connector"]
        settings = webhook_of(connector)
        if settings is None:
            return _refuse(404, "NOT_FOUND", "No connector of that name takes webhooks.", trace)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _refuse(400, "BAD_REQUEST", "The body ended early.", trace)
        if body is None:
            return _refuse(413, "PAYLOAD_TOO_LARGE", f"A webhook has at most {BODY_BYTES_MAX} bytes.", trace)
        at = now()
        try:
            verified = verify(request.headers, body, settings.public_keys, now_s=at, tolerance_s=settings.tolerance_s)
        except BadSignatureError as error:
            return _refuse(401, "UNAUTHENTICATED", error.message, trace)
        try:
            new = await asyncio.to_thread(
                spool.put, connector, verified.id, body, traceparent=trace.header(), received_us=int(at * SECOND_US)
            )
        except EngineError as error:
            # The sender keeps it: a webhook that is not on our disk must not be answered 2xx.
            _log.warning("webhook %s of %s cannot be stored: %s", verified.id, connector, error)
            return _refuse(503, "UPSTREAM_UNAVAILABLE", "The webhook cannot be stored now; send it again.", trace, 5)
        if new:
            stored(connector)
        return JSONResponse({"id": verified.id, "stored": new}, status_code=202)

    return [Route("/v1/webhooks/{connector}", take, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The body, or None once it is larger than allowed; nothing beyond that is kept."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES_MAX:
        return None
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _refuse(status: int, code: str, message: str, trace: TraceContext, retry_after_s: int = 0) -> Response:
    # For the gateway's access log: the fact of the call carries our code, and the sender never sees this header.
    headers = {"x-treadle-code": code}
    if retry_after_s:
        headers["retry-after"] = str(retry_after_s)
    if status == 413:
        # The rest of the body is not read: without this the connection would wait for it.
        headers["connection"] = "close"
    envelope = {"traceId": trace.trace_id, "code": code, "message": message, "details": {}}
    return JSONResponse(envelope, status_code=status, headers=headers)
