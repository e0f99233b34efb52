"""What needs a person now: the few lines of the console that are read first.

Most urgent first: engines that are away and objectives that are breached, then contract versions that were refused,
facts known to be missing, and dead letters grouped by what was wrong with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Domain
from treadle.facts.fact import Fact, FactKind
from treadle.insight import figure
from treadle.insight.health import Health
from treadle.insight.rollup import contract_id
from treadle.insight.sight import Sight
from treadle.insight.state import Run, State

ROWS_MAX = 12


@dataclass(frozen=True, slots=True)
class RefusedVersion:
    """A version of a contract that may not go live, and why. `contract` is its id; the live version goes on serving.

    `version` is empty where the file could not be read far enough to tell.
    """

    contract: str
    version: str
    at_us: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits for a person. `contract` and `trace` lead to more; either may be empty."""

    state: State
    what: str
    why: str
    owner: str
    at_us: int
    contract: str = ""
    trace: str = ""


def attention(
    sight: Sight, healths: Mapping[str, Health], refused: Iterable[RefusedVersion], refusals: Iterable[Fact]
) -> tuple[Item, ...]:
    """Everything that needs a person, at most `ROWS_MAX` rows. `healths` are by contract id; `refusals` are recent."""
    domains = sight.workspace.settings.domains
    by_id = {each.id: each for each in sight.workspace.contracts}
    items = [
        Item(State.NO_DATA, f"{each.name} is {each.run}", each.detail or "its numbers are unknown", "", each.since_us)
        for each in sight.engines
        if each.run is Run.DOWN
    ]
    items += [
        Item(State.BREACH, id, health.reason, _owner(by_id[id], domains), sight.now_us, contract=id)
        for id, health in healths.items()
        if health.service is State.BREACH and id in by_id
    ]
    items += [_refused(version, by_id, domains) for version in refused]
    refusals = tuple(refusals)
    items += [
        Item(State.WATCH, _gap(each), each.detail, "", each.at_us) for each in refusals if each.kind is FactKind.GAP
    ]
    items += _letters(refusals, by_id, domains, healths)
    # What is broken now comes before what was refused; within each, the order above stands.
    items.sort(key=lambda item: (item.state is not State.NO_DATA, item.state is not State.BREACH))
    return tuple(items[:ROWS_MAX])


def reason_of(findings: Sequence[Finding]) -> str:
    """The first finding that stops a version, and how many more there are."""
    stopping = [each for each in findings if each.severity not in (Severity.WARN, Severity.INFO)] or list(findings)
    if not stopping:
        return "refused"
    more = f" (and {len(stopping) - 1} more)" if len(stopping) > 1 else ""
    return stopping[0].message + more


def _gap(fact: Fact) -> str:
    many = figure.many(fact.missing, "fact") if fact.missing else "an unknown number of facts"
    return f"{many} missing" + (f" from {fact.node}" if fact.node else "")


def _refused(version: RefusedVersion, by_id: Mapping[str, Contract], domains: Mapping[str, Domain]) -> Item:
    live = by_id.get(version.contract)
    what = f"{version.contract} {version.version}".rstrip() + " was refused"
    return Item(
        state=State.WATCH,
        what=what,
        why=reason_of(version.findings)
        + (f"; {live.version} goes on serving" if live else "; nothing serves in its place"),
        owner=_owner(live, domains) if live else _domain_owner(version.contract.partition(".")[0], domains),
        at_us=version.at_us,
        contract=version.contract,
    )


def _letters(
    refusals: Iterable[Fact],
    by_id: Mapping[str, Contract],
    domains: Mapping[str, Domain],
    healths: Mapping[str, Health],
) -> Iterable[Item]:
    grouped: dict[tuple[str, str, str], list[Fact]] = {}
    for fact in refusals:
        if fact.kind is FactKind.REFUSAL:
            grouped.setdefault((fact.operation, fact.code, fact.consumer), []).append(fact)
    ranked = sorted(grouped.items(), key=lambda item: -max(fact.at_us for fact in item[1]))
    for (channel, code, consumer), facts in ranked:
        newest = max(facts, key=lambda fact: fact.at_us)
        contract = by_id.get(contract_id(newest.contract))
        health = healths.get(contract.id) if contract else None
        by = f" from {consumer}" if consumer else ""
        yield Item(
            state=State.BREACH if health and health.letters is State.BREACH else State.WATCH,
            what=f"{figure.many(len(facts), 'dead letter')} on {channel or 'an unknown channel'}{by}",
            why=f"{code} {newest.detail}".strip(),
            owner=_owner(contract, domains) if contract else _domain_owner(newest.domain, domains),
            at_us=newest.at_us,
            contract=contract.id if contract else "",
            trace=newest.trace_id,
        )


def _owner(contract: Contract, domains: Mapping[str, Domain]) -> str:
    return contract.owner or _domain_owner(contract.domain, domains)


def _domain_owner(domain: str, domains: Mapping[str, Domain]) -> str:
    return domains[domain].owner if domain in domains else ""
