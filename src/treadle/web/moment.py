"""The fabric at one moment: every live value of every page, made once a second and shared by all who look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from treadle.contract.model import Workspace
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight import figure
from treadle.insight.attention import Item, RefusedVersion, attention
from treadle.insight.golden import Tile, tiles
from treadle.insight.health import Health, contract_health
from treadle.insight.map import SystemMap, Traffic, fold, gather, system_map, traffic
from treadle.insight.rollup import contract_id
from treadle.insight.sight import Sight, groups_of, look
from treadle.insight.state import GLYPHS, WORDS, Engine, Run, State
from treadle.web.draw import Drawing, draw_map, spark
from treadle.web.times import Clock
from treadle.web.view import View

RECENT_MAX = 8

_OF_THE_FABRIC = frozenset((FactKind.ENGINE, FactKind.DECISION, FactKind.GAP))

RUN_STATES = {Run.UP: State.OK, Run.STARTING: State.WATCH, Run.DOWN: State.BREACH}

Values = Mapping[str, str]
"""Live texts and attributes by key. A page shows them with `data-live`; the stream sends those that changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a live list, in words. `href` leads to more, or is empty."""

    state: State
    word: str
    glyph: str
    what: str
    why: str
    owner: str
    time: str
    href: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that pages and the stream show of now."""

    sight: Sight
    tiles: tuple[Tile, ...]
    healths: Mapping[str, Health]
    traffic: Traffic
    items: tuple[Item, ...]
    refused: tuple[RefusedVersion, ...]
    values: Values
    lists: Mapping[str, tuple[Entry, ...]]

    @property
    def now_us(self) -> int:
        """The moment, in Unix microseconds."""
        return self.sight.now_us


@dataclass(frozen=True, slots=True)
class Shape:
    """A map and where its parts stand: changes with the workspace only."""

    map: SystemMap
    drawing: Drawing


