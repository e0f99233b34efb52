"""Authorization: what a caller may do. Each demand of an operation is a rule that refuses whoever does not meet it.

The first rule that refuses gives the refusal its name, and so its status and challenge: no identity, too weak a login
(`acr`, `amr`; RFC 9470), no token that is bound to the caller's certificate (RFC 8705), no scope (RFC 6750), an unmet
condition. Under `observe` and `warn` the same rules are noted and refuse nothing.
"""

from __future__ import annotations

import re

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import (
    BOUND,
    BOUND_RULE,
    CONDITION,
    CONDITION_RULE,
    CONSUMER,
    IDENTITY_RULE,
    JWT_FILTER,
    NEEDS,
    RBAC_FILTER,
    SCOPE_RULE,
    STEP_UP_RULE,
    UNFIT,
    extension,
    typed,
)
from treadle.gateway.ir import Gateway, Route
from treadle.gateway.profiles import Form, Scopes


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(RBAC_FILTER, "extensions.filters.http.rbac.v3.RBAC")


def _route(route: Route) -> Json:
    if route.public:
        return {}
    # Rules are tried in the order of their names.
    demands = {
        IDENTITY_RULE: [_header(CONSUMER)],
        STEP_UP_RULE: [*_one_of("acr", route.access.acr), *_one_of("amr", route.access.amr)],
        BOUND_RULE: [_header(BOUND)] if route.access.bound else [],
        SCOPE_RULE: [_granted(each, route) for each in route.scopes],
        CONDITION_RULE: [_met()] if route.access.condition else [],
    }
    policies = {name: _refused_without(needs) for name, needs in demands.items() if needs}
    rules = {"action": "DENY", "policies": policies}
    said: Json = (
        {"rules": rules}
        if route.enforcement.auth is Enforcement.ENFORCE
        else {"shadow_rules": rules, "shadow_rules_stat_prefix": "authz_"}
    )
    per_route = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac=said)
    fields: dict[str, Json] = {"typed_per_filter_config": {RBAC_FILTER: per_route}}
    if challenges := _challenges(route):
        fields["metadata"] = {"filter_metadata": {NEEDS: challenges}}
    if "shadow_rules" in said:
        fields["request_headers_to_remove"] = [UNFIT]  # it was for the rules above
    return fields


def _challenges(route: Route) -> Json:
    """What a refusal says would have been enough (RFC 6750 section 3, RFC 9470 section 3)."""
    found: dict[str, Json] = {}
    if route.scopes:
        found["scope"] = f'Bearer error="insufficient_scope", scope="{" ".join(route.scopes)}"'
    if route.access.acr or route.access.amr:
        values = f', acr_values="{" ".join(route.access.acr)}"' if route.access.acr else ""
        found["step-up"] = f'Bearer error="insufficient_user_authentication"{values}'
    return found


def _refused_without(needs: list[Json]) -> Json:
    met = needs[0] if len(needs) == 1 else {"and_ids": {"ids": needs}}
    return {"permissions": [{"any": True}], "principals": [{"not_id": met}]}


def _header(name: str) -> Json:
    return {"header": {"name": name, "present_match": True}}


def _met() -> Json:
    return {"filter_state": {"key": CONDITION, "string_match": {"exact": "true"}}}


def _one_of(claim: str, values: tuple[str, ...]) -> list[Json]:
    """`acr` is a text and `amr` a list, as a rule; both are read as either."""
    if not values:
        return []
    exact = [{"string_match": {"exact": value}} for value in values]
    lists = [{"list_match": {"one_of": value}} for value in exact]
    return [_claim(claim, {"or_match": {"value_matchers": [*exact, *lists]}})]


def _granted(scope: str, route: Route) -> Json:
    """A scope in a token of any issuer; each has its own claims for it."""
    ways = [_by(url, [_in(each, scope) for each in claims]) for url, claims in route.scope_claims]
    return ways[0] if len(ways) == 1 else {"or_ids": {"ids": ways}}


def _by(url: str, ways: list[Json]) -> Json:
    any_way = ways[0] if len(ways) == 1 else {"or_ids": {"ids": ways}}
    return {"and_ids": {"ids": [_claim("iss", {"string_match": {"exact": url}}), any_way]}} if url else any_way


def _in(place: Scopes, scope: str) -> Json:
    word = {"string_match": {"safe_regex": {"regex": _word(scope)}}}
    item = {"list_match": {"one_of": {"string_match": {"exact": scope}}}}
    match place.form:
        case Form.WORDS:
            return _claim(place.claim, word)
        case Form.LIST:
            return _claim(place.claim, item)
        case Form.EITHER:
            return _claim(place.claim, {"or_match": {"value_matchers": [word, item]}})


def _claim(name: str, value: Json) -> Json:
    path = [{"key": "jwt"}, {"key": name}]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT_FILTER, "path": path, "value": value}}}


def _word(scope: str) -> str:
    """One word of a space-separated list (RFC 6749 section 3.3), matched whole."""
    return f"([ -~]* )?{re.escape(scope)}( [ -~]*)?"


FEATURE = Feature("authz", http_filter=_http_filter, route=_route)
