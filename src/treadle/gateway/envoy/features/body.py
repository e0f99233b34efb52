"""Body limit: a request is held until its body is complete and refused with 413 where it grows too large."""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway


def _http_filter(_: Gateway, node: NodeSettings) -> Json:
    name = "envoy.filters.http.buffer"
    return extension(name, "extensions.filters.http.buffer.v3.Buffer", max_request_bytes=node.body_bytes_max)


FEATURE = Feature("body", http_filter=_http_filter)
