"""The contracts that are live: a list, and one page each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from treadle.contract.finding import Finding
from treadle.contract.model import Channel, Contract, Domain, Kind, Operation, Slo
from treadle.control.adoption import Adoption
from treadle.control.metering import Quota
from treadle.facts.fact import Fact
from treadle.gateway.saturation import Saturation
from treadle.insight.attention import RefusedVersion
from treadle.insight.fields import Field, fields
from treadle.insight.health import JUDGED_S, Health, error_limit, lag_limit_us, p95_limit_us, rate_of
from treadle.insight.rollup import KEPT_S, Measure, Scope
from treadle.web.moment import Lens, Moment

LINES_MAX = 2_000
SOURCE_BYTES_MAX = 128 * 1024
FACTS_MAX = 15


@dataclass(frozen=True, slots=True)
class Refusal:
    """A newer version that may not go live, beside the one that serves."""

    version: str
    at_us: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list. `version` is empty where nothing serves: only a refused version is known."""

    id: str
    version: str
    kind: str
    title: str
    owner: str
    lifecycle: str
    classification: str
    parts: tuple[str, ...]
    health: Health | None
    refused: Refusal | None


@dataclass(frozen=True, slots=True)
class ContractList:
    """What `/contracts` shows."""

    at_us: int
    contracts: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The fields of one schema. `title` says of what."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation and its traffic over the last minute."""

    operation: Operation
    rate: float
    p95_us: float | None
    failed_share: float | None
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel, who takes its events, and what it carries."""

    channel: Channel
    subscribers: tuple[str, ...]
    rate: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Objective:
    """One line of the service level: what is promised, and what is measured. `stated` is false for a default."""

    name: str
    promised: float
    measured: float | None
    unit: str
    stated: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A consumer: whether its scopes let it use the contract, and what it did in the time that is kept.

    `quotas` are what is used of its day and month, over all contracts.
    """

    id: str
    owner: str
    tier: str
    allowed: bool
    rate: float
    count: int
    quotas: tuple[Quota, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, as it is. `more` lines did not fit on the page."""

    file: str
    lines: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class ContractPage:
    """What `/contracts/{id}` shows."""

    at_us: int
    id: str
    version: str
    stamp: str
    kind: str
    title: str
    description: str
    domain: Domain | None
    owner: str
    lifecycle: str
    classification: str
    enforcement: str
    digest: str
    file: str
    health: Health
    refused: Refusal | None
    objectives: tuple[Objective, ...]
    operations: tuple[OperationRow, ...]
    channels: tuple[ChannelRow, ...]
    consumers: tuple[Seen, ...]
    facts: tuple[Fact, ...]
    sources: tuple[Source, ...]
    saturation: tuple[Saturation, ...]
    adoption: Adoption | None


def contract_list(lens: Lens) -> ContractList:
    """Every contract that serves or was refused, by id."""
    moment = lens.moment()
    refused = {each.contract: each for each in moment.refused}
    live = {each.id: each for each in moment.sight.workspace.contracts}
    rows = []
    for id in sorted({*live, *refused}):
        contract, newer = live.get(id), refused.get(id)
        rows.append(
            Entry(
                id=id,
                version=contract.version if contract else "",
                kind=contract.kind if contract else "",
                title=contract.title if contract else "",
                owner=_owner(contract, moment) if contract else "",
                lifecycle=contract.lifecycle if contract else "",
                classification=contract.classification if contract else "",
                parts=_parts(contract) if contract else (),
                health=moment.healths.get(id),
                refused=_refusal(newer),
            )
        )
    return ContractList(moment.now_us, tuple(rows))


def contract_page(
    lens: Lens,
    contract: Contract,
    facts: Sequence[Fact],
    saturation: Sequence[Saturation] = (),
    adoption: Adoption | None = None,
) -> ContractPage:
    """One contract. `facts` are its newest, `saturation` that of its upstreams.

    `adoption` tells whom it would have refused, None where all of it is enforced.
    """
    moment = lens.moment()
    settings = moment.sight.workspace.settings
    health = moment.healths[contract.id]
    newer = next((each for each in moment.refused if each.contract == contract.id), None)
    return ContractPage(
        at_us=moment.now_us,
        id=contract.id,
        version=contract.version,
        stamp=contract.stamp,
        kind=contract.kind,
        title=contract.title,
        description=_description(contract),
        domain=settings.domains.get(contract.domain),
        owner=_owner(contract, moment),
        lifecycle=contract.lifecycle,
        classification=contract.classification,
        enforcement=str(contract.enforcement),
        digest=contract.digest,
        file=contract.place.file,
        health=health,
        refused=_refusal(newer),
        objectives=_objectives(contract, health),
        operations=tuple(_operation(contract, each, moment) for each in contract.operations),
        channels=tuple(_channel(each, moment) for each in contract.channels),
        consumers=tuple(_consumers(contract, moment, lens.view.quotas())),
        facts=tuple(facts),
        sources=tuple(_source(file, text) for file, text in contract.sources.items()),
        saturation=tuple(saturation),
        adoption=adoption,
    )


def _owner(contract: Contract, moment: Moment) -> str:
    domain = moment.sight.workspace.settings.domains.get(contract.domain)
    return contract.owner or (domain.owner if domain else "")


def _parts(contract: Contract) -> tuple[str, ...]:
    if contract.kind is Kind.OPENAPI:
        return tuple(f"{each.method.upper()} {each.path}" for each in contract.operations)
    return tuple(each.name for each in contract.channels)


def _refusal(version: RefusedVersion | None) -> Refusal | None:
    return Refusal(version.version, version.at_us, version.findings) if version else None


def _description(contract: Contract) -> str:
    info = contract.document.get("info") if isinstance(contract.document, dict) else None
    text = info.get("description") if isinstance(info, dict) else None
    return text if isinstance(text, str) else ""


def _objectives(contract: Contract, health: Health) -> tuple[Objective, ...]:
    slo: Slo = contract.slo
    if contract.kind is Kind.ASYNCAPI:
        return (Objective("Event lag, 95th percentile", lag_limit_us(slo), health.lag_us, "us", slo.lag_s is not None),)
    good = None if health.error_share is None else 1 - health.error_share
    return (
        Objective("Good calls", 1 - error_limit(slo), good, "share", slo.success is not None),
        Objective("Latency, 95th percentile", p95_limit_us(slo), health.p95_us, "us", slo.p95_ms is not None),
    )


def _operation(contract: Contract, operation: Operation, moment: Moment) -> OperationRow:
    scope = Scope(contract=contract.id, operation=operation.id)
    rollup, now_us = moment.sight.rollup, moment.now_us
    minute = rollup.count(Measure.CALL, scope, now_us, JUDGED_S)
    groups = [Group("Request body", fields(operation.request))] if operation.request is not None else []
    groups += _responses(operation)
    if operation.parameters:
        groups.insert(0, Group("Parameters", tuple(_parameters(operation))))
    return OperationRow(
        operation=operation,
        rate=rate_of(rollup, Measure.CALL, scope, now_us),
        p95_us=minute.quantile_us(0.95),
        failed_share=minute.failed_share,
        groups=tuple(group for group in groups if group.fields),
    )


def _responses(operation: Operation) -> Iterable[Group]:
    """The responses; those of one shape, as errors are, together."""
    alike: dict[tuple[Field, ...], list[str]] = {}
    for status, schema in operation.responses.items():
        alike.setdefault(fields(schema), []).append(status)
    return (Group("Response " + ", ".join(statuses), found) for found, statuses in alike.items())


def _parameters(operation: Operation) -> Iterable[Field]:
    for each in operation.parameters:
        found = fields({"properties": {each.name: each.schema}, "required": [each.name] if each.required else []})
        for at, field in enumerate(found):
            name = f"{each.name} in {each.where}" if at == 0 else field.pointer
            yield Field(
                name, field.kind, field.required, field.classification, field.personal, field.rules, field.description
            )


def _channel(channel: Channel, moment: Moment) -> ChannelRow:
    return ChannelRow(
        channel=channel,
        subscribers=moment.sight.groups.get(channel.name, ()),
        rate=rate_of(moment.sight.rollup, Measure.EVENT, Scope(operation=channel.name), moment.now_us),
        groups=(Group(f"Payload of {channel.message or 'the message'}", fields(channel.payload)),),
    )


def _consumers(contract: Contract, moment: Moment, quotas: Sequence[Quota]) -> Iterable[Seen]:
    """Who may use the contract, and who does: registered consumers, groups, and clients nobody registered."""
    sight = moment.sight
    settings = sight.workspace.settings
    calls = contract.kind is Kind.OPENAPI
    measure = Measure.CALL if calls else Measure.DELIVERY
    groups = {group for channel in contract.channels for group in sight.groups.get(channel.name, ())}
    allowed = (
        groups
        if not calls
        else {
            each.id
            for each in settings.consumers.values()
            if any(
                operation.scopes and set(each.scopes).issuperset(operation.scopes) for operation in contract.operations
            )
        }
    )
    active = {
        scope.consumer
        for scope in sight.rollup.scopes(measure)
        if scope.contract == contract.id and scope.consumer and not scope.operation
    }
    for id in sorted(allowed | active):
        scope = Scope(contract=contract.id, consumer=id)
        known = settings.consumers.get(id)
        yield Seen(
            id=id,
            owner=known.owner if known else "",
            tier=known.tier if known else "",
            allowed=id in allowed,
            rate=rate_of(sight.rollup, measure, scope, sight.now_us),
            count=sight.rollup.count(measure, scope, sight.now_us, KEPT_S).n,
            quotas=tuple(each for each in quotas if calls and each.consumer == id),
        )


def _source(file: str, data: bytes) -> Source:
    lines = data[:SOURCE_BYTES_MAX].decode("utf-8", "replace").splitlines()
    total = data.count(b"\n") + (0 if data.endswith(b"\n") or not data else 1)
    shown = tuple(lines[:LINES_MAX])
    return Source(file, shown, max(total - len(shown), 0))