class Lens:
    """Looks through a view; remembers the moment until the second, the engines or the contracts change."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.clock = Clock(view.zone)
        self._key: tuple[int, tuple[Engine, ...], tuple[RefusedVersion, ...]] | None = None
        self._moment: Moment | None = None
        self._workspace: Workspace | None = None
        self._whole = SystemMap((), (), {})
        self._shapes: dict[str, Shape] = {}

    def moment(self) -> Moment:
        """The fabric now."""
        now_us = self.view.now_us()
        engines, refused = tuple(self.view.engines()), tuple(self.view.refused())
        workspace = self.view.workspace()
        key = (now_us // 1_000_000, engines, refused)
        if self._moment is None or key != self._key or workspace != self._workspace:
            if workspace != self._workspace:
                self._workspace, self._whole, self._shapes = workspace, system_map(workspace), {}
                self.view.rollup.expect(groups_of(workspace))
            self._moment = self._make(look(workspace, self.view.rollup, engines, now_us), refused)
            self._key = key
        return self._moment

    def shape(self, domain: str = "") -> Shape:
        """The map of the last moment, folded where it is large; the map of one domain, never folded."""
        if domain not in self._shapes:
            workspace = self._workspace
            shown = system_map(workspace, domain=domain) if domain and workspace else fold(self._whole)
            self._shapes[domain] = Shape(shown, draw_map(shown))
        return self._shapes[domain]

    def _make(self, sight: Sight, refused: tuple[RefusedVersion, ...]) -> Moment:
        healths = {each.id: contract_health(each, sight) for each in sight.workspace.contracts}
        made = tiles(sight)
        flow = traffic(self._whole, sight)
        folded = self.shape().map
        if folded.folded:
            over = gather(folded, flow)
            flow = Traffic({**flow.nodes, **over.nodes}, {**flow.edges, **over.edges})
        newest = tuple(reversed(sight.rollup.amiss))
        items = attention(sight, healths, refused, newest)
        return Moment(
            sight=sight,
            tiles=made,
            healths=healths,
            traffic=flow,
            items=items,
            refused=refused,
            values=dict(_values(self.clock, sight, made, healths=healths, flow=flow, items=items)),
            lists={
                "attention": tuple(self._item(each, sight.now_us) for each in items),
                "recent": tuple(self._amiss(newest, sight.now_us)),
            },
        )

    def _amiss(self, newest: Sequence[Fact], now_us: int) -> Iterator[Entry]:
        """What went wrong, the same thing once: newest first, with how often it is among the newest facts."""
        alike: dict[tuple[str, str, str, str], list[Fact]] = {}
        for fact in newest:
            alike.setdefault((fact.kind, fact.operation, fact.consumer, fact.code), []).append(fact)
        for facts in list(alike.values())[:RECENT_MAX]:
            fact = facts[0]
            state = State.BREACH if fact.outcome is Outcome.FAILED else State.WATCH
            times = f" · {len(facts)} times" if len(facts) > 1 else ""
            yield Entry(
                state=state,
                word="gap" if fact.kind is FactKind.GAP else fact.outcome,
                glyph=GLYPHS[state],
                what=what_of(fact),
                why=" ".join(part for part in (str(fact.status or ""), fact.code, fact.detail) if part) + times,
                owner=fact.consumer or (fact.node if fact.kind in _OF_THE_FABRIC else "") or "nobody known",
                time=self.clock.near(fact.at_us, now_us),
                href=f"/trace/{fact.trace_id}" if fact.trace_id else "",
            )

    def _item(self, item: Item, now_us: int) -> Entry:
        href = f"/trace/{item.trace}" if item.trace else f"/contracts/{item.contract}" if item.contract else ""
        return Entry(
            state=item.state,
            word=WORDS[item.state],
            glyph=GLYPHS[item.state],
            what=item.what,
            why=item.why,
            owner=item.owner or "platform",
            time=self.clock.near(item.at_us, now_us),
            href=href,
        )


def what_of(fact: Fact) -> str:
    """What a fact is about, in a few words."""
    match fact.kind:
        case FactKind.GAP:
            return "facts are missing"
        case FactKind.ENGINE:
            return f"engine {fact.node} {fact.operation}"
        case FactKind.DECISION:
            return f"{fact.operation} {contract_id(fact.contract)}".strip()
        case _:
            return f"{fact.kind} {fact.operation or contract_id(fact.contract) or 'without a contract'}"


def _values(
    clock: Clock,
    sight: Sight,
    made: Sequence[Tile],
    *,
    healths: Mapping[str, Health],
    flow: Traffic,
    items: Sequence[Item],
) -> Iterator[tuple[str, str]]:
    for tile in made:
        line, area, objective = spark(tile.series, tile.limit)
        since = f"no data since {clock.near(tile.since_us, sight.now_us)}" if tile.since_us is not None else ""
        yield from _state(f"tile.{tile.key}", tile.state)
        yield f"tile.{tile.key}.text", tile.text
        yield f"tile.{tile.key}.unit", tile.unit
        yield f"tile.{tile.key}.of", tile.of
        yield f"tile.{tile.key}.objective", tile.objective
        yield f"tile.{tile.key}.note", f"{since}: {tile.note}" if since else tile.note
        yield f"tile.{tile.key}.line", line
        yield f"tile.{tile.key}.area", area
        yield f"tile.{tile.key}.limit", objective
    for id, live in flow.nodes.items():
        yield from _state(f"node.{id}", live.state)
        yield f"node.{id}.text", live.text
    for (source, target), live in flow.edges.items():
        key = f"edge.{source}>{target}"
        yield f"{key}.state", live.state
        yield f"{key}.weight", str(live.weight)
        yield f"{key}.text", live.text
    for id, health in healths.items():
        yield from _state(f"contract.{id}", health.state)
        yield f"contract.{id}.rate", figure.digits(health.rate) if health.state is not State.NO_DATA else "—"
        yield f"contract.{id}.text", health.text
        yield f"contract.{id}.reason", health.reason
    for engine in sight.engines:
        state = RUN_STATES[engine.run]
        yield f"engine.{engine.name}.state", state
        yield f"engine.{engine.name}.glyph", GLYPHS[state]
        yield f"engine.{engine.name}.word", engine.run
        yield f"engine.{engine.name}.since", clock.near(engine.since_us, sight.now_us)
    yield "attention.count", str(len(items))
    yield "attention.summary", summary(items, made, sight.engines)
    yield "attention.state", "watch" if items or any(each.run is Run.STARTING for each in sight.engines) else "ok"
    yield "now", clock.time(sight.now_us)


def summary(items: Sequence[Item], made: Sequence[Tile], engines: Sequence[Engine]) -> str:
    """The whole fabric in one sentence."""
    starting = [engine.name for engine in engines if engine.run is Run.STARTING]
    if items:
        return f"{figure.many(len(items), 'thing')} {'needs' if len(items) == 1 else 'need'} a person"
    if starting:
        return f"{', '.join(starting)} starting"
    if all(tile.state is State.IDLE for tile in made):
        return "Nothing to do: no calls and no events lately"
    if any(tile.state is State.WATCH for tile in made):
        return "Within objectives, some close to the limit"
    return "All objectives met"


def _state(key: str, state: State) -> Iterator[tuple[str, str]]:
    yield f"{key}.state", state
    yield f"{key}.word", WORDS[state]
    yield f"{key}.glyph", GLYPHS[state]
