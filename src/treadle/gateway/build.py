"""Contracts and settings -> Gateway. Pure; what a contract does not say, settings do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from treadle.contract.model import Contract, Kind, Limit, Operation, Settings
from treadle.gateway.ir import (
    PLATFORM,
    Api,
    ConsumerLimit,
    Fault,
    Gateway,
    InvalidGatewayError,
    Issuer,
    Route,
    Upstream,
)

_ADDRESS = re.compile(r"http://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?")
_WITHOUT_TIERS = Limit(10)


def build(
    contracts: Sequence[Contract], settings: Settings, issuer: Issuer, platform: Mapping[str, Upstream]
) -> Gateway:
    """What a gateway must do to serve these contracts; those of events are passed over.

    `platform` gives the upstream of each operation of the platform contract. Raises InvalidGatewayError where
    nothing runs a contract; its faults name the contracts to leave out. What contradicts itself in other ways is
    found by `ir.faults`, and refused by the compiler.
    """
    apis: list[Api] = []
    found: list[Fault] = []
    for contract in contracts:
        if contract.kind is not Kind.OPENAPI:
            continue
        try:
            apis.append(_api(contract, settings, platform))
        except InvalidGatewayError as error:
            found.extend(error.faults)
    if found:
        raise InvalidGatewayError(tuple(found))
    return Gateway(
        apis=tuple(sorted(apis, key=lambda api: api.contract)),
        consumers=_consumers(settings),
        default_limit=_default_limit(settings),
        issuer=issuer,
    )


def _api(contract: Contract, settings: Settings, platform: Mapping[str, Upstream]) -> Api:
    if contract.id == PLATFORM:
        missing = [each.id for each in contract.operations if each.id not in platform]
        if missing:
            raise _fault(contract, f"nothing serves {', '.join(missing)}")
        upstreams = {each.id: platform[each.id] for each in contract.operations}
    else:
        upstream = _upstream(contract, settings)
        upstreams = {each.id: upstream for each in contract.operations}
    return Api(
        contract=contract.id,
        routes=tuple(_route(contract, each, upstreams[each.id].name) for each in contract.operations),
        upstreams=tuple(dict.fromkeys(upstreams.values())),
    )


def _upstream(contract: Contract, settings: Settings) -> Upstream:
    services = [each for each in settings.services if each.contract == contract.id]
    if len(services) != 1:
        said = "no service" if not services else f"{len(services)} services"
        raise _fault(contract, f"{said} in domains/{contract.domain}/services.yaml runs it; there must be one")
    service = services[0]
    match = _ADDRESS.fullmatch(service.upstream)
    if not match:
        raise _fault(contract, f"upstream {service.upstream!r} of service {service.name} is not http://host:port")
    return Upstream(service.name, match[1].strip("[]"), int(match[2] or 80))


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
    )


def _needs_key(operation: Operation) -> bool:
    """Whether a call without the key is refused: not where the contract declares it as optional."""
    declared = [each.required for each in operation.parameters if each.name.lower() == "idempotency-key"]
    return any(declared) if declared else operation.idempotency_key


def _consumers(settings: Settings) -> tuple[ConsumerLimit, ...]:
    rows = sorted(settings.consumers.values(), key=lambda each: each.id)
    if strange := [each for each in rows if each.tier not in settings.tiers]:
        raise InvalidGatewayError(
            tuple(Fault("", f"{each.place}: consumer {each.id} has the unknown tier {each.tier}") for each in strange)
        )
    return tuple(ConsumerLimit(each.id, each.tier, settings.tiers[each.tier].limit) for each in rows)


def _default_limit(settings: Settings) -> Limit:
    """Whoever is in no list gets the tier `default`, or the smallest there is."""
    tiers = settings.tiers
    if "default" in tiers:
        return tiers["default"].limit
    limits = [tier.limit for tier in tiers.values()]
    return min(limits, key=lambda limit: limit.requests / limit.per_s, default=_WITHOUT_TIERS)


def _fault(contract: Contract, message: str) -> InvalidGatewayError:
    return InvalidGatewayError((Fault(contract.id, message),))
