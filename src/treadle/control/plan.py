"""What `apply` would change, engine by engine and contract by contract. Pure: two sets of rows and their difference.

A row is one thing an engine holds, in the words of the IR: a route, an upstream, a limit, a stream, a validator. What
the engines were last told is kept as rows (`applied.json`), so that a plan needs no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from treadle.base.canon import canonical, digest
from treadle.base.printable import printable
from treadle.bus.ir import Bus
from treadle.gateway.envoy.features.checks import unchecked
from treadle.gateway.ir import Gateway

WIDTH = 60
"""A longer value is shown by its first characters."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing an engine holds. `contract` is the contract that asked for it, empty for settings."""

    engine: str
    kind: str
    name: str
    contract: str
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same thing before and after."""
        return (self.engine, self.kind, self.contract, self.name)


@dataclass(frozen=True, slots=True)
class Change:
    """One row added, changed or removed. `fields` lists (name, old, new)."""

    action: str
    row: Row
    fields: tuple[tuple[str, Any, Any], ...] = ()

    def __str__(self) -> str:
        sign = {"add": "+", "change": "~", "remove": "-"}[self.action]
        what = printable(f"{sign} {self.row.engine:<6}{self.row.kind} {self.row.name}")
        return what + "".join(f"\n      {name}: {_short(old)} -> {_short(new)}" for name, old, new in self.fields)


def rows_of(gateway: Gateway, bus: Bus) -> tuple[Row, ...]:
    """Everything the engines hold for these two."""
    rows: list[Row] = []
    for api in gateway.apis:
        for route in api.routes:
            values = asdict(route)
            for known in ("operation", "contract", "domain"):
                values.pop(known)
            if left := unchecked(route):
                values["unchecked"] = list(left)
            rows.append(Row("envoy", "route", f"{route.method} {route.template}", api.contract, values))
        rows += [Row("envoy", "upstream", each.name, api.contract, asdict(each)) for each in api.upstreams]
    rows += [Row("envoy", "limit", each.consumer, "", asdict(each)) for each in gateway.consumers]
    shared = {"default": asdict(gateway.default_limit), "replicas": gateway.replicas}
    rows.append(Row("envoy", "limit", "whoever is in no list", "", shared))
    rows.append(Row("envoy", "limit", "each address", "", asdict(gateway.edge_limit)))
    for topic in bus.topics:
        values = asdict(topic)
        schema = values.pop("schema")
        stamp = values.pop("stamp")
        version = values.pop("version")
        rows.append(Row("nats", "stream", topic.channel, topic.contract, values))
        law = {"stamp": stamp, "version": version, "schema": digest(canonical(schema))}
        rows.append(Row("guard", "validator", topic.channel, topic.contract, law))
    rows += [Row("nats", "group", f"{each.id} on {each.channel}", "", asdict(each)) for each in bus.groups]
    rows += [Row("nats", "producer", each.client, "", asdict(each)) for each in bus.producers]
    return tuple({row.key: row for row in rows}.values())


def differences(old: Iterable[Row], new: Iterable[Row]) -> tuple[Change, ...]:
    """What leads from one set of rows to the other, in the order of engine, kind and name."""
    before = {row.key: row for row in old}
    after = {row.key: row for row in new}
    changes: list[Change] = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            changes.append(Change("add", now))
        elif now is None and was is not None:
            changes.append(Change("remove", was))
        elif was is not None and now is not None and canonical(was.values) != canonical(now.values):
            names = [name for name in {**was.values, **now.values} if _differs(was, now, name)]
            fields = tuple((name, was.values.get(name), now.values.get(name)) for name in names)
            changes.append(Change("change", now, fields))
    return tuple(changes)


def encode(rows: Sequence[Row]) -> bytes:
    """Rows as they are kept on disk."""
    return canonical([asdict(row) for row in rows])


def decode(rows: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """The reverse, from parsed JSON."""
    return tuple(Row(**row) for row in rows)


def _differs(was: Row, now: Row, name: str) -> bool:
    return canonical(was.values.get(name)) != canonical(now.values.get(name))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value).decode()
    return printable(text if len(text) <= WIDTH else text[:WIDTH] + "…")
