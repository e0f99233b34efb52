"""One frozen model of an API or event contract, and of the workspace that holds it.

Every part keeps its `Place`, so that a finding, a plan or a refusal can always name file, line and column.
Schemas inside the model are self-contained JSON Schema 2020-12: every `$ref` was resolved when it was read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from treadle.contract.place import Json, Place
from treadle.contract.promises import (
    Access,
    Cors,
    Deprecation,
    Enforcement,
    Enforcements,
    Idempotency,
    Limit,
    Streaming,
    Validation,
)
from treadle.contract.traffic import Breaker, Candidate, GatewaySettings, TrustedIssuer

__all__ = [
    "Access",
    "Breaker",
    "Candidate",
    "Channel",
    "Connector",
    "Consumer",
    "Content",
    "Contract",
    "Cors",
    "Deprecation",
    "Domain",
    "Enforcement",
    "Enforcements",
    "GatewaySettings",
    "Idempotency",
    "Json",
    "Kind",
    "Limit",
    "Operation",
    "Parameter",
    "Place",
    "Service",
    "Settings",
    "Slo",
    "Streaming",
    "Subscription",
    "Tier",
    "TrustedIssuer",
    "Validation",
    "Workspace",
]

_TEMPLATE = re.compile(r"\{[^}]*\}")


class Kind(StrEnum):
    """Which of the two formats a contract is written in."""

    OPENAPI = "openapi"
    ASYNCAPI = "asyncapi"


@dataclass(frozen=True, slots=True)
class Slo:
    """Objectives: share of good calls in 0..1, 95th percentile in milliseconds, event lag in seconds."""

    success: float | None = None
    p95_ms: int | None = None
    lag_s: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path of an API.

    `path` is the template as written (`/v1/customers/{customerId}`); `scopes` are all required; `public` means
    the contract says `security: []`. `request` and `responses` hold JSON Schemas by media type `application/json`
    only (None where a body has no such content); a status is `"200"`, `"4XX"` or `"default"`. `method` is in
    upper case. `retry` is `safe`, `idempotent`, `never`, or empty where the method says it. `patch` is merged into the
    gateway's own words for this operation, None as a rule. `request_content` and `response_content` hold every body by
    its media type, in lower case; `response_headers` are by status.
    """

    id: str
    method: str
    path: str
    place: Place
    public: bool = False
    scopes: tuple[str, ...] = ()
    idempotency_key: bool = False
    timeout_ms: int = 2_000
    limit: Limit | None = None
    cost_weight: int = 1
    audit: str = "standard"
    summary: str = ""
    request: Json = None
    responses: Mapping[str, Json] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    request_required: bool = False
    deprecated: bool = False
    request_content: Mapping[str, Content] = field(default_factory=dict)
    response_content: Mapping[str, Mapping[str, Content]] = field(default_factory=dict)
    response_headers: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict)
    idempotency: Idempotency | None = None
    retry: str = ""
    access: Access = Access()
    validation: Validation = Validation.NATIVE
    streaming: Streaming = Streaming.NONE
    patch: Json = None

    @property
    def route(self) -> str:
        """The shape of the path: two templates that differ in the names of their parameters only are one route."""
        return _TEMPLATE.sub("{}", self.path)

    @property
    def error_statuses(self) -> tuple[str, ...]:
        """The declared statuses that answer with an error: 4xx, 5xx and default."""
        return tuple(each for each in self.responses if each[0] in "45d")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation, or one header of a response.

    `where` is `path`, `query`, `header` or `cookie`; `header` for a response.
    """

    name: str
    where: str
    required: bool
    schema: Json
    place: Place


@dataclass(frozen=True, slots=True)
class Content:
    """A body in one media type. `pointer` says where the media type stands as one walks from the operation.

    `schema` is None where none is given: anything is allowed then.
    """

    schema: Json
    pointer: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One event channel: its address is `domain.aggregate.event.v{major}`.

    `payload` is the JSON Schema of the message body. `subject_pointer` is the JSON pointer of the property that
    names the person or organisation an event is about (`x-treadle: {subject: …}`), or None. `pointer` and
    `payload_pointer` say where the channel and its payload stand in the contract, `message_pointer` its message.
    `headers` is the JSON Schema of the message's own headers, None where it has none.
    """

    name: str
    message: str
    payload: Json
    place: Place
    partitions: int = 8
    partition_key: str = "/partitionKey"
    retention_days: int = 7
    compaction: bool = False
    dlq_days: int = 30
    replay_days: int = 7
    durability: str = "power-safe"
    enforcement: Enforcement = Enforcement.ENFORCE
    subject_pointer: str | None = None
    summary: str = ""
    pointer: str = ""
    payload_pointer: str = ""
    content_type: str = "application/json"
    headers: Json = None
    message_pointer: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """One OpenAPI or AsyncAPI file, read.

    `id` is `<domain>.<name>.v<major>` (`sales.orders.v1`), unique in a fabric. `version` is `info.version`.
    `digest` is the sha256 of the exact bytes of the file and of every file that it refers to. `places` finds the
    place of any node by its JSON pointer (`/paths/~1v1~1orders/get`). `hosts` are the names in its `servers`;
    `drift_percent` of its answers are held against it. `inherited` is what the domain says of all its
    contracts (`owner`, `classification`), where it says so.
    """

    id: str
    kind: Kind
    domain: str
    name: str
    major: int
    version: str
    title: str
    digest: str
    place: Place
    owner: str = ""
    classification: str = "internal"
    lifecycle: str = "active"
    enforcement: Enforcements = Enforcements()
    slo: Slo = Slo()
    operations: tuple[Operation, ...] = ()
    channels: tuple[Channel, ...] = ()
    document: Json = None
    places: Mapping[str, Place] = field(default_factory=dict)
    sources: Mapping[str, bytes] = field(default_factory=dict)
    cors: Cors | None = None
    deprecation: Deprecation | None = None
    drift_percent: float = 1.0
    hosts: tuple[str, ...] = ()
    inherited: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def stamp(self) -> str:
        """What facts and headers carry: `sales.orders.v1@1.2.0#3f9c2a1b04de`."""
        return f"{self.id}@{self.version}#{self.digest.removeprefix('sha256:')[:12]}"

    def at(self, pointer: str) -> Place:
        """The place of the node at a JSON pointer, or of its nearest ancestor that is known."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, self.place)


@dataclass(frozen=True, slots=True)
class Domain:
    """`domains/<domain>/domain.yaml`: who answers for it. RACI lists are names of teams or roles.

    `classification` is empty where the domain says none.
    """

    name: str
    title: str
    owner: str
    place: Place
    cost_centre: str = ""
    classification: str = ""
    responsible: tuple[str, ...] = ()
    accountable: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """Where an API runs. `contract` is a contract id; `upstream` is `http://host:port` or `https://host:port`.

    `spiffe_id` is whom the gateway must find there (mutual TLS), `ca` a PEM file of the workspace that the upstream's
    certificate must chain to; without either an `https` upstream must show a name that the system's authorities know.
    """

    name: str
    contract: str
    upstream: str
    place: Place
    spiffe_id: str = ""
    ca: str = ""
    candidate: Candidate | None = None
    breaker: Breaker = Breaker()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets a channel's events. `id` names the consumer group."""

    id: str
    channel: str
    place: Place
    max_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of service: a token bucket for each consumer in it, and the most calls of a UTC day and month.

    A quota of 0 is none.
    """

    name: str
    limit: Limit
    day: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Consumer:
    """A client of the fabric. `id` is the client that the token names; `scopes` is what it may be given at most.

    `issuer` is the name of the identity provider whose tokens may name it, empty for the workspace's own issuer.
    """

    id: str
    owner: str
    tier: str
    place: Place
    scopes: tuple[str, ...] = ()
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """One system of record and how its records become events. `settings` is the checked YAML."""

    name: str
    system: str
    settings: Mapping[str, Json]
    place: Place


@dataclass(frozen=True, slots=True)
class Settings:
    """`treadle.yaml` under its environment overlay: what is not a contract."""

    name: str
    environment: str
    audience: str
    tiers: Mapping[str, Tier]
    consumers: Mapping[str, Consumer]
    domains: Mapping[str, Domain]
    services: tuple[Service, ...]
    subscriptions: tuple[Subscription, ...]
    connectors: tuple[Connector, ...]
    ports: Mapping[str, int]
    engines: Mapping[str, Json]
    issuers: tuple[TrustedIssuer, ...] = ()
    gateway: GatewaySettings = GatewaySettings()

    @property
    def trust_domain(self) -> str:
        """Where the certificates of this workspace's own authority count: `acme.treadle` (SPIFFE-ID section 2.1)."""
        return f"{self.name}.treadle"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace, read: its settings, and every contract that could be read. What could not is a finding."""

    settings: Settings
    contracts: tuple[Contract, ...]

    def contract(self, id: str) -> Contract | None:
        """The contract of that id, if it was readable."""
        return next((each for each in self.contracts if each.id == id), None)
