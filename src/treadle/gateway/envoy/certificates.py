"""The node's own certificates, as Envoy is told of them: by secret files, never by what travels to many nodes.

Each secret file names the files that hold the certificates. Envoy watches their folder: whoever swaps a symbolic link
in it, as Kubernetes does, has them read again, and no listener or cluster changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from treadle.contract.model import Json
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import typed

IDENTITY = "identity"
"""The secret that is the node's certificate and key, for callers and upstreams alike."""
AUTHORITY = "authority"
"""The secret that is the certificates which others' must chain to."""
TLS = "envoy.transport_sockets.tls"
PARAMETERS = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}


def secret(node: NodeSettings, name: str) -> Json:
    """How a TLS context refers to one of the node's secrets."""
    source = {"path_config_source": {"path": node.file("sds", name)}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def secrets(node: NodeSettings) -> Mapping[str, Json]:
    """What the secret files say, by name. They name files only."""
    watched = {"path": node.tls}
    key = {"filename": node.certificate("tls.key")}
    identity = {"certificate_chain": {"filename": node.certificate("tls.crt")}, "private_key": key}
    authority = {"trusted_ca": {"filename": node.certificate("ca.crt")}}
    return {
        IDENTITY: _secret(IDENTITY, tls_certificate=identity | {"watched_directory": watched}),
        AUTHORITY: _secret(AUTHORITY, validation_context=authority | {"watched_directory": watched}),
    }


def unfiled(value: Json) -> Json:
    """The same TLS context for the engine's judgement, with secrets that hold nothing."""
    if isinstance(value, dict):
        return {key: _NOWHERE if key == "sds_config" else unfiled(each) for key, each in value.items()}
    return [unfiled(each) for each in value] if isinstance(value, list) else value


# Envoy watches the folder of such a file, so it is one that nobody writes to: not /dev, where /dev/null is written to.
_NOTHING = Path(__file__).with_name("nothing") / "resources.json"
_NOWHERE = {"path_config_source": {"path": str(_NOTHING)}, "resource_api_version": "V3"}


def _secret(name: str, **fields: Json) -> Json:
    return typed("extensions.transport_sockets.tls.v3.Secret", name=name, **fields)
