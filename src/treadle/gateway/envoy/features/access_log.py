"""Access log: one JSON line a call, from which its fact is made. Who and what come from the token and the contract.

Who is read from the headers of the verified identity: no client can send them, and a call that is refused later has
them too. What would have been refused, were it enforced, is in the line as each filter noted it.

No raw path, no query string and no address of a client: the operation says what was asked for. What a client had a say
in is cut, so that no line grows beyond what its reader takes.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.limiter import LIMITED
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import DOOR_METADATA, RBAC_FILTER, extension
from treadle.gateway.ir import Gateway, Route

_STAMP = "treadle"
_NAME_MAX = 128
_ADDRESS_MAX = 256


def _of_caller(name: str) -> str:
    return f"%REQ(X-TREADLE-{name}):{_NAME_MAX}%"


def _of_shadow(prefix: str, what: str) -> str:
    """What rules said that only watch: `denied` or `allowed`, and which of them; null where there are none."""
    return f"%DYNAMIC_METADATA({RBAC_FILTER}:{prefix}_shadow_{what}):32%"


def _of_route(name: str) -> str:
    return f"%METADATA(ROUTE:{_STAMP}:{name})%"


_LINE = {
    "start_us": "%START_TIME(%s%6f)%",
    "trace": "%TRACE_ID%",
    "span": "%SPAN_ID%",
    "caller": "%FILTER_STATE(treadle.caller:PLAIN):64%",
    "request": "%REQ(X-REQUEST-ID):64%",
    "consumer": _of_caller("CONSUMER"),
    "subject": _of_caller("SUBJECT"),
    "issuer": f"%REQ(X-TREADLE-ISSUER):{_ADDRESS_MAX}%",
    "peer": "%DOWNSTREAM_PEER_URI_SAN%",
    "domain": _of_route("domain"),
    "contract": _of_route("contract"),
    "stamp": _of_route("stamp"),
    "operation": _of_route("operation"),
    "cost": _of_route("cost"),
    "method": "%REQ(:METHOD):32%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "door": f"%DYNAMIC_METADATA({DOOR_METADATA}:code):{_NAME_MAX}%",
    "authz": _of_shadow("authz", "engine_result"),
    "rule": _of_shadow("authz", "effective_policy_id"),
    "over": _of_caller("LIMITED"),
    "checks": _of_shadow("checks", "engine_result"),
    "hop": f"%DYNAMIC_METADATA({DOOR_METADATA}:observed):{_NAME_MAX}%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "behind": f"%DYNAMIC_METADATA({DOOR_METADATA}:upstream):{_NAME_MAX}%",
    "replayed": "%RESP(IDEMPOTENCY-REPLAYED):8%",
    "limited": f"%RESP({LIMITED.upper()}):{_NAME_MAX}%",
    "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
    "upstream_us": "%COMMON_DURATION(US_TX_BEG:US_RX_END:us)%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
}


def _manager(_: Gateway, node: NodeSettings) -> Json:
    type = "extensions.access_loggers.file.v3.FileAccessLog"
    file = extension("facts", type, path=node.access_log, log_format={"json_format": _LINE, "omit_empty_values": True})
    return {"access_log": [file]}


def _route(route: Route) -> Json:
    # The objectives are there for whoever reads the configuration or a span; a fact tells them by its stamp.
    objectives = {"slo_success": route.slo.success, "slo_p95_ms": route.slo.p95_ms}
    stamp = {
        "domain": route.domain,
        "contract": route.contract,
        "stamp": route.stamp,
        "operation": route.operation,
        "cost": route.cost_weight,
        **{name: value for name, value in objectives.items() if value is not None},
    }
    return {"metadata": {"filter_metadata": {_STAMP: stamp}}}


FEATURE = Feature("access-log", manager=_manager, route=_route)
