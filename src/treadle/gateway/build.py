"""Contracts and settings -> Gateway. Pure; what a contract does not say, settings do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from treadle.contract.model import (
    Contract,
    Deprecation,
    Kind,
    Limit,
    Operation,
    Service,
    Settings,
    Streaming,
    Validation,
)
from treadle.gateway.ir import (
    EDGE_LIMIT,
    PLATFORM,
    Api,
    ConsumerLimit,
    Exhausted,
    Fault,
    Gateway,
    Guard,
    InvalidGatewayError,
    Issuer,
    ParameterRule,
    Route,
    Shift,
    Throttle,
    Upstream,
    literal,
)
from treadle.gateway.profiles import PROFILES, Scopes

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a gateway is always called: only its own machine can."""
_ADDRESS = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?")
_OURS = re.compile(r"treadle-.*|collector|no-collector|.*--.*")
"""Names of clusters that the gateway has itself, or makes for a candidate."""
_RESERVED = frozenset({"consumer", "control", "fabric", "gateway", "node"})
"""How the paths of SPIFFE ids begin that treadle gives to its own parts and to consumers."""
RETIRED = "retired"
"""The stage of a contract that is no longer served."""
_ENDING = frozenset({"deprecated", "sunset", RETIRED})
_WITHOUT_TIERS = Limit(10)


def build(
    contracts: Sequence[Contract],
    settings: Settings,
    issuers: Sequence[Issuer],
    platform: Mapping[str, Upstream],
    *,
    files: Mapping[str, bytes] | None = None,
    exhausted: Sequence[Exhausted] = (),
    throttles: Sequence[Throttle] = (),
) -> Gateway:
    """What a gateway must do to serve these contracts; those of events are passed over.

    `platform` gives the upstream of each operation of the platform contract; `exhausted` and `throttles` are as of now.
    `files` are those of the workspace, for the certificates that services name.
    `issuers` are the workspace's own and those of its settings, in that order. Raises InvalidGatewayError where
    nothing runs a contract; its faults name the contracts to leave out. What contradicts itself in other ways is
    found by `ir.faults`, and refused by the compiler.
    """
    apis: list[Api] = []
    found: list[Fault] = []
    for contract in contracts:
        if contract.kind is not Kind.OPENAPI:
            continue
        try:
            apis.append(_api(contract, settings, platform, files or {}))
        except InvalidGatewayError as error:
            found.extend(error.faults)
    if found:
        raise InvalidGatewayError(tuple(found))
    homes = {each.id: _home(each) for each in contracts if each.kind is Kind.OPENAPI}
    return Gateway(
        apis=tuple(
            sorted((_with_scopes(_followed(api, homes), issuers) for api in apis), key=lambda api: api.contract)
        ),
        consumers=_consumers(settings, issuers),
        default_limit=_default_limit(settings),
        issuers=tuple(issuers),
        edge_limit=settings.gateway.edge or EDGE_LIMIT,
        hosts=_hosts(contracts, settings),
        replicas=settings.gateway.replicas,
        exhausted=tuple(exhausted),
        throttles=tuple(throttles),
        otlp_url=settings.gateway.otlp_url,
        sample_percent=settings.gateway.sample_percent,
        trust_domain=settings.trust_domain,
    )


def _with_scopes(api: Api, issuers: Sequence[Issuer]) -> Api:
    claims = _scope_claims(issuers)
    return replace(api, routes=tuple(replace(route, scope_claims=claims) for route in api.routes))


def _scope_claims(issuers: Sequence[Issuer]) -> tuple[tuple[str, tuple[Scopes, ...]], ...]:
    """Where each issuer's tokens hold scopes; without the issuer's name where all do so alike."""
    places = {each.url: each.claims.scopes for each in issuers if each.profile in PROFILES}
    alike = set(places.values())
    return (("", alike.pop()),) if len(alike) == 1 else tuple(places.items())


def _hosts(contracts: Sequence[Contract], settings: Settings) -> tuple[str, ...]:
    said = settings.gateway.hosts or [host for each in contracts if each.kind is Kind.OPENAPI for host in each.hosts]
    return tuple(sorted({*LOOPBACK, *said}))


