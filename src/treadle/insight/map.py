"""The system map as data: systems of record, the events they cause, the APIs those feed, and who uses both.

What the map shows comes from the workspace alone, so its shape changes with contracts and never with traffic; rates
and states are laid over it. A service that runs an API is part of that API's node; a consumer group that is such a
service leads from its channel to the API. A map of many nodes is folded by domain and owner, so that it stays a map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from treadle.contract.model import Consumer, Contract, Kind, Workspace
from treadle.insight import figure
from treadle.insight.health import (
    CALL_ENGINES,
    EVENT_ENGINES,
    JUDGED_S,
    Health,
    api_health,
    channel_health,
    lag_limit_us,
    rate_of,
)
from treadle.insight.rollup import Measure, Scope
from treadle.insight.sight import Sight
from treadle.insight.state import State, missing, worst

ROWS_MAX = 24
"""A column of more nodes is folded."""


class Column(IntEnum):
    """The columns of the map, from left to right."""

    SYSTEM = 0
    CHANNEL = 1
    API = 2
    CONSUMER = 3


TITLES = {
    Column.SYSTEM: "Systems of record",
    Column.CHANNEL: "Events",
    Column.API: "APIs",
    Column.CONSUMER: "Services and consumers",
}


class Link(StrEnum):
    """What flows along an edge: events out of a system, events to a group, calls by a consumer, events published."""

    EMITS = "emits"
    DELIVERS = "delivers"
    SERVES = "serves"
    PUBLISHES = "publishes"


@dataclass(frozen=True, slots=True)
class Node:
    """One box. `name` is what it is called in contracts and facts; `contract` the id of the contract behind it."""

    id: str
    column: Column
    name: str
    detail: str
    group: str
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """One line, in the direction in which events or answers flow."""

    source: str
    target: str
    link: Link


@dataclass(frozen=True, slots=True)
class SystemMap:
    """Nodes and edges, without traffic. `folded` tells which nodes stand for several, and for which."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    folded: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Live:
    """Traffic of one node or edge. `rate` is per second; `note` is the other thing worth saying, or empty."""

    state: State
    rate: float
    note: str = ""

    @property
    def text(self) -> str:
        """What a reader sees beside the state."""
        if self.state is State.NO_DATA:
            return self.note
        return f"{figure.digits(self.rate)} /s" + (f" · {self.note}" if self.note else "")

    @property
    def weight(self) -> int:
        """How thick a line is drawn: 0 without traffic, then one step for each factor of ten, up to 4."""
        return 0 if self.rate <= 0 else min(4, max(1, 2 + math.floor(math.log10(self.rate))))


@dataclass(frozen=True, slots=True)
class Traffic:
    """What flows over a map now: by node id, and by (source, target)."""

    nodes: Mapping[str, Live]
    edges: Mapping[tuple[str, str], Live]


def system_map(workspace: Workspace, *, domain: str = "") -> SystemMap:
    """The map of a workspace; of one domain and what touches it, where `domain` is given."""
    settings = workspace.settings
    contract_of = {channel.name: each for each in workspace.contracts for channel in each.channels}
    shown = {each.id for each in workspace.contracts if not domain or each.domain == domain}
    runs = {each.name: each.contract for each in settings.services}
    services: dict[str, list[str]] = {}
    for service in settings.services:
        services.setdefault(service.contract, []).append(service.name)
    systems = {each.name for each in settings.connectors}

    nodes: dict[str, Node] = {}
    edges: set[Edge] = set()
    for contract in workspace.contracts:
        if contract.id not in shown:
            continue
        if contract.kind is Kind.OPENAPI:
            detail = ", ".join(services.get(contract.id, ())) or contract.title
            _put(nodes, Node(_api(contract.id), Column.API, contract.id, detail, contract.domain, contract.id))
        for channel in contract.channels:
            detail = channel.message
            id = _channel(channel.name)
            _put(nodes, Node(id, Column.CHANNEL, channel.name, detail, contract.domain, contract.id))

    for connector in settings.connectors:
        emitted = [
            str(each.get("event", "")) for each in connector.settings.get("emit", ()) if isinstance(each, Mapping)
        ]
        known = [name for name in emitted if _channel(name) in nodes]
        if known or not domain:
            group = contract_of[known[0]].domain if known else ""
            _put(nodes, Node(_system(connector.name), Column.SYSTEM, connector.name, connector.system, group))
        edges.update(Edge(_system(connector.name), _channel(name), Link.EMITS) for name in known)

    for subscription in settings.subscriptions:
        if _channel(subscription.channel) not in nodes:
            continue
        api = _api(runs.get(subscription.id, ""))
        if api in nodes:
            edges.add(Edge(_channel(subscription.channel), api, Link.DELIVERS))
        else:
            user = _user(subscription.id)
            owner = settings.consumers[subscription.id].owner if subscription.id in settings.consumers else ""
            _put(nodes, Node(user, Column.CONSUMER, subscription.id, "consumer group", owner))
            edges.add(Edge(_channel(subscription.channel), user, Link.DELIVERS))

    for consumer in settings.consumers.values():
        if consumer.id in systems:
            continue
        own = list(_of_consumer(consumer, workspace.contracts, shown))
        if own or not domain:
            _put(nodes, Node(_user(consumer.id), Column.CONSUMER, consumer.id, f"{consumer.tier} tier", consumer.owner))
        edges.update(own)
    return SystemMap(
        tuple(sorted(nodes.values(), key=lambda node: (node.column, node.id))),
        tuple(sorted(edges, key=lambda edge: (edge.source, edge.target))),
        {},
    )


