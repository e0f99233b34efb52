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
from treadle.gateway.envoy.typed import (
    BOUND_RULE,
    CONDITION_RULE,
    IDENTITY_RULE,
    KEYLESS,
    MISWRITTEN,
    NAMELESS,
    NEEDS,
    OF_ANOTHER,
    SCOPE_RULE,
    STEP_UP_RULE,
    UNFIT,
    extension,
)
from treadle.gateway.ir import Gateway
from treadle.gateway.refusals import (
    LIMITS,
    MISSING_KEY,
    NO_SCOPE,
    REFUSALS,
    UNMET_CONDITION,
    UNNAMED,
    VIOLATES,
    VIOLATION,
    WEAK_LOGIN,
    Refusal,
    refusal,
)

_DETAILS = {
    "status": "%RESPONSE_CODE%",
    "reason": "%RESPONSE_CODE_DETAILS%",
    "requestId": "%REQ(X-REQUEST-ID):64%",
}
_CHALLENGE = "WWW-Authenticate"
_VIOLATES = f"response.code_details.startsWith('rbac_access_denied_matched_policy[{VIOLATES}:')"
_UNASKED = "response.code_details == 'upgrade_failed' || response.code_details.startsWith('http1.')"
"""An upgrade that the operation does not promise, or an https address on a plain connection: no right is asked for."""


def _header(key: str, value: str, action: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": action}


_ADVICE = {
    401: [_header(_CHALLENGE, "Bearer", "ADD_IF_ABSENT")],
    503: [_header("Retry-After", "1", "ADD_IF_ABSENT")],  # a breaker may be closed again by then
}
"""What an answer of a status tells its caller to do, by headers."""


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    # No default body_format: it would rewrite answers that are no errors too.
    return {"local_reply_config": {"mappers": [*_forbidden(), *map(_limited, LIMITS), *map(_row, REFUSALS), *_rest()]}}


def _onward_manager(_: Gateway, _node: NodeSettings) -> Json:
    """What cannot be had from an upstream. The trace is the one that the front has told; the front notes the code."""
    rows = [row for row in (*REFUSALS, refusal(500)) if row.status >= 500]
    mappers = [_told(_row(row), row) for row in rows]
    return {"local_reply_config": {"mappers": [*mappers, *(_told(each, refusal(500)) for each in _rest()[:1])]}}


def _told(mapper: dict[str, Json], row: Refusal) -> Json:
    body = mapper["body_format_override"]
    format = body["json_format"] | {"traceId": "%REQ(X-TREADLE-TRACE-ID)%"}
    code = _header("x-treadle-code", row.code, "OVERWRITE_IF_EXISTS_OR_ADD")
    headers = [code, *_ADVICE.get(row.status, [])]
    return mapper | {"headers_to_add": headers, "body_format_override": body | {"json_format": format}}


def _forbidden() -> list[Json]:
    """Envoy has one 403 for many refusals; the name of the rule that refused tells them apart.

    A token that is of a wrong audience or kind, bound to somebody else or written in a way of its own is as good as
    none: 401 (RFC 6750 section 3.1). So is one of too weak a login (RFC 9470). A call that only lacks its
    Idempotency-Key gets 400, and whoever is known and may not 403.
    """
    invalid = _challenge('Bearer error="invalid_token"')
    named = [_both(_by_rule(IDENTITY_RULE), _unfit(why)) for why in (OF_ANOTHER, NAMELESS)]
    nobody = [_by_rule(rule) for rule in (MISWRITTEN, IDENTITY_RULE, BOUND_RULE)]
    refused_by_token_filter = _both(_status("EQ", 403), _cel("response.code_details.startsWith('jwt_authn')"))
    return [
        _mapper(_by_rule(KEYLESS), MISSING_KEY, []) | {"status_code": MISSING_KEY.status},
        *(_mapper(each, UNNAMED, []) for each in named),
        *(_mapper(each, refusal(401), [invalid]) | {"status_code": 401} for each in (*nobody, refused_by_token_filter)),
        _mapper(_by_rule(STEP_UP_RULE), WEAK_LOGIN, [_challenge(f"%METADATA(ROUTE:{NEEDS}:step-up)%")])
        | {"status_code": WEAK_LOGIN.status},
        _mapper(_by_rule(SCOPE_RULE), NO_SCOPE, [_challenge(f"%METADATA(ROUTE:{NEEDS}:scope)%")]),
        _mapper(_by_rule(CONDITION_RULE), UNMET_CONDITION, []),
        _mapper(_both(_status("EQ", 403), _cel(_VIOLATES)), VIOLATION, []) | {"status_code": VIOLATION.status},
        _mapper(_both(_status("EQ", 403), _cel(_UNASKED)), refusal(400), []) | {"status_code": 400},
    ]


def _by_rule(rule: str) -> Json:
    return _both(_status("EQ", 403), _cel(f"response.code_details == 'rbac_access_denied_matched_policy[{rule}]'"))


def _unfit(why: str) -> Json:
    return {"header_filter": {"header": {"name": UNFIT, "string_match": {"exact": why}}}}


def _cel(expression: str) -> Json:
    cel = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    return {"extension_filter": extension("expression", cel, expression=expression)}


def _challenge(value: str) -> Json:
    return _header(_CHALLENGE, value, "OVERWRITE_IF_EXISTS_OR_ADD")


def _limited(row: Refusal) -> Json:
    """A limit that is not the usual one names itself in the answer."""
    said = f"response.headers['{LIMITED}'] == '{row.code}'"
    cel = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    named = {"extension_filter": extension("limited", cel, expression=said)}
    return _mapper(_both(_status("EQ", row.status), named), row, [])


def _both(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _row(row: Refusal) -> Json:
    return _mapper(_status("EQ", row.status), row, _ADVICE.get(row.status, []))


def _rest() -> list[Json]:
    return [_mapper(_status("GE", 500), refusal(500), []), _mapper(_status("GE", 400), refusal(400), [])]


def _mapper(filter: Json, row: Refusal, headers: list[Json]) -> dict[str, Json]:
    body = {"traceId": "%RESP(X-TRACE-ID)%", "code": row.code, "message": row.message, "details": _DETAILS}
    return {
        "filter": filter,
        "headers_to_add": [_header("x-trace-id", NO_TRACE, "ADD_IF_ABSENT"), *headers],
        "body_format_override": {"json_format": body, "content_type": "application/json"},
    }


def _status(op: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": "treadle.unset"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}


FEATURE = Feature("envelope", manager=_manager, onward_manager=_onward_manager)
