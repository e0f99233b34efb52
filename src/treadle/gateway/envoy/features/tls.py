"""TLS: how callers are spoken to, TLS 1.3 alone; and what is told of a certificate that a caller shows.

A certificate that is shown must chain to the node's authority, whether one is demanded or not; where one is, it must
name its owner inside our trust domain too. (Where none is, Envoy would demand one as soon as it looked at names; a root
that is constrained to the trust domain, as ours is, says the same.) Upstreams learn of it by
`x-forwarded-client-cert`, which nobody can send through us.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.certificates import AUTHORITY, IDENTITY, PARAMETERS, TLS, secret
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import extension
from treadle.gateway.ir import Gateway


def _transport(gateway: Gateway, node: NodeSettings) -> Json:
    if not node.tls or node.plain:
        return {}
    common = {
        "tls_params": PARAMETERS,
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [secret(node, IDENTITY)],
        **({} if node.client_certificates == "none" else _callers(gateway, node)),
    }
    context = "extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    demanded = node.client_certificates == "required"
    # A session that is resumed would bring back a certificate that is no longer good.
    afresh = {"disable_stateless_session_resumption": True, "disable_stateful_session_resumption": True}
    socket = extension(TLS, context, common_tls_context=common, require_client_certificate=demanded, **afresh)
    return {"transport_socket": socket}


def _callers(gateway: Gateway, node: NodeSettings) -> Json:
    authority = secret(node, AUTHORITY)
    if node.client_certificates == "optional" or not gateway.trust_domain:
        return {"validation_context_sds_secret_config": authority}
    ours = {"san_type": "URI", "matcher": {"prefix": f"spiffe://{gateway.trust_domain}/"}}
    names = {"match_typed_subject_alt_names": [ours]}
    both = {"default_validation_context": names, "validation_context_sds_secret_config": authority}
    return {"combined_validation_context": both}


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    return {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"uri": True}}


def _onward_manager(_: Gateway, _node: NodeSettings) -> Json:
    # What the front says comes back through the hop, which nobody else can reach.
    return {"forward_client_cert_details": "ALWAYS_FORWARD_ONLY"}


FEATURE = Feature("tls", transport=_transport, manager=_manager, onward_manager=_onward_manager)
