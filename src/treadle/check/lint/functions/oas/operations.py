"""The operations of an OpenAPI document, as the rules walk them: references on the way are followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treadle.check.lint.context import Path, Subject
from treadle.contract.place import Json

METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options", "trace"})


def path_items(paths: Json, subject: Subject) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each path of `paths` whose item is a mapping."""
    if not isinstance(paths, dict):
        return
    for template, item in paths.items():
        found = subject.follow(item)
        if isinstance(found, dict):
            yield template, found


def operations(paths: Json, subject: Subject) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each operation below `paths`, with its path from there: `("/orders", "get")`."""
    for template, item in path_items(paths, subject):
        for method, value in item.items():
            operation = subject.follow(value) if method in METHODS else None
            if isinstance(operation, dict):
                yield (template, method), operation