def traffic(whole: SystemMap, sight: Sight) -> Traffic:
    """The rates and states of every node and edge of a map that is not folded."""
    return Traffic(
        nodes={node.id: _node(sight, node.id) for node in whole.nodes},
        edges={(edge.source, edge.target): _edge(sight, edge) for edge in whole.edges},
    )


def gather(folded: SystemMap, flow: Traffic) -> Traffic:
    """The rates and states of a folded map, from those of the whole one."""
    stands_for = {member: id for id, members in folded.folded.items() for member in members}
    nodes: dict[str, list[Live]] = {}
    edges: dict[tuple[str, str], list[Live]] = {}
    for id, live in flow.nodes.items():
        nodes.setdefault(stands_for.get(id, id), []).append(live)
    for (source, target), live in flow.edges.items():
        edges.setdefault((stands_for.get(source, source), stands_for.get(target, target)), []).append(live)
    return Traffic(
        {id: _merge(lives) for id, lives in nodes.items()}, {id: _merge(lives) for id, lives in edges.items()}
    )


def _node(sight: Sight, id: str) -> Live:
    kind, _, name = id.partition(":")
    match kind:
        case "api":
            contract = sight.workspace.contract(name)
            return _of_health(api_health(contract, sight)) if contract else Live(State.IDLE, 0.0)
        case "channel":
            return _of_health(channel_health(sight.channels[name], name, sight))
        case "system":
            return _flow(sight, Measure.EVENT, Scope(consumer=name), EVENT_ENGINES, dead=True)
        case _:
            flows = []
            if any(name in ids for ids in sight.groups.values()):
                flows.append(_flow(sight, Measure.DELIVERY, Scope(consumer=name), EVENT_ENGINES))
            if not flows or name in sight.workspace.settings.consumers:
                flows.append(_flow(sight, Measure.CALL, Scope(consumer=name), CALL_ENGINES))
            return _merge(flows)


def _edge(sight: Sight, edge: Edge) -> Live:
    left, right = edge.source.partition(":")[2], edge.target.partition(":")[2]
    match edge.link:
        case Link.EMITS | Link.PUBLISHES:
            return _flow(sight, Measure.EVENT, Scope(operation=right, consumer=left), EVENT_ENGINES)
        case Link.SERVES:
            return _flow(sight, Measure.CALL, Scope(contract=left, consumer=right), CALL_ENGINES)
        case Link.DELIVERS:
            names = [right]
            if edge.target.startswith("api:"):
                names = [each.name for each in sight.workspace.settings.services if each.contract == right]
            return _delivery(sight, left, [each for each in names if each in sight.groups.get(left, ())])


def _delivery(sight: Sight, channel: str, groups: Sequence[str]) -> Live:
    live = _merge(
        [_flow(sight, Measure.DELIVERY, Scope(operation=channel, consumer=each), EVENT_ENGINES) for each in groups]
    )
    oldest = [at for each in groups if (at := sight.rollup.oldest_us(channel, each)) is not None]
    late = bool(oldest) and sight.now_us - min(oldest) > lag_limit_us(sight.channels[channel].slo)
    if not late or live.state is State.NO_DATA:
        return live
    waiting = sum(sight.rollup.waiting(channel, each) for each in groups)
    return Live(State.BREACH, live.rate, f"{figure.many(waiting, 'event')} waiting")


