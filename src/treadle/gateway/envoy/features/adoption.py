"""Adoption: a contract that only warns tells each caller whom it will refuse one day, with which code.

`treadle-warning: FORBIDDEN` is on the answers of calls that would have been refused and on no other. A contract that
observes says nothing. What each filter noted of the call is read where the answer leaves; the first note that is there
goes into the header, in the order in which a call would have met the refusals.
"""

from __future__ import annotations

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import LIMITED
from treadle.gateway.envoy.typed import FORBIDDING_RULES, RBAC_FILTER
from treadle.gateway.ir import Route

_HEADER = "treadle-warning"
_NOTED = f"metadata.filter_metadata['{RBAC_FILTER}']"
_RULES = ", ".join(f"'{rule}'" for rule in FORBIDDING_RULES)
# An expression about what was not noted fails, and adds no header.
_DENIED = f"{_NOTED}['authz_shadow_engine_result'] == 'denied'"
_CODE = f"{_NOTED}['authz_shadow_effective_policy_id'] in [{_RULES}] ? 'FORBIDDEN' : 'UNAUTHENTICATED'"
_AUTH = f"{_DENIED} ? ({_CODE}) : ''"
_CHECKS = f"{_NOTED}['checks_shadow_engine_result'] == 'denied' ? 'CONTRACT_VIOLATION' : ''"


def _route(route: Route) -> Json:
    how = route.enforcement
    told = []
    if how.auth is Enforcement.WARN and not route.public:
        told.append(f"%CEL({_AUTH})%")
    if how.limits is Enforcement.WARN:
        told.append(f"%REQ({LIMITED.upper()})%")
    if how.validation is Enforcement.WARN and route.checks:
        told.append(f"%CEL({_CHECKS})%")
    if how.validation is Enforcement.WARN and route.guard:
        told.append("%RESP(X-TREADLE-OBSERVED)%")
    if not told:
        return {}
    # An upstream's own words under this name are gone first.
    return {
        "response_headers_to_remove": [_HEADER],
        "response_headers_to_add": [
            {"header": {"key": _HEADER, "value": each}, "append_action": "ADD_IF_ABSENT"} for each in told
        ],
    }


FEATURE = Feature("adoption", route=_route)
