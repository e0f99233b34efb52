"""What a gateway must do, in the gateway's words and nobody's syntax. It validates itself before it compiles."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

import orjson

from treadle.base.errors import InputError
from treadle.contract.model import (
    Access,
    Breaker,
    Cors,
    Deprecation,
    Enforcements,
    Idempotency,
    Json,
    Limit,
    Slo,
    Streaming,
)
from treadle.contract.traffic import OWN_ISSUER
from treadle.gateway import condition
from treadle.gateway.liberties import overreach
from treadle.gateway.profiles import PROFILES, Profile, Scopes, profile

_PARAMETER = re.compile(r"\{[^{}/]+\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
COLLECTOR = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[A-Za-z0-9._~/-]*)?"
)
"""The address of an OTLP collector."""
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
_YEAR_10000_S = 253_402_300_800
_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PLATFORM = "treadle.platform.v1"
"""The contract of treadle's own doors. It is compiled like any other; its upstreams are ours."""
EDGE_LIMIT = Limit(1_000)
"""Calls a second of one client address, unless a gateway says otherwise."""
WINDOWS = ("day", "month")
"""The times that a quota is given for, in UTC."""
REPLICAS_MAX = 1_000
"""So many gateways share a limit at most."""
SOCKET_PATH_BYTES_MAX = 107
"""sun_path of Linux holds 108 bytes with its closing zero (unix(7))."""


class Repeat(StrEnum):
    """What it does to send a call again that may have arrived: nothing at all, nothing more, or harm."""

    SAFE = "safe"
    IDEMPOTENT = "idempotent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a contract's calls go: `host` and `port`, or `socket`, the path of a Unix socket.

    `tls` says that it is spoken to over TLS: `spiffe_id` is whom the gateway must find there, over mutual TLS; `ca` are
    the certificates (PEM) that its own must chain to. Where that is empty: the node's, for one with a `spiffe_id`, else
    those that the system trusts.
    """

    name: str
    host: str = ""
    port: int = 0
    socket: str = ""
    tls: bool = False
    spiffe_id: str = ""
    ca: str = ""
    breaker: Breaker = Breaker()


@dataclass(frozen=True, slots=True)
class ParameterRule:
    """What one parameter must be. `where` is `path`, `query`, `header` or `cookie`; `schema` is JSON Schema."""

    name: str
    where: str
    required: bool
    schema: Json = field(hash=False)


@dataclass(frozen=True, slots=True)
class Guard:
    """What the guard hop does for an operation: keys of repetition, and the form of calls.

    `body` holds the JSON Schema of each media type that a body may have; `parameters` are all of the operation's.
    """

    idempotency: Idempotency | None
    body: Mapping[str, Json] = field(hash=False)
    body_required: bool
    parameters: tuple[ParameterRule, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation as the gateway sees it. `template` is `/v1/customers/{customerId}`; `stamp` goes into facts.

    `upstream` is the name of one of its API's upstreams, `candidate` that of its other version, empty for none;
    `pin_header` lets a caller choose between the two. `guard` is what the guard hop does, None where a call goes
    straight to the upstream; then `checks` are the parameters that the gateway itself looks at. `retry` is `safe`,
    `idempotent`, `never`, or empty where the method says it. `drift_percent` of the answers are held against
    `responses`, JSON Schemas by status (`200`, `4XX`, `default`). The successor of a `deprecation` is an address here,
    empty where none is known. One that is `retired` has no upstream: whoever may call is told that it is gone. `patch`
    is merged into the route at last. `scope_claims` says where tokens hold scopes, by their issuer; an empty issuer
    stands for all of them.
    """

    operation: str
    method: str
    template: str
    upstream: str
    timeout_ms: int
    public: bool
    scopes: tuple[str, ...]
    limit: Limit | None
    idempotency_key: bool
    cost_weight: int
    contract: str
    domain: str
    stamp: str
    access: Access = Access()
    enforcement: Enforcements = Enforcements()
    guard: Guard | None = None
    checks: tuple[ParameterRule, ...] = ()
    retry: str = ""
    candidate: str = ""
    pin_header: str = ""
    mirrored: bool = False
    streaming: Streaming = Streaming.NONE
    cors: Cors | None = None
    deprecation: Deprecation | None = None
    retired: bool = False
    slo: Slo = Slo()
    drift_percent: float = 0.0
    responses: Mapping[str, Json] = field(default_factory=dict, hash=False)
    patch: Json = field(default=None, hash=False)
    scope_claims: tuple[tuple[str, tuple[Scopes, ...]], ...] = (("", PROFILES["rfc9068"].scopes),)

    @property
    def key(self) -> str:
        """What names it among all operations: `sales.orders.v1/createOrder`."""
        return f"{self.contract}/{self.operation}"

    @property
    def repeat(self) -> Repeat:
        """Whether the gateway may send a call again: what the contract says, else the method (RFC 9110 section 9.2).

        A call with a key of repetition must not be: the guard hop promises that its upstream sees the key once.
        """
        if self.guard and self.guard.idempotency:
            return Repeat.NEVER
        if self.retry:
            return Repeat(self.retry)
        if self.method in _SAFE_METHODS:
            return Repeat.SAFE
        return Repeat.IDEMPOTENT if self.method in {"PUT", "DELETE"} else Repeat.NEVER


