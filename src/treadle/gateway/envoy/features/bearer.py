"""Bearer tokens: written in one way only.

The token filter reads a token as far as it looks like one: it passes over `=` and whatever comes behind, a second
Authorization header included, and over the unused bits of the last character. So one token could be written in many
ways, and an upstream, a log or a list of revoked tokens could see another one than was verified here. What is not
written as RFC 7515 section 3.1 and RFC 4648 section 3.5 say is refused before it is read.
"""

from __future__ import annotations

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import MISWRITTEN, extension, typed
from treadle.gateway.ir import Gateway, Route

_FILTER = "bearer"
_BASE64URL = "[A-Za-z0-9_-]"
# The last character of two has four unused bits, that of three has two; they must be zero.
_SIGNATURE = f"(?:{_BASE64URL}{{4}})*(?:{_BASE64URL}[AQgw]|{_BASE64URL}{{2}}[AEIMQUYcgkosw048])?"
_TOKEN = f"Bearer {_BASE64URL}+[.]{_BASE64URL}+[.]{_SIGNATURE}"


def _http_filter(_: Gateway, _node: NodeSettings) -> Json:
    header = "authorization"
    # Anywhere: the token filter finds one behind another scheme too.
    shown = {"header": {"name": header, "string_match": {"contains": "bearer", "ignore_case": True}}}
    well = {"header": {"name": header, "string_match": {"safe_regex": {"regex": _TOKEN}}}}
    # In this order: of a token that is well written nothing more is asked.
    miswritten = {"and_ids": {"ids": [{"not_id": well}, shown]}}
    policy = {"permissions": [{"any": True}], "principals": [miswritten]}
    rules = {"action": "DENY", "policies": {MISWRITTEN: policy}}
    return extension(_FILTER, "extensions.filters.http.rbac.v3.RBAC", rules=rules)


def _route(route: Route) -> Json:
    if route.public or route.enforcement.auth is not Enforcement.ENFORCE:
        return {}
    # An empty configuration switches the filter on as the chain has it.
    return {"typed_per_filter_config": {_FILTER: typed("config.route.v3.FilterConfig", config={})}}


FEATURE = Feature("bearer", on_demand=True, http_filter=_http_filter, route=_route)
