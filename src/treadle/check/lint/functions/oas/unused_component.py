"""Something in the document refers to each of its components."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Subject
from treadle.contract.model import Json
from treadle.contract.pointer import tokens

_KINDS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_Pointer = tuple[str, ...]


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the document, as written."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        components = value.get("components") if isinstance(value, dict) else None
        if not isinstance(components, dict):
            return
        used = used_pointers(context.subject)
        for kind in _KINDS:
            found = components.get(kind)
            for name in found if isinstance(found, dict) else ():
                if ("components", kind, name) not in used:
                    yield Complaint("nothing refers to this", ("components", kind, name))

    return check


def used_pointers(subject: Subject) -> frozenset[_Pointer]:
    """Where the references of the document point, in it. One that stands inside of its own target does not count."""
    used: set[_Pointer] = set()
    targets: dict[str, _Pointer] = {}
    for ref, place in _references(subject.data):
        target = targets.get(ref)
        if target is None:
            target = targets[ref] = tuple(tokens(_PERCENT.sub(_decoded, ref[1:])))
        if target not in used and place[: len(target)] != target:
            used.add(target)
    return frozenset(used)


def _references(data: Json) -> Iterator[tuple[str, _Pointer]]:
    waiting: list[tuple[Json, _Pointer]] = [(data, ())]
    while waiting:
        node, path = waiting.pop()
        below: Iterable[tuple[str | int, Json]]
        if isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str):
                if ref[:1] == "#":
                    yield ref, path
                continue
            below = node.items()
        else:
            below = enumerate(node)
        waiting.extend((value, (*path, str(key))) for key, value in below if isinstance(value, dict | list))


def _decoded(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode(errors="replace")
