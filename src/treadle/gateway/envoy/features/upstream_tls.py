"""TLS towards upstreams: TLS 1.3 alone, to exactly whom the workspace names, or nothing is sent.

An upstream with a SPIFFE id is shown the gateway's own certificate and must show that very id; any other must show the
name or address that it is called by.
"""

from __future__ import annotations

import ipaddress

from treadle.contract.model import Json
from treadle.gateway.envoy.certificates import AUTHORITY, IDENTITY, PARAMETERS, TLS, secret
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Upstream


def _secured(upstream: Upstream, node: NodeSettings) -> Json:
    if not upstream.tls:
        return {}
    mutual = {"tls_certificate_sds_secret_configs": [secret(node, IDENTITY)]} if upstream.spiffe_id else {}
    common = {"tls_params": PARAMETERS, "alpn_protocols": ["http/1.1"], **mutual, **_validation(upstream, node)}
    sni = {} if _is_address(upstream.host) else {"sni": upstream.host}  # RFC 6066 section 3: names only
    context = "extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return {"transport_socket": extension(TLS, context, common_tls_context=common, **sni)}


def _validation(upstream: Upstream, node: NodeSettings) -> Json:
    names = {"match_typed_subject_alt_names": [_name(upstream)]}
    if upstream.ca:
        return {"validation_context": {"trusted_ca": {"inline_string": upstream.ca}, **names}}
    if upstream.spiffe_id:
        authority = secret(node, AUTHORITY)
        both = {"default_validation_context": names, "validation_context_sds_secret_config": authority}
        return {"combined_validation_context": both}
    return {"validation_context": {"trusted_ca": {"filename": node.authorities}, **names}}


def _name(upstream: Upstream) -> Json:
    if upstream.spiffe_id:
        return {"san_type": "URI", "matcher": {"exact": upstream.spiffe_id}}
    kind = "IP_ADDRESS" if _is_address(upstream.host) else "DNS"
    return {"san_type": kind, "matcher": {"exact": upstream.host}}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


FEATURE = Feature("upstream_tls", secured=_secured)
