"""What the `field` of a rule picks inside the value that its `given` chose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from treadle.check.lint.context import Path
from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.automaton import Automaton
from treadle.check.lint.path.parse import parse_path
from treadle.check.lint.path.walk import walk

Pick = Callable[[Any], Iterator[tuple[Path, Any]]]
"""A value -> what to look at, each with its path from the value; `MISSING` where there is nothing."""

_PATH = re.compile(r"\$(?:[.\[~^]|\Z)")
"""`$ref` is the name of a member."""
_PIECE = re.compile(
    r"""[^.\[\]]+|\[(?:(-?\d+(?:\.\d+)?)|(["'])((?:(?!\2)[^\\]|\\.)*?)\2)\]|(?=(?:\.|\[\])(?:\.|\[\]|$))"""
)


def pick(field: str) -> Pick:
    """A field: `@key` for every key, a path that starts with `$`, or names as `a.b[0]`. Raises `BadPath`."""
    if field == "@key":
        return _keys
    if _PATH.match(field):
        return _path(field)
    return _names(field)


def _keys(value: Any) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, dict | list):
        yield (), value
        return
    names = list(value) if isinstance(value, dict) else [str(at) for at in range(len(value))]
    for name in names:
        yield (name,), name
    if not names:
        yield (), MISSING


def _path(field: str) -> Pick:
    automaton = Automaton((parse_path(field),))

    def picked(value: Any) -> Iterator[tuple[Path, Any]]:
        if not isinstance(value, dict | list):
            yield (), value
            return
        found: list[tuple[Path, Any]] = []
        walk(value, automaton, lambda _, path, each: found.append((tuple(path), each)))
        yield from found or [((), MISSING)]

    return picked


def _names(field: str) -> Pick:
    steps = tuple(match[1] or match[3] or match[0] for match in _PIECE.finditer(field))

    def picked(value: Any) -> Iterator[tuple[Path, Any]]:
        if not isinstance(value, dict | list):
            yield (), value
        elif isinstance(value, dict) and field in value:
            yield steps, value[field]
        else:
            yield steps, _got(value, steps)

    return picked


def _got(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list | str) and step == "length":
            value = len(value)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value
