"""Authorization: what a caller may do. Every scope of the operation, in an access token that names client and subject.

A name is text of printable ASCII: it becomes a header, the key of a rate limit and part of a fact, and what is none
would fall out of all three. `typ` is checked here, since the token filter does not: an ID token of the same issuer and
audience must not pass.
"""

from __future__ import annotations

import re

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import JWT_FILTER, RBAC_FILTER, extension, typed
from treadle.gateway.ir import Gateway, Route

_NAME = "[!-~]{1,128}"
_EXPRESSION_MAX = 512
"""How large an expression may be, compiled. Envoy's own bound is 100; 128 characters take 259."""


def _bootstrap(_: Gateway, _node: NodeSettings) -> Json:
    layer = {"name": "names", "static_layer": {"re2.max_program_size.error_level": _EXPRESSION_MAX}}
    return {"layered_runtime": {"layers": [layer]}}


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(RBAC_FILTER, "extensions.filters.http.rbac.v3.RBAC")


def _route(route: Route) -> Json:
    if route.public:
        return {}
    must = [
        _token("jwth", "typ", {"string_match": {"exact": "at+jwt"}}),
        *(_token("jwt", claim, {"string_match": {"safe_regex": {"regex": _NAME}}}) for claim in ("client_id", "sub")),
        *(_token("jwt", "scope", {"string_match": {"safe_regex": {"regex": _word(each)}}}) for each in route.scopes),
    ]
    policy = {"permissions": [{"any": True}], "principals": [{"and_ids": {"ids": must}}]}
    rules = {"action": "ALLOW", "policies": {route.operation: policy}}
    per_route = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac={"rules": rules})
    return {"typed_per_filter_config": {RBAC_FILTER: per_route}}


def _token(part: str, name: str, value: Json) -> Json:
    path = [{"key": part}, {"key": name}]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT_FILTER, "path": path, "value": value}}}


def _word(scope: str) -> str:
    """One word of a space-separated list (RFC 6749 section 3.3), matched whole."""
    return f"([ -~]* )?{re.escape(scope)}( [ -~]*)?"


FEATURE = Feature("authz", bootstrap=_bootstrap, http_filter=_http_filter, route=_route)
