"""Paths with the names of aliases written out: `#Operation.parameters[*]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.lint.ruleset.model import Aliases

_NAME = re.compile(r"#([A-Za-z0-9_-]+)")
_PATHS_MAX = 1_000


class BadAlias(Exception):  # noqa: N818 - the alias is bad, the error is that
    """An alias that is not there, leads to itself, or means too many paths."""


def written_out(given: str, aliases: Aliases, formats: frozenset[str]) -> list[str]:
    """Every path that an expression stands for in a document of these formats; none where no target is for these.

    Raises `BadAlias`.
    """
    found: list[str] = []
    for path in _paths(given, aliases, formats, ()):
        found.append(path)
        if len(found) > _PATHS_MAX:
            raise BadAlias(f"`{given}` stands for more than {_PATHS_MAX} paths")
    return found


def _paths(given: str, aliases: Aliases, formats: frozenset[str], within: tuple[str, ...]) -> Iterator[str]:
    if not given.startswith("#"):
        yield given
        return
    match = _NAME.match(given)
    if match is None:
        raise BadAlias(f"`{given}` names no alias: letters, digits, `_` and `-` follow the `#`")
    name = match[1]
    if name in within:
        raise BadAlias(f"the alias `{name}` leads to itself: {' -> '.join((*within, name))}")
    if name not in aliases:
        raise BadAlias(f"there is no alias `{name}`")
    # The last target that is for one of the formats counts, as in Spectral.
    for target in reversed(aliases[name]):
        if target.formats is None or target.formats & formats:
            for each in target.given:
                yield from _paths(each + given[match.end() :], aliases, formats, (*within, name))
            return
