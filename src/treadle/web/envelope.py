"""The error envelope, `{traceId, code, message, details}`: the shape of every refusal of the fabric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Scope

from treadle.base.ids import NO_TRACE, read_traceparent


def envelope(
    scope: Scope, status: int, code: str, message: str, *, details: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A refusal for a machine. The trace is the caller's, or zeros where it sent none."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
    trace = read_traceparent(given)
    body = {
        "traceId": trace.trace_id if trace else NO_TRACE,
        "code": code,
        "message": message,
        "details": details if details is not None else {},
    }
    return Response(orjson.dumps(body), status, {**(headers or {}), "cache-control": "no-store"}, "application/json")