@dataclass(frozen=True, slots=True)
class Shift:
    """How much of an API's traffic its candidate takes: `weight` in percent, `mirror_percent` as copies."""

    weight: int = 0
    mirror_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Api:
    """One contract's routes and the upstreams behind them. `contract` is its id.

    `shift` moves while routes stay: it is delivered apart, and a change of it is live in milliseconds.
    """

    contract: str
    routes: tuple[Route, ...]
    upstreams: tuple[Upstream, ...]
    shift: Shift = Shift()


@dataclass(frozen=True, slots=True)
class ConsumerLimit:
    """The bucket of one registered consumer. `issuer` is the `iss` whose tokens may name it.

    `day` and `month` are its quotas, 0 for none. Calls are counted off the path; the gateway is told who is out.
    """

    consumer: str
    tier: str
    limit: Limit
    issuer: str = ""
    day: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A consumer that has used up a quota. `window` is one of WINDOWS; it is over at `until_s`, in Unix seconds."""

    consumer: str
    window: str
    until_s: int


@dataclass(frozen=True, slots=True)
class Throttle:
    """A consumer that is slowed down by hand or by a reaction, whatever its tier."""

    consumer: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are accepted. `jwks` is the JWK set of its public keys, empty for one that was never reached.

    `profile` names the claim profile; `client_claim`, `scope_claim` and `lifetime_s_max`, the most seconds that a token
    may still live, go before what it says, where they are given.
    """

    url: str
    audience: str
    jwks: str
    lifetime_s_max: int = 600
    name: str = OWN_ISSUER
    profile: str = "rfc9068"
    client_claim: str = ""
    scope_claim: str = ""

    @property
    def claims(self) -> Profile:
        """How its tokens read."""
        return profile(self.profile, client_claim=self.client_claim, scope_claim=self.scope_claim)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything one gateway node enforces.

    `default_limit` is for a consumer that is in no list, `edge_limit` for each client address, token or not. `hosts`
    are the names under which it is called; any other is answered with 404. `replicas` gateways share each limit.
    `exhausted` and `throttles` come and go while contracts stay. `otlp_url` gets `sample_percent` of the spans.
    `trust_domain` is where callers with a certificate must come from (SPIFFE); empty: whatever the node's authority
    certifies.
    """

    apis: tuple[Api, ...]
    consumers: tuple[ConsumerLimit, ...]
    default_limit: Limit
    issuers: tuple[Issuer, ...]
    edge_limit: Limit = EDGE_LIMIT
    hosts: tuple[str, ...] = ()
    replicas: int = 1
    exhausted: tuple[Exhausted, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    otlp_url: str = ""
    sample_percent: float = 1.0
    trust_domain: str = ""

    def only(self, contracts: Collection[str]) -> Gateway:
        """The same gateway with just these contracts."""
        return replace(self, apis=tuple(api for api in self.apis if api.contract in contracts))


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Why one contract cannot be served. `contract` is empty where no contract is at fault."""

    contract: str
    message: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.message}" if self.contract else self.message


