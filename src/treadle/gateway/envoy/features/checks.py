"""Checks: calls whose parameters are not as the contract says are refused before they reach an upstream.

Of an operation that does not go through the guard hop Envoy itself looks at what it can see without a body: required
parameters, and the texts of strings, integers, numbers and booleans in path, query and headers. What it cannot say in
a linear expression is the upstream's business, as it was before; `unchecked` names it. An address is looked at as it
came, with every way in which a character can be escaped, so that what an upstream decodes is what was checked; one
value cannot be had twice. Where a contract only watches, the rules are shadows: what they would have refused is noted.
"""

from __future__ import annotations

import re

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.expression import Expression, Setting, render, takes_nothing, text
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.scalar import Text, text_of
from treadle.gateway.envoy.typed import extension, typed
from treadle.gateway.ir import Gateway, ParameterRule, Route
from treadle.gateway.refusals import VIOLATES

_FILTER = "checks"
_EXPRESSION_MAX = 20_000
"""How large an expression may be, compiled: more than what `scalar.SIZE_MAX` comes to, in Envoy's count."""
_SEGMENT = "[^/?]+"
_QUERY = "[^?]*[?](?:.*&)?"
_VISIBLE = "[!-~]*"
_NOT_OURS = frozenset({"accept", "content-type", "authorization", "idempotency-key"})
"""Headers that OpenAPI passes over as parameters (3.1, parameter object), and the one that has a rule of its own."""
_PARAMETER = re.compile(r"\{([^{}/]+)\}")


def unchecked(route: Route) -> tuple[str, ...]:
    """What a contract says of an operation's parameters that the gateway leaves to the upstream.

    Lines such as `query tags: array`; empty where everything is checked, here or by the guard hop.
    """
    lines = []
    for rule in _rules(route):
        one = text_of(rule.schema)
        left = one.left if rule.where != "cookie" else ("cookies are not read",)
        lines += [f"{rule.where} {rule.name}: {each}" for each in left]
        if rule.where == "query" and not rule.name.isascii():
            lines.append(f"query {rule.name}: its name is not ASCII")
        if rule.where == "path" and one.fits and _position(route.template, rule.name) is None:
            lines.append(f"path {rule.name}: it shares its segment with another parameter")
    return tuple(lines)


def _bootstrap(_: Gateway, _node: NodeSettings) -> Json:
    layer = {"name": _FILTER, "static_layer": {"re2.max_program_size.error_level": _EXPRESSION_MAX}}
    return {"layered_runtime": {"layers": [layer]}}


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    return extension(_FILTER, "extensions.filters.http.rbac.v3.RBAC")


def _route(route: Route) -> Json:
    found = {f"{VIOLATES}:{rule.where}:{rule.name}": bad for rule in _rules(route) if (bad := _bad(rule, route))}
    if not found:
        return {}
    if any(rule.where in {"path", "query"} for rule in _rules(route)):
        # An expression means nothing on bytes that are no text; in an address there are none (RFC 3986 section 2).
        found[f"{VIOLATES}:address"] = _not(_address(_VISIBLE))
    policies = {name: {"permissions": [bad], "principals": [{"any": True}]} for name, bad in found.items()}
    rules = {"action": "DENY", "policies": policies}
    enforced = route.enforcement.validation is Enforcement.ENFORCE
    rbac = {"rules": rules} if enforced else {"shadow_rules": rules, "shadow_rules_stat_prefix": f"{_FILTER}_"}
    per_route = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac=rbac)
    return {"typed_per_filter_config": {_FILTER: per_route}}


def _rules(route: Route) -> list[ParameterRule]:
    if route.guard:
        return []
    return [rule for rule in route.checks if not (rule.where == "header" and rule.name.lower() in _NOT_OURS)]


def _bad(rule: ParameterRule, route: Route) -> Json:
    """When a call is not as the rule says; None where nothing can be said."""
    one = text_of(rule.schema)
    match rule.where:
        case "path":
            return _bad_path(rule.name, one, route.template)
        case "query":
            return _bad_query(rule, one)
        case "header":
            return _bad_header(rule, one)
    return None


def _bad_path(name: str, one: Text, template: str) -> Json:
    at = _position(template, name)
    if at is None or not one.fits:
        return None
    before, after = (_template(part) for part in at)
    return _or([_not(_address(f"{before}{render(each, Setting.PATH)}{after}(?:[?].*)?")) for each in one.fits])


def _position(template: str, name: str) -> tuple[str, str] | None:
    """What stands before and after a parameter, if it is the only one of its segment."""
    before, found, after = template.partition(f"{{{name}}}")
    segment = before.rpartition("/")[2] + after.partition("/")[0]
    return None if not found or "{" in segment else (before, after)


def _template(part: str) -> str:
    return _SEGMENT.join(re.escape(literal) for literal in _PARAMETER.split(part)[::2])


def _bad_query(rule: ParameterRule, one: Text) -> Json:
    if not rule.name.isascii() or ("object" in one.left and not one.scalar):
        return None  # an object's properties stand there under their own names
    name = render(text(rule.name), Setting.QUERY)
    present = _address(f"{_QUERY}{name}(?:[=&].*)?")
    bad = []
    if rule.required:
        bad.append(_not(present))
    if one.scalar:
        bad.append(_address(f"{_QUERY}{name}(?:=[^&]*)?&(?:.*&)?{name}(?:[=&].*)?"))
    for each in one.fits:
        wrong = _not(_address(f"{_QUERY}{name}{_value(each)}(?:&.*)?"))
        bad.append(wrong if rule.required else {"and_rules": {"rules": [present, wrong]}})
    return _or(bad)


def _value(each: Expression) -> str:
    said = f"={render(each, Setting.QUERY)}"
    return f"(?:{said})?" if takes_nothing(each) else said


def _bad_header(rule: ParameterRule, one: Text) -> Json:
    name = rule.name.lower()
    present = {"header": {"name": name, "present_match": True}}
    bad = [_not(present)] if rule.required else []
    for each in one.fits:
        wrong = _not({"header": {"name": name, "string_match": _matches(render(each, Setting.HEADER))}})
        bad.append({"and_rules": {"rules": [present, wrong]}})
    return _or(bad)


def _address(expression: str) -> Json:
    return {"header": {"name": ":path", "string_match": _matches(expression)}}


def _matches(expression: str) -> Json:
    return {"safe_regex": {"regex": expression}}


def _not(rule: Json) -> Json:
    return {"not_rule": rule}


def _or(rules: list[Json]) -> Json:
    if len(rules) < 2:
        return rules[0] if rules else None
    return {"or_rules": {"rules": rules}}


FEATURE = Feature("checks", on_demand=True, bootstrap=_bootstrap, http_filter=_http_filter, route=_route)
