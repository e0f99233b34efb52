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
from treadle.gateway.envoy.typed import DOOR_METADATA, PARENT, RBAC_FILTER, extension
from treadle.gateway.ir import Gateway, Route

_STAMP = "treadle"
_NAME_MAX = 128
_ADDRESS_MAX = 256


def _of_caller(name: str) -> str:
    return f"%REQ(X-TREADLE-{name}):{_NAME_MAX}%"


# Each word costs every call its share of a microsecond: what belongs together is read together.
_LINE = {
    "start_us": "%START_TIME(%s%6f)%",
    "trace": "%TRACE_ID%",
    "span": "%SPAN_ID%",
    "request": "%REQ(X-REQUEST-ID):64%",
    "caller": f"%REQ({PARENT.upper()}):64%",
    "consumer": _of_caller("CONSUMER"),
    "subject": _of_caller("SUBJECT"),
    "issuer": f"%REQ(X-TREADLE-ISSUER):{_ADDRESS_MAX}%",
    "peer": "%DOWNSTREAM_PEER_URI_SAN%",
    "what": f"%METADATA(ROUTE:{_STAMP}:what)%",
    "method": "%REQ(:METHOD):32%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "rules": f"%DYNAMIC_METADATA({RBAC_FILTER})%",
    "doors": f"%DYNAMIC_METADATA({DOOR_METADATA})%",
    "over": _of_caller("LIMITED"),
    "upstream": "%UPSTREAM_CLUSTER%",
    "replayed": "%RESP(IDEMPOTENCY-REPLAYED):8%",
    "limited": f"%RESP({LIMITED.upper()}):{_NAME_MAX}%",
    "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
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
        "what": f"{route.stamp} {route.operation} {route.cost_weight}",
        "stamp": route.stamp,
        "operation": route.operation,
        **{name: value for name, value in objectives.items() if value is not None},
    }
    return {"metadata": {"filter_metadata": {_STAMP: stamp}}}


FEATURE = Feature("access-log", manager=_manager, route=_route)
