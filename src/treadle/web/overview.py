"""The first page: six numbers, the map, and what needs a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.insight.attention import Item
from treadle.insight.golden import Tile
from treadle.insight.map import TITLES, Column, Link, Live, Node, SystemMap
from treadle.insight.state import Engine
from treadle.web.draw import Drawing
from treadle.web.moment import Entry, Lens


@dataclass(frozen=True, slots=True)
class Flow:
    """One edge of the map with its traffic."""

    source: str
    target: str
    link: Link
    live: Live


@dataclass(frozen=True, slots=True)
class Place:
    """One node of the map with its traffic and its edges: `feeds` and `fed_by` hold ids of nodes."""

    node: Node
    live: Live
    fed_by: tuple[str, ...]
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What `/` shows and `/overview.json` says."""

    workspace: str
    environment: str
    at_us: int
    domain: str
    tiles: tuple[Tile, ...]
    engines: tuple[Engine, ...]
    places: tuple[Place, ...]
    flows: tuple[Flow, ...]
    attention: tuple[Item, ...]
    recent: tuple[Entry, ...]


def overview(lens: Lens, domain: str = "") -> tuple[Overview, Drawing]:
    """The page's values, and its map on paper."""
    moment = lens.moment()
    settings = moment.sight.workspace.settings
    shape = lens.shape(domain)
    return (
        Overview(
            workspace=settings.name,
            environment=settings.environment,
            at_us=moment.now_us,
            domain=domain,
            tiles=moment.tiles,
            engines=moment.sight.engines,
            places=_places(shape.map, moment.traffic.nodes),
            flows=tuple(
                Flow(each.source, each.target, each.link, moment.traffic.edges[each.source, each.target])
                for each in shape.map.edges
            ),
            attention=moment.items,
            recent=moment.lists["recent"],
        ),
        shape.drawing,
    )


def columns(page: Overview) -> list[tuple[str, list[Place]]]:
    """The map as a nested list: each column that holds something, and its nodes."""
    found = [(TITLES[column], [each for each in page.places if each.node.column is column]) for column in Column]
    return [(title, places) for title, places in found if places]


def node_href(node: Node) -> str:
    """Where a node of the map leads."""
    if node.contract:
        return f"/contracts/{node.contract}"
    if node.id.startswith("group:"):
        return f"/?domain={node.group}" if node.column in {Column.CHANNEL, Column.API} else "/contracts"
    return f"/trace?consumer={node.name}"


def _places(shown: SystemMap, live: Mapping[str, Live]) -> tuple[Place, ...]:
    feeds: dict[str, list[str]] = {}
    fed_by: dict[str, list[str]] = {}
    for edge in shown.edges:
        feeds.setdefault(edge.source, []).append(edge.target)
        fed_by.setdefault(edge.target, []).append(edge.source)
    return tuple(
        Place(node, live[node.id], tuple(fed_by.get(node.id, ())), tuple(feeds.get(node.id, ())))
        for node in shown.nodes
    )