class InvalidGatewayError(InputError):
    """The gateway's own words contradict each other. `faults` says which contract is to be left out."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """At least one fault."""
        super().__init__(
            "gateway-invalid",
            "; ".join(str(fault) for fault in faults),
            "mend the contract that is named; the others can be served without it",
        )
        self.faults = faults


def literal(template: str) -> str:
    """The part of a template before its first parameter: `/v1/customers/` of `/v1/customers/{id}`."""
    return template.partition("{")[0]


def shape(template: str) -> str:
    """A template without the names of its parameters: two templates of one shape match the same paths."""
    return _PARAMETER.sub("{}", template)


def pattern(template: str) -> str:
    """A linear (RE2) expression that matches a whole path; a parameter is one segment or a part of one.

    Not Envoy's own URI templates: those take five parameters at most, with names of at most 16 characters.
    """
    parts = _PARAMETER.split(template)
    return "[^/]+".join(re.escape(part) for part in parts)


def faults(gateway: Gateway) -> tuple[Fault, ...]:
    """Everything that keeps these values from being served, sorted by contract. Empty: all is well."""
    return tuple(sorted([*_each(gateway), *_between(gateway)]))


def validate(gateway: Gateway) -> Gateway:
    """The gateway itself. Raises InvalidGatewayError where it cannot be served as it is."""
    if found := faults(gateway):
        raise InvalidGatewayError(found)
    return gateway


def _each(gateway: Gateway) -> Iterator[Fault]:
    named = [*(each.limit for each in gateway.consumers), *(each.limit for each in gateway.throttles)]
    for bucket in (gateway.default_limit, gateway.edge_limit, *named):
        if not _lets_through(bucket):
            yield Fault("", f"a limit of {bucket.requests} requests per {bucket.per_s} s lets nobody through")
    yield from _counts(gateway)
    if gateway.otlp_url and not _is_collector(gateway.otlp_url):
        yield Fault("", f"otlp_url {gateway.otlp_url!r} is not http://host:port/path or https://host:port/path")
    if not any(issuer.jwks for issuer in gateway.issuers):
        yield Fault("", "there is no issuer: no token could be checked")
    for issuer in gateway.issuers:
        if not issuer.audience or not issuer.url:
            yield Fault("", f"issuer {issuer.name} needs an address and an audience: without them any token would do")
        if issuer.jwks and not _is_jwks(issuer.jwks):
            yield Fault("", f"the jwks of issuer {issuer.name} is not a JWK set with at least one key (RFC 7517)")
        if issuer.profile not in PROFILES:
            yield Fault("", f"issuer {issuer.name} has the unknown profile {issuer.profile}")
    for what, values in (("name", [each.name for each in gateway.issuers]), ("url", [e.url for e in gateway.issuers])):
        for twice in sorted({each for each in values if values.count(each) > 1}):
            yield Fault("", f"two issuers have the {what} {twice}: a token could be meant for either")
    for api in gateway.apis:
        known = {upstream.name for upstream in api.upstreams}
        for upstream in api.upstreams:
            if message := _upstream_fault(upstream):
                yield Fault(api.contract, message)
        for route in api.routes:
            if message := _route_fault(route, known):
                yield Fault(api.contract, f"operation {route.operation}: {message}")


def _lets_through(limit: Limit) -> bool:
    return limit.requests >= 1 and limit.per_s >= 1 and limit.size >= 1


def _counts(gateway: Gateway) -> Iterator[Fault]:
    if not 1 <= gateway.replicas <= REPLICAS_MAX:
        yield Fault("", f"{gateway.replicas} gateways cannot share a limit; 1 to {REPLICAS_MAX} can")
    for name, many in Counter(each.consumer for each in gateway.throttles).items():
        if many > 1:
            yield Fault("", f"consumer {name} is throttled {many} times")
    for each in gateway.exhausted:
        if each.window not in WINDOWS or not 0 < each.until_s < _YEAR_10000_S:
            yield Fault("", f"the quota of consumer {each.consumer} ends at no moment of a day or month")


def _is_collector(url: str) -> bool:
    match = COLLECTOR.fullmatch(url)
    return match is not None and 0 < int(match["port"] or 1) < 65_536


def _is_jwks(text: str) -> bool:
    try:
        keys = orjson.loads(text)["keys"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(keys, list) and bool(keys)


def _upstream_fault(upstream: Upstream) -> str:
    if upstream.socket:
        size = len(upstream.socket.encode())
        if size > SOCKET_PATH_BYTES_MAX:
            return f"the socket path of upstream {upstream.name} has {size} bytes; {SOCKET_PATH_BYTES_MAX} is the most"
        return "" if not upstream.host else f"upstream {upstream.name} has both a socket and a host"
    if not upstream.host or not 0 < upstream.port < 65_536:
        return f"upstream {upstream.name} has no usable host and port"
    return ""


def _route_fault(route: Route, upstreams: Collection[str]) -> str:
    if route.method not in _METHODS:
        return f"method {route.method} is not served"
    rest = _PARAMETER.sub("", route.template)
    if not route.template.startswith("/") or not _LITERAL.fullmatch(rest) or "//" in route.template:
        return f"path {route.template} is not a plain path template"
    if any(part in {".", ".."} for part in route.template.split("/")):
        return f"path {route.template} has a dot segment: it is gone before a route is chosen"
    if message := _ending_fault(route.deprecation) or overreach(route.patch):
        return message
    for upstream in filter(None, (route.upstream, route.candidate) if not route.retired else ()):
        if upstream not in upstreams:
            return f"upstream {upstream} is not known"
    if route.timeout_ms < 1:
        return "its timeout is not positive"
    if route.limit and not _lets_through(route.limit):
        return f"a limit of {route.limit.requests} requests per {route.limit.per_s} s lets nobody through"
    if route.cors and route.cors.credentials and "*" in route.cors.origins:
        return "cors allows every origin, with credentials: any page could read what its visitor may"
    if route.public and route.scopes:
        return "it is public and asks for scopes"
    if route.public and route.limit:
        return "it is public and sets a limit for each consumer; a public call is limited by its address alone"
    if message := _access_fault(route):
        return message
    for scope in route.scopes:
        if not _SCOPE.fullmatch(scope):
            return f"scope {scope!r} is not a scope token of RFC 6749"
    return ""


def _access_fault(route: Route) -> str:
    access = route.access
    if route.public and access != Access():
        return "it is public and asks something of a token"
    for value in access.acr:
        if not _SCOPE.fullmatch(value):
            return f"acr {value!r} cannot stand in a challenge (RFC 9470): it has a quote, a backslash or a space"
    return condition.fault(access.condition) if access.condition else ""


def _ending_fault(ending: Deprecation | None) -> str:
    for day in (ending.since, ending.sunset) if ending else ():
        try:
            if day:
                date.fromisoformat(day)
        except ValueError:
            return f"{day} is no day of any calendar"
    for address in (ending.successor, ending.link) if ending else ():
        if not _ADDRESS.fullmatch(address):
            return f"{address!r} is no address (RFC 3986)"
    return ""


def _between(gateway: Gateway) -> Iterator[Fault]:
    """Two claims to one place: every claimant is named, because none is more right than the other."""
    claims: defaultdict[tuple[str, str], list[Route]] = defaultdict(list)
    places: defaultdict[str, set[Upstream]] = defaultdict(set)
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for api in gateway.apis:
        for route in api.routes:
            claims[route.method, shape(route.template)].append(route)
        for upstream in api.upstreams:
            places[upstream.name].add(upstream)
            homes[upstream.name].add(api.contract)
    for (method, _), routes in claims.items():
        if len(routes) > 1:
            names = ", ".join(f"{route.contract} ({route.operation})" for route in routes)
            for contract in sorted({route.contract for route in routes}):
                yield Fault(contract, f"{method} {routes[0].template} is claimed by {names}")
    templates: defaultdict[str, set[tuple[str, Cors]]] = defaultdict(set)
    for api in gateway.apis:
        for route in api.routes:
            if route.cors:
                templates[shape(route.template)].add((api.contract, route.cors))
    for template, pages in templates.items():
        if len({cors for _, cors in pages}) > 1:
            for contract in sorted({contract for contract, _ in pages}):
                yield Fault(contract, f"{template} is open to pages by two contracts that differ; a preflight fits one")
    for name, upstreams in places.items():
        if len(upstreams) > 1:
            for contract in sorted(homes[name]):
                yield Fault(contract, f"upstream {name} has {len(upstreams)} different addresses")