def _api(contract: Contract, settings: Settings, platform: Mapping[str, Upstream], files: Mapping[str, bytes]) -> Api:
    if contract.id == PLATFORM:
        missing = [each.id for each in contract.operations if each.id not in platform]
        if missing:
            raise _fault(contract, f"nothing serves {', '.join(missing)}")
        doors = {each.id: platform[each.id] for each in contract.operations}
        routes = [_route(contract, each, doors[each.id].name) for each in contract.operations]
        return Api(contract.id, tuple(routes), tuple(dict.fromkeys(doors.values())))
    if contract.lifecycle == RETIRED:
        return Api(
            contract.id, tuple(replace(_route(contract, each, ""), retired=True) for each in contract.operations), ()
        )
    service = _service(contract, settings)
    upstream = _upstream(contract, service, service.name, service.upstream, files)
    routes = [_of_service(contract, each, service) for each in contract.operations]
    if not (candidate := service.candidate):
        return Api(contract.id, tuple(routes), (upstream,))
    other = _upstream(contract, service, _candidate_name(service), candidate.upstream, files)
    shift = Shift(candidate.weight, candidate.mirror_percent)
    return Api(contract.id, tuple(routes), (upstream, other), shift)


def _service(contract: Contract, settings: Settings) -> Service:
    services = [each for each in settings.services if each.contract == contract.id]
    if len(services) != 1:
        said = "no service" if not services else f"{len(services)} services"
        raise _fault(contract, f"{said} in domains/{contract.domain}/services.yaml runs it; there must be one")
    service = services[0]
    if _OURS.fullmatch(service.name):
        raise _fault(contract, f"service {service.name} has a name that the gateway uses itself")
    if is_reserved(service.spiffe_id, settings.trust_domain):
        raise _fault(contract, f"service {service.name} has the spiffe_id {service.spiffe_id}, which is no service's")
    return service


def is_reserved(spiffe_id: str, trust_domain: str) -> bool:
    """Whether a SPIFFE id is for a part of treadle or a consumer.

    A service that had it would be issued its certificate, and be taken for the gateway by every other service.
    """
    domain, _, path = spiffe_id.removeprefix("spiffe://").partition("/")
    return domain == trust_domain and path.partition("/")[0] in _RESERVED


def _candidate_name(service: Service) -> str:
    return f"{service.name}--candidate"  # no service may have such a name


def _upstream(contract: Contract, service: Service, name: str, address: str, files: Mapping[str, bytes]) -> Upstream:
    match = _ADDRESS.fullmatch(address)
    if not match:
        message = f"upstream {address!r} of service {service.name} is not http://host:port or https://host:port"
        raise _fault(contract, message)
    tls = match[1] == "https"
    if service.spiffe_id and not tls:
        raise _fault(contract, f"service {service.name} has a spiffe_id, and its upstream {address} is not https")
    return Upstream(
        name,
        match[2].strip("[]"),
        int(match[3] or (443 if tls else 80)),
        tls=tls,
        spiffe_id=service.spiffe_id,
        ca=_certificates(contract, service, files) if tls else "",
        breaker=service.breaker,
    )


def _certificates(contract: Contract, service: Service, files: Mapping[str, bytes]) -> str:
    """The PEM text that a service's own certificate must chain to; it goes to Envoy as it is, and Envoy judges it."""
    if not service.ca:
        return ""
    data = files.get(service.ca)
    if data is None:
        raise _fault(contract, f"service {service.name} names the ca {service.ca}, which is no file of the workspace")
    if not data.isascii() or b"-----BEGIN CERTIFICATE-----" not in data or b"PRIVATE KEY" in data:
        raise _fault(contract, f"the ca {service.ca} of service {service.name} is not a PEM file of certificates alone")
    return data.decode()