def _flow(sight: Sight, measure: Measure, scope: Scope, needed: Iterable[str], *, dead: bool = False) -> Live:
    """A flow that has no objective of its own: it is watched while any of it fails."""
    away = missing(sight.engines, needed)
    if away:
        return Live(State.NO_DATA, 0.0, f"{away.name} is {away.run}")
    minute = sight.rollup.count(measure, scope, sight.now_us, JUDGED_S)
    rate = rate_of(sight.rollup, measure, scope, sight.now_us)
    lost = sight.rollup.count(Measure.DEAD, scope, sight.now_us, JUDGED_S).n if dead else 0
    trouble = [f"{minute.failed:,} failed"] if minute.failed else []
    trouble += [f"{lost:,} refused"] if lost else []
    if trouble:
        return Live(State.WATCH, rate, " · ".join(trouble))
    return Live(State.OK if minute.n else State.IDLE, rate)


def _of_health(health: Health) -> Live:
    return Live(health.state, health.rate, health.note)


def _merge(lives: Sequence[Live]) -> Live:
    """Several flows as one: rates add up, the worst state stands."""
    if len(lives) == 1:
        return lives[0]
    state = worst(each.state for each in lives)
    notes = dict.fromkeys(each.note for each in lives if each.state is state and each.note)
    note = next(iter(notes), "") if len(notes) == 1 or state is State.NO_DATA else ""
    return Live(state, sum(each.rate for each in lives), note)


def _of_consumer(consumer: Consumer, contracts: Iterable[Contract], shown: set[str]) -> Iterable[Edge]:
    """What a consumer's scopes let it do: call an operation whose scopes it all has, publish into a domain."""
    has = set(consumer.scopes)
    for contract in contracts:
        if contract.id not in shown:
            continue
        if any(each.scopes and has.issuperset(each.scopes) for each in contract.operations):
            yield Edge(_api(contract.id), _user(consumer.id), Link.SERVES)
        if f"{contract.domain}.events:publish" in has:
            for channel in contract.channels:
                yield Edge(_user(consumer.id), _channel(channel.name), Link.PUBLISHES)


def fold(whole: SystemMap) -> SystemMap:
    """The same map with every column that is too long gathered into one node a group; as it is where none is."""
    stands_for: dict[str, str] = {}
    kept: list[Node] = []
    folded: dict[str, tuple[str, ...]] = {}
    for column in Column:
        own = [node for node in whole.nodes if node.column is column]
        if len(own) <= ROWS_MAX:
            kept += own
            continue
        for name, members in _groups(own, lambda node: node.group or "others"):
            id = f"group:{column.value}:{name}"
            kept.append(Node(id, column, name, f"{len(members)} {_NOUNS[column]}", name))
            folded[id] = tuple(node.id for node in members)
            stands_for.update(dict.fromkeys(folded[id], id))
    joined = {
        Edge(stands_for.get(edge.source, edge.source), stands_for.get(edge.target, edge.target), edge.link)
        for edge in whole.edges
    }
    return SystemMap(tuple(kept), tuple(sorted(joined, key=lambda edge: (edge.source, edge.target, edge.link))), folded)


def _groups(nodes: Sequence[Node], key: Callable[[Node], str]) -> list[tuple[str, list[Node]]]:
    """Nodes by group, largest groups first; what does not fit is one group of the rest."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(key(node), []).append(node)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    if len(ranked) <= ROWS_MAX:
        return sorted(ranked)
    rest = [node for _, members in ranked[ROWS_MAX - 1 :] for node in members]
    return [*sorted(ranked[: ROWS_MAX - 1]), ("all others", rest)]


_NOUNS = {
    Column.SYSTEM: "systems",
    Column.CHANNEL: "channels",
    Column.API: "APIs",
    Column.CONSUMER: "consumers",
}


def _put(nodes: dict[str, Node], node: Node) -> None:
    """The first node of an id stays: a consumer that is also a group keeps what the group said."""
    nodes.setdefault(node.id, node)


def _system(name: str) -> str:
    return f"system:{name}"


def _channel(name: str) -> str:
    return f"channel:{name}"


def _api(id: str) -> str:
    return f"api:{id}"


def _user(id: str) -> str:
    return f"user:{id}"
