"""What only several files together can get wrong: two that claim one thing, and names that stand for nothing.

Each kind of conflict is one small function of the whole; `CONFLICTS` lists them in order. A docstring is what
`treadle explain ID` prints.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from treadle.base.nearest import nearest
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Kind, Place, Settings
from treadle.contract.traffic import OWN_ISSUER

_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that is looked at together. `serving` are the ids of contracts that are live."""

    contracts: Sequence[Contract]
    settings: Settings | None
    serving: Collection[str]


def conflicts(
    contracts: Iterable[Contract], settings: Settings | None = None, *, serving: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Every conflict between these contracts, and with the settings of their workspace where these are given.

    A claim that two contracts make is laid at the door of the newcomer: the one that is not in `serving`, else the
    later by id. Its finding carries that contract's id; a finding about settings carries none.
    """
    whole = Whole(sorted(contracts, key=lambda each: each.id), settings, serving)
    return tuple(sorted(finding for judge in CONFLICTS.values() for finding in judge(whole)))


def _claims(rule: str, whole: Whole, claims: Iterable[tuple[str, Contract, Place]], why: str) -> Iterator[Finding]:
    """One finding for each claim on a thing that another contract, or another line, claims with more right."""
    holders: dict[str, tuple[Contract, Place]] = {}
    for thing, contract, place in sorted(claims, key=lambda claim: (claim[1].id not in whole.serving, claim[1].id)):
        holder, first = holders.setdefault(thing, (contract, place))
        if first != place:
            yield Finding(
                place, rule, Severity.BLOCK, f"{thing} is claimed by {holder.id} at {first}", why, contract.id
            )


def duplicate_route(whole: Whole) -> Iterator[Finding]:
    """Two operations claim one method and path.

    The gateway sends a call to exactly one upstream. Path templates that differ only in the names of their parameters
    (`/v1/orders/{id}`, `/v1/orders/{orderId}`) are the same route.

    Mend it: give one of the two another path, or move both operations into one contract.
    """
    claims = (
        (f"{operation.method} {_PARAMETER.sub('{}', operation.path)}", contract, operation.place)
        for contract in whole.contracts
        for operation in contract.operations
    )
    yield from _claims("duplicate-route", whole, claims, "give one of the two another path")


def duplicate_channel(whole: Whole) -> Iterator[Finding]:
    """Two contracts claim one channel.

    A channel has one payload, one owner and one stream.

    Mend it: name the event differently, or keep one of the two contracts.
    """
    claims = ((channel.name, contract, channel.place) for contract in whole.contracts for channel in contract.channels)
    yield from _claims("duplicate-channel", whole, claims, "one channel, one contract: rename one of the two")


def missing_upstream(whole: Whole) -> Iterator[Finding]:
    """An API contract has no service.

    The gateway must know where the calls of a contract go.

    Mend it: name a service in the services.yaml of its domain:
        services:
          - {name: orders-api, contract: sales.orders.v1, upstream: "http://127.0.0.1:7102"}
    """
    if whole.settings is None:
        return
    served = {each.contract for each in whole.settings.services}
    for contract in whole.contracts:
        retired = contract.lifecycle == "retired"  # the gateway says that it is gone
        if contract.kind is Kind.OPENAPI and contract.id not in served and not retired:
            yield Finding(
                contract.place,
                "missing-upstream",
                Severity.BLOCK,
                f"no service serves {contract.id}",
                f"add to domains/{contract.domain}/services.yaml: "
                f'{{name: {contract.name}-api, contract: {contract.id}, upstream: "http://127.0.0.1:7100"}}',
                contract.id,
            )


def duplicate_service(whole: Whole) -> Iterator[Finding]:
    """Two services serve one contract.

    Calls go to one upstream; which one would be chance.

    Mend it: keep one. Where a service runs in an environment is said by that environment's overlay.
    """
    first: dict[str, Place] = {}
    for each in whole.settings.services if whole.settings else ():
        place = first.setdefault(each.contract, each.place)
        if place != each.place:
            message = f"{each.contract} is already served by the service at {place}"
            yield Finding(each.place, "duplicate-service", Severity.BLOCK, message, "keep one of the two")


def unknown_contract(whole: Whole) -> Iterator[Finding]:
    """A service names a contract that is not there, or is no API.

    Mend it: write the contract's id, `<domain>.<name>.v<major>`, as `treadle check` shows it.
    """
    known = [each.id for each in whole.contracts if each.kind is Kind.OPENAPI]
    for each in whole.settings.services if whole.settings else ():
        if each.contract not in known:
            yield _unknown("unknown-contract", each.place, "API contract", each.contract, known)


def unknown_channel(whole: Whole) -> Iterator[Finding]:
    """A subscription or a connector names a channel that no contract describes.

    Mend it: write the channel's address (`sales.order.created.v1`), or add its contract.
    """
    if whole.settings is None:
        return
    known = [channel.name for contract in whole.contracts for channel in contract.channels]
    for subscription in whole.settings.subscriptions:
        if subscription.channel not in known:
            yield _unknown("unknown-channel", subscription.place, "channel", subscription.channel, known)
    for connector in whole.settings.connectors:
        for emit in connector.settings.get("emit", ()):
            if emit["event"] not in known:
                yield _unknown("unknown-channel", connector.place, "channel", emit["event"], known)


def duplicate_subscription(whole: Whole) -> Iterator[Finding]:
    """One consumer group subscribes to one channel twice.

    Mend it: keep one. A second group needs an id of its own and then gets every event too.
    """
    first: dict[tuple[str, str], Place] = {}
    for each in whole.settings.subscriptions if whole.settings else ():
        place = first.setdefault((each.id, each.channel), each.place)
        if place != each.place:
            message = f"group `{each.id}` already subscribes to {each.channel} at {place}"
            yield Finding(each.place, "duplicate-subscription", Severity.BLOCK, message, "keep one of the two")


def unknown_tier(whole: Whole) -> Iterator[Finding]:
    """A consumer is in a tier that `treadle.yaml` does not define.

    Without a tier the gateway knows no limit for it.

    Mend it: define the tier under `tiers:`, or name one that is there.
    """
    for each in whole.settings.consumers.values() if whole.settings else ():
        if whole.settings and each.tier not in whole.settings.tiers:
            yield _unknown("unknown-tier", each.place, "tier", each.tier, list(whole.settings.tiers))


def unreachable_quota(whole: Whole) -> Iterator[Finding]:
    """A tier gives fewer calls for a month than for a day of it.

    The month is used up first, so the quota of the day is never met: one of the two is not what was meant.

    Mend it: raise `month`, or leave `day` out.
    """
    for tier in whole.settings.tiers.values() if whole.settings else ():
        if 0 < tier.month < tier.day:
            message = f"tier {tier.name} gives {tier.day} calls a day and {tier.month} a month"
            yield Finding(
                Place("treadle.yaml"), "unreachable-quota", Severity.WARN, message, "raise month, or leave day out"
            )


def unknown_issuer(whole: Whole) -> Iterator[Finding]:
    """A consumer belongs to an identity provider that `treadle.yaml` does not name.

    No token could name it.

    Mend it: add the provider under `issuers:`, or leave `issuer` out for a consumer of the workspace's own issuer.
    """
    if whole.settings is None:
        return
    known = [OWN_ISSUER, *(each.name for each in whole.settings.issuers)]
    for each in whole.settings.consumers.values():
        if each.issuer and each.issuer not in known:
            yield _unknown("unknown-issuer", each.place, "issuer", each.issuer, known)


def ambiguous_issuer(whole: Whole) -> Iterator[Finding]:
    """Two identity providers have one address, or one has the name of the workspace's own.

    A token names its issuer by the address: which of two sets of rules it is held against would be chance.

    Mend it: keep one of the two; name it otherwise.
    """
    first: dict[str, Place] = {}
    for each in whole.settings.issuers if whole.settings else ():
        if each.name == OWN_ISSUER:
            message = f"the workspace's own issuer is called {OWN_ISSUER}"
            yield Finding(each.place, "ambiguous-issuer", Severity.BLOCK, message, "name the provider otherwise")
        if (place := first.setdefault(each.url, each.place)) != each.place:
            message = f"{each.url} is already the address of the issuer at {place}"
            yield Finding(each.place, "ambiguous-issuer", Severity.BLOCK, message, "keep one of the two")


def unknown_successor(whole: Whole) -> Iterator[Finding]:
    """A contract that comes to its end names a successor that is not there.

    Callers are told where to go by the successor's path. Without the contract they are told nothing.

    Mend it: write the id of the contract that follows, or its address (`https://…`).
    """
    known = {each.id for each in whole.contracts}
    for contract in whole.contracts:
        successor = contract.deprecation.successor if contract.deprecation else ""
        if successor and "/" not in successor and successor not in known:
            near = nearest(successor, known)
            message = f"there is no contract `{successor}` to follow" + (f"; did you mean `{near}`?" if near else "")
            hint = "write the id of a contract that is there, or an address"
            yield Finding(contract.place, "unknown-successor", Severity.WARN, message, hint, contract.id)


def _unknown(rule: str, place: Place, what: str, name: str, known: Sequence[str]) -> Finding:
    near = nearest(name, known)
    message = f"there is no {what} `{name}`" + (f"; did you mean `{near}`?" if near else "")
    return Finding(place, rule, Severity.BLOCK, message, f"known: {', '.join(sorted(set(known))) or 'none'}")


CONFLICTS: Mapping[str, Callable[[Whole], Iterator[Finding]]] = {
    "duplicate-route": duplicate_route,
    "duplicate-channel": duplicate_channel,
    "missing-upstream": missing_upstream,
    "duplicate-service": duplicate_service,
    "unknown-contract": unknown_contract,
    "unknown-channel": unknown_channel,
    "duplicate-subscription": duplicate_subscription,
    "unknown-tier": unknown_tier,
    "unreachable-quota": unreachable_quota,
    "unknown-issuer": unknown_issuer,
    "ambiguous-issuer": ambiguous_issuer,
    "unknown-successor": unknown_successor,
}


def documentation(id: str) -> str:
    """What `treadle explain` says about a conflict."""
    return inspect.getdoc(CONFLICTS[id]) or ""