def _of_service(contract: Contract, operation: Operation, service: Service) -> Route:
    """The route of an operation that a service of the workspace runs: all that it promises beyond being reached."""
    rules = tuple(ParameterRule(each.name, each.where, each.required, each.schema) for each in operation.parameters)
    guarded = operation.validation is Validation.GUARD and operation.streaming is Streaming.NONE
    bodies = {media: content.schema for media, content in operation.request_content.items()}
    guard = Guard(operation.idempotency, bodies, operation.request_required, rules) if guarded else None
    candidate = service.candidate
    return replace(
        _route(contract, operation, service.name),
        guard=guard,
        checks=rules if operation.validation is Validation.NATIVE else (),
        candidate=_candidate_name(service) if candidate else "",
        pin_header=candidate.pin_header.lower() if candidate else "",
        mirrored=bool(candidate and candidate.mirror_percent),
        drift_percent=contract.drift_percent,
        responses=dict(operation.responses),
    )


def _route(contract: Contract, operation: Operation, upstream: str) -> Route:
    return Route(
        operation=operation.id,
        method=operation.method.upper(),
        template=operation.path,
        upstream=upstream,
        timeout_ms=operation.timeout_ms,
        public=operation.public,
        scopes=operation.scopes,
        limit=operation.limit,
        idempotency_key=_needs_key(operation),
        cost_weight=operation.cost_weight,
        contract=contract.id,
        domain=contract.domain,
        stamp=contract.stamp,
        access=operation.access,
        enforcement=contract.enforcement,
        retry=operation.retry,
        streaming=operation.streaming,
        cors=contract.cors,
        deprecation=_ending(contract, operation),
        slo=contract.slo,
        patch=operation.patch,
    )


def _ending(contract: Contract, operation: Operation) -> Deprecation | None:
    """How the end of an operation is announced: by its contract's words, or by the one that it is deprecated."""
    if contract.deprecation:
        return contract.deprecation
    return Deprecation() if operation.deprecated or contract.lifecycle in _ENDING else None


def _followed(api: Api, homes: Mapping[str, str]) -> Api:
    """With the address of what follows each contract, in the place of its id."""
    return replace(api, routes=tuple(_with_successor(route, homes) for route in api.routes))


def _with_successor(route: Route, homes: Mapping[str, str]) -> Route:
    if not route.deprecation or "/" in route.deprecation.successor:
        return route
    address = homes.get(route.deprecation.successor, "")
    return replace(route, deprecation=replace(route.deprecation, successor=address))


def _home(contract: Contract) -> str:
    """The path that all templates of a contract begin with: `/v2/customers`."""
    paths = [literal(each.path).rstrip("/").split("/") for each in contract.operations]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return "/".join(parts[0] for parts in shared) or "/"


def _needs_key(operation: Operation) -> bool:
    """Whether a call without the key is refused: not where the contract declares it as optional."""
    declared = [each.required for each in operation.parameters if each.name.lower() == "idempotency-key"]
    return any(declared) if declared else operation.idempotency_key


def _consumers(settings: Settings, issuers: Sequence[Issuer]) -> tuple[ConsumerLimit, ...]:
    named = {each.name: each.url for each in issuers}
    own = issuers[0].url if issuers else ""
    rows = sorted(settings.consumers.values(), key=lambda each: each.id)
    if strange := [each for each in rows if each.tier not in settings.tiers]:
        raise InvalidGatewayError(
            tuple(Fault("", f"{each.place}: consumer {each.id} has the unknown tier {each.tier}") for each in strange)
        )
    if lost := [each for each in rows if each.issuer and each.issuer not in named]:
        raise InvalidGatewayError(
            tuple(Fault("", f"{each.place}: consumer {each.id} has the unknown issuer {each.issuer}") for each in lost)
        )
    tiers = settings.tiers
    return tuple(
        ConsumerLimit(
            consumer=each.id,
            tier=each.tier,
            limit=tiers[each.tier].limit,
            issuer=named.get(each.issuer, own),
            day=tiers[each.tier].day,
            month=tiers[each.tier].month,
        )
        for each in rows
    )


def _default_limit(settings: Settings) -> Limit:
    """Whoever is in no list gets the tier `default`, or the smallest there is."""
    tiers = settings.tiers
    if "default" in tiers:
        return tiers["default"].limit
    limits = [tier.limit for tier in tiers.values()]
    return min(limits, key=lambda limit: limit.requests / limit.per_s, default=_WITHOUT_TIERS)


def _fault(contract: Contract, message: str) -> InvalidGatewayError:
    return InvalidGatewayError((Fault(contract.id, message),))
