"""Ajv's errors -> the few that Spectral says: one for one cause, as far as the places of the errors tell.

Source: the behaviour of Spectral 6.16 (which prunes a tree of errors by place), not its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from treadle.check.lint.ajv import Error, Errors
from treadle.check.lint.context import Complaint, Path
from treadle.contract.pointer import pointer

_STEPS = re.compile(r"/[A-Za-z0-9_$-]+(?:/[0-9]+)?", re.ASCII)


@dataclass(slots=True)
class _Spot:
    errors: Errors = field(default_factory=list)
    below: dict[str, _Spot] = field(default_factory=dict)


def complaints(errors: Errors, at: Path) -> list[Complaint]:
    """What is left of the errors of one value, which stands at `at`."""
    if not errors:
        return []
    root = _Spot()
    for error in errors:
        spot = root
        text = pointer(*error.path)
        steps = _STEPS.findall(text) if text else [""]
        for step in steps:
            spot = spot.below.setdefault(step, _Spot())
        if steps:
            spot.errors.append(error)
    _prune(root)
    return [Complaint(_sentence(error, at), at + error.path) for error in _said(root)]


def each_once(errors: Errors, at: Path) -> list[Complaint]:
    """Every error of a `nearest` judge, at its own place."""
    found: dict[Complaint, None] = {}
    for error in errors:
        path = (*at, *error.path, error.subject) if error.keyword == "additionalProperties" else at + error.path
        found[Complaint(_sentence(error, at), path)] = None
    return list(found)


def without_neighbours(errors: Errors) -> Errors:
    """One error of several that follow each other at one place; no `oneOf` above an error that says more.

    A property that may not be is the place of its error; Spectral loses its way to one with a slash in its name.
    """
    kept: Errors = []
    for error in errors:
        if error.keyword == "additionalProperties":
            steps = str(error.subject).split("/")
            kept.append(Error(error.keyword, (*error.path, *steps), error.message, error.subject))
        elif not _asks_reference(error):
            kept.append(error)
    at = 0
    while at < len(kept):
        error = kept[at]
        if at + 1 < len(kept) and kept[at + 1].path == error.path:
            del kept[at + 1]
        elif at > 0 and error.keyword == "oneOf" and pointer(*kept[at - 1].path).startswith(pointer(*error.path)):
            del kept[at]
        else:
            at += 1
    return kept


def _asks_reference(error: Error) -> bool:
    """Whether it only says that the value is no `$ref`: one branch of nearly every `oneOf` in the schemas does."""
    return error.keyword == "required" and error.subject == "$ref"


def _prune(root: _Spot) -> None:
    waiting: list[tuple[_Spot, _Spot | None, str]] = [(root, None, "")]
    while waiting:
        spot, parent, key = waiting.pop()
        if spot.below and any(error.keyword == "anyOf" for error in spot.errors):
            spot.errors = []
        only_enum = bool(spot.errors) and all(error.keyword == "enum" for error in spot.errors)
        if parent and only_enum and any(other != key for other in parent.below):
            parent.below.pop(key, None)
        waiting.extend((below, spot, name) for name, below in reversed(list(spot.below.items())))


def _said(root: _Spot) -> Iterator[Error]:
    waiting = [root]
    while waiting:
        spot = waiting.pop()
        if spot.errors and all(error.keyword == "enum" for error in spot.errors):
            yield spot.errors[0]
            continue
        yield from spot.errors
        waiting.extend(reversed(list(spot.below.values())))


def _sentence(error: Error, at: Path) -> str:
    if error.keyword == "additionalProperties":
        return error.message
    path = at + error.path
    return f'"{path[-1]}" {error.message}' if path else f"the value {error.message}"
