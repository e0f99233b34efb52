"""Which path of the old version is which of the new: the same template up to the names of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The fields of a path item that hold operations; `query` since OpenAPI 3.2."""
_PARAMETER = re.compile(r"\{([^{}]*)\}")


def match_paths(old: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """The new path for each old one that is still there: the same text if there is one, else the same shape of it."""
    left = set(new)
    shapes: dict[str, str] = {}
    for path in sorted(left, reverse=True):
        shapes[shape(path)] = path
    matched = {}
    for path in old:
        found = path if path in left else shapes.get(shape(path))
        if found is not None:
            matched[path] = found
    return matched


def shape(path: str) -> str:
    """A template without the names of its parameters, which are not on the wire."""
    return _PARAMETER.sub("{}", path)


def renamed(old: str, new: str) -> Mapping[str, str]:
    """What each parameter of the old template is called in the new one."""
    return dict(zip(_PARAMETER.findall(old), _PARAMETER.findall(new), strict=False))
