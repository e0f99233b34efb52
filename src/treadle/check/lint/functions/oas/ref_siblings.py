"""Nothing stands beside a `$ref`: before OpenAPI 3.1 every reader passes over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.contract.place import Json


def make(_options: Mapping[str, Any]) -> Check:
    """The value is what a key `$ref` holds, its path ends in that key."""

    def check(_value: Json, context: Context) -> Iterator[Complaint]:
        owner = _owner(context.subject.data, context.path)
        for key in owner if isinstance(owner, dict) else ():
            if key != "$ref":
                yield Complaint(f"`{key}` beside a `$ref` is passed over", (*context.path[:-1], key))

    return check


def _owner(node: Json, path: Path) -> Json:
    for step in path[:-1]:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node
