"""How traffic is let in and sent on: whose tokens count, where the gateway is, which versions of a service run."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.place import Place
from treadle.contract.promises import Limit

OWN_ISSUER = "treadle"
"""What the workspace's own issuer is called among the others."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider whose tokens are accepted (`issuers` in treadle.yaml).

    `url` is the token's `iss`. Keys come from `jwks_url`, or from where the metadata at `discovery_url` says, which
    defaults to the well-known place below `url`. `profile` names the claim profile; a setting that is given goes
    before it: `client_claim`, `scope_claim`, `lifetime_s_max`. `audience` defaults to the workspace's. `ca` is a PEM
    file of the workspace that the provider's certificate must chain to, empty for the system's authorities.
    """

    name: str
    url: str
    place: Place
    profile: str = "rfc9068"
    audience: str = ""
    discovery_url: str = ""
    jwks_url: str = ""
    ca: str = ""
    client_claim: str = ""
    scope_claim: str = ""
    lifetime_s_max: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another version of a service, beside the one that serves (canary, blue/green).

    `weight` is its share of calls in percent. A call whose header `pin_header` says `candidate` (or `stable`) goes
    there whatever the weight. `mirror_percent` of the calls that stay are copied to it; their answers are dropped.
    """

    upstream: str
    weight: int = 0
    pin_header: str = ""
    mirror_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The most that one upstream may hold at once, and when an endpoint is left out. 0: the gateway's default."""

    connections: int = 0
    pending: int = 0
    requests: int = 0
    consecutive_5xx: int = 0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """`gateway` in treadle.yaml.

    `hosts` are the names under which the gateway is called, beside loopback's; none given: those in the contracts'
    `servers`. `replicas` is how many gateways share each limit. `otlp_url` is where `sample_percent` of the spans go,
    empty for nowhere. `idempotency_store` is the address of a PostgreSQL database, empty for SQLite on the node.
    """

    hosts: tuple[str, ...] = ()
    edge: Limit | None = None
    tls: bool = True
    client_certificates: str = "optional"
    replicas: int = 1
    otlp_url: str = ""
    sample_percent: float = 1.0
    idempotency_store: str = ""
    body_bytes_max: int = 1_048_576
