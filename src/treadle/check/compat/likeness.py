"""Whether two schemas say the same: annotations, references and the order of sets aside."""

from __future__ import annotations

import json
from collections.abc import Collection

from treadle.check.objects import Part, says
from treadle.contract.model import Json
from treadle.contract.refs import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_SINGLES

_SETS = frozenset({"type", "enum", "required"})


class Likeness:
    """Remembers what was found alike. It must not outlive the two contracts: schemas are known by their identity."""

    def __init__(self) -> None:
        self._alike: set[tuple[int, int]] = set()

    def same(self, old: Part, new: Part, *, only: Collection[str] | None = None) -> bool:
        """Whether both say the same; with `only`, by these keys. Ends on recursive schemas: pairs are finitely many."""
        first = _below(old, new, only)
        if first is None:
            return False
        seen: set[tuple[int, int]] = set()
        waiting = first
        while waiting:
            before, after = waiting.pop()
            key = (id(before.schema), id(after.schema))
            if key in seen or key in self._alike:
                continue
            seen.add(key)
            below = _below(before, after)
            if below is None:
                return False
            waiting += below
        self._alike |= seen
        return True


def token(value: Json) -> str:
    """A text that two values share when JSON Schema calls them equal: 1 is 1.0, and is not true."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _below(old: Part, new: Part, only: Collection[str] | None = None) -> list[tuple[Part, Part]] | None:
    """The pairs of schemas directly inside that must be alike; None where the two differ already here."""
    before, after = _said(old, only), _said(new, only)
    if before is None or after is None:
        return [] if before is after else None
    if set(before) != set(after):
        return None
    pairs: list[tuple[Part, Part]] = []
    for key, value in before.items():
        other = after[key]
        if key == "$ref":
            pairs.append((old.referred(), new.referred()))
        elif key in SCHEMA_MAPS and isinstance(value, dict) and isinstance(other, dict):
            if set(value) != set(other):
                return None
            pairs += [(old.child(key, name), new.child(key, name)) for name in value]
        elif key in SCHEMA_LISTS and isinstance(value, list) and isinstance(other, list):
            if len(value) != len(other):
                return None
            pairs += [(old.child(key, at), new.child(key, at)) for at in range(len(value))]
        elif key in SCHEMA_SINGLES and isinstance(value, dict | bool) and isinstance(other, dict | bool):
            pairs.append((old.child(key), new.child(key)))
        elif _value(key, value) != _value(key, other):
            return None
    return pairs


def _said(part: Part, only: Collection[str] | None) -> dict[str, Json] | None:
    """What a schema says without its annotations; None for the one that takes nothing."""
    if not isinstance(part.schema, dict):
        return {} if part.schema is not False else None
    return {key: value for key, value in part.schema.items() if says(key) and (only is None or key in only)}


def _value(key: str, value: Json) -> Json:
    if key not in _SETS:
        return token(value)
    return sorted({token(each) for each in (value if isinstance(value, list) else [value])})
