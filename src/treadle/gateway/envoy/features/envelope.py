"""Envelope: every refusal that the gateway makes itself reads `{traceId, code, message, details}`.

The first rule that fits answers. A trace id is not known where Envoy writes the body, so it is read from the
header that the route table adds; a request that is refused before it has a trace gets zeros.
"""

from __future__ import annotations

from treadle.base.ids import NO_TRACE
from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import LIMITED
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import JWT_FILTER, KEYLESS, extension
from treadle.gateway.ir import Gateway
from treadle.gateway.refusals import LIMITS, MISSING_KEY, REFUSALS, Refusal, refusal

_DETAILS = {
    "status": "%RESPONSE_CODE%",
    "reason": "%RESPONSE_CODE_DETAILS%",
    "requestId": "%REQ(X-REQUEST-ID):64%",
}
_CHALLENGE = "WWW-Authenticate"


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    # No default body_format: it would rewrite answers that are no errors too.
    return {"local_reply_config": {"mappers": [*_forbidden(), *map(_limited, LIMITS), *map(_row, REFUSALS), *_rest()]}}


def _onward_manager(_: Gateway, _node: NodeSettings) -> Json:
    """What cannot be had from an upstream. The trace is the one that the front has told; the front notes the code."""
    rows = [row for row in (*REFUSALS, refusal(500)) if row.status >= 500]
    mappers = [_told(_mapper(_status("EQ", row.status), row, []), row) for row in rows]
    return {"local_reply_config": {"mappers": [*mappers, *(_told(each, refusal(500)) for each in _rest()[:1])]}}


def _told(mapper: dict[str, Json], row: Refusal) -> Json:
    body = mapper["body_format_override"]
    format = body["json_format"] | {"traceId": "%REQ(X-TREADLE-TRACE-ID)%"}
    code = _header("x-treadle-code", row.code, "OVERWRITE_IF_EXISTS_OR_ADD")
    return mapper | {"headers_to_add": [code], "body_format_override": body | {"json_format": format}}


def _forbidden() -> list[Json]:
    """Envoy has one 403 for three things; what its filters noted of the call tells them apart.

    A call that only lacks its Idempotency-Key gets 400, any other call of a known caller 403. A token of a wrong
    audience or type names nobody: 401 (RFC 6750 section 3.1).
    """
    said = f"response.code_details == 'rbac_access_denied_matched_policy[{KEYLESS}]'"
    cel = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    keyless = {"extension_filter": extension("keyless", cel, expression=said)}
    path = [{"key": "jwth"}, {"key": "typ"}]
    typ = {"filter": JWT_FILTER, "path": path, "value": {"string_match": {"exact": "at+jwt"}}}
    known = {"metadata_filter": {"matcher": typ, "match_if_key_not_found": False}}
    invalid = _header(_CHALLENGE, 'Bearer error="invalid_token"', "OVERWRITE_IF_EXISTS_OR_ADD")
    return [
        _mapper(_both(_status("EQ", 403), keyless), MISSING_KEY, []) | {"status_code": MISSING_KEY.status},
        _mapper(_both(_status("EQ", 403), known), refusal(403), []),
        _mapper(_status("EQ", 403), refusal(401), [invalid]) | {"status_code": 401},
    ]


def _limited(row: Refusal) -> Json:
    """A limit that is not the usual one names itself in the answer."""
    said = f"response.headers['{LIMITED}'] == '{row.code}'"
    cel = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    named = {"extension_filter": extension("limited", cel, expression=said)}
    return _mapper(_both(_status("EQ", row.status), named), row, [])


def _both(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _row(row: Refusal) -> Json:
    headers = [_header(_CHALLENGE, "Bearer", "ADD_IF_ABSENT")] if row.status == 401 else []
    return _mapper(_status("EQ", row.status), row, headers)


def _rest() -> list[Json]:
    return [_mapper(_status("GE", 500), refusal(500), []), _mapper(_status("GE", 400), refusal(400), [])]


def _mapper(filter: Json, row: Refusal, headers: list[Json]) -> dict[str, Json]:
    body = {"traceId": "%RESP(X-TRACE-ID)%", "code": row.code, "message": row.message, "details": _DETAILS}
    return {
        "filter": filter,
        "headers_to_add": [_header("x-trace-id", NO_TRACE, "ADD_IF_ABSENT"), *headers],
        "body_format_override": {"json_format": body, "content_type": "application/json"},
    }


def _header(key: str, value: str, action: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": action}


def _status(op: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": "treadle.unset"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}


FEATURE = Feature("envelope", manager=_manager, onward_manager=_onward_manager)
