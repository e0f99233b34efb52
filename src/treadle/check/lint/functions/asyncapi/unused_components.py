"""Components that nothing refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.asyncapi.objects import local, objects_of
from treadle.contract.place import Json
from treadle.contract.pointer import pointer


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """A reference from inside a component to itself is no use of it. AsyncAPI 2 uses security schemes by name."""
    components = value.get("components") if isinstance(value, dict) else None
    if not isinstance(components, dict):
        return
    used = set(_used(value))
    if objects_of(context).minor.startswith("2"):
        for spot in objects_of(context).of("requirement"):
            used |= {pointer("components", "securitySchemes", name) for name in spot.value}
    for kind, named in components.items():
        for name in named if isinstance(named, dict) and not kind.startswith("x-") else ():
            if pointer("components", kind, name) not in used:
                yield Complaint(f"nothing refers to `{name}`", ("components", kind, name))


def _used(document: Json) -> Iterator[str]:
    """The components, by pointer, that something outside of them refers to, also to a part of one."""
    waiting: list[tuple[Path, Json]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, list):
            waiting.extend((path, each) for each in node)
        elif isinstance(node, dict):
            for key, each in node.items():
                if key == "$ref" and isinstance(each, str):
                    found = "/".join((local(each) or "").split("/")[:4])
                    if found and found != pointer(*path):
                        yield found
                elif isinstance(each, dict | list):
                    waiting.append(((*path, key) if len(path) < 3 else path, each))
