"""What of a document is the same in both versions, answered at C speed and without a walk.

Two equal values can still mean different things where they refer to a component that changed. So the components that
differ are found with `==`, the set is closed over references (which one regular expression finds in the JSON text of a
component), and a value is the same where it is equal and refers to none of them. Between OpenAPI 3.0 and a later
version nothing is the same, for equal words differ there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import orjson

from treadle.contract.library import Node
from treadle.contract.model import Json

_REFERENCE = re.compile(rb'"\$(?:dynamicR|r)ef":"((?:[^"\\]|\\.)*)"')
_COMPONENT = re.compile(rb"#/components/([^/]+/[^/]+)")
_WORDS = b"examples/"
"""Components that say nothing about values on the wire."""


class Reach:
    """Answers for one pair of documents. A reference to anything but a component is taken for changed."""

    def __init__(self, old: Node, new: Node) -> None:
        self._roots = (old.file, new.file)
        self._alike = _grammar(old.value) == _grammar(new.value)
        self._old, self._new = _components(old.value), _components(new.value)
        self._changed = self._closed({name for name in self._old.keys() | self._new.keys() if self._differs(name)})
        self._clean: dict[int, bool] = {}

    def same(self, old: Node, new: Node) -> bool:
        """Whether a node of the old document and one of the new mean the same. What is not known to be is not."""
        if not self._alike or old.value != new.value:
            return False
        if not isinstance(new.value, dict | list):
            return type(old.value) is type(new.value)
        if (old.file, new.file) != self._roots:
            return not _references(new.value)
        if id(new.value) not in self._clean:
            self._clean[id(new.value)] = not self._touches(new.value)
        return self._clean[id(new.value)]

    def _differs(self, name: bytes) -> bool:
        return name not in self._old or name not in self._new or self._old[name] != self._new[name]

    def _closed(self, changed: set[bytes]) -> set[bytes]:
        """The changed components, and every one that refers to one of them, however far away."""
        if not changed:
            return changed
        users: dict[bytes, list[bytes]] = {}
        todo = list(changed)
        for name, component in self._new.items():
            for reference in _references(component):
                match = _COMPONENT.match(reference)
                if match and match[1].startswith(_WORDS):
                    continue
                if match:
                    users.setdefault(match[1], []).append(name)
                elif name not in changed:
                    changed.add(name)
                    todo.append(name)
        while todo:
            for user in users.get(todo.pop(), ()):
                if user not in changed:
                    changed.add(user)
                    todo.append(user)
        return changed

    def _touches(self, value: Json) -> bool:
        for reference in _references(value):
            match = _COMPONENT.match(reference)
            if match is None or (match[1] in self._changed and not match[1].startswith(_WORDS)):
                return True
        return False


def _grammar(document: Json) -> bool:
    """Whether it is OpenAPI 3.0, where `nullable` counts and what stands beside `$ref` does not."""
    return isinstance(document, dict) and str(document.get("openapi")).startswith("3.0")


def _components(document: Json) -> dict[bytes, Json]:
    """Every component by `section/name`, as a reference to it is written."""
    sections = document.get("components") if isinstance(document, dict) else None
    return dict(_named(sections)) if isinstance(sections, dict) else {}


def _named(sections: dict[str, Json]) -> Iterator[tuple[bytes, Json]]:
    for section, components in sections.items():
        if isinstance(components, dict):
            for name, component in components.items():
                yield _text(f"{section}/{name.replace('~', '~0').replace('/', '~1')}")[1:-1], component


def _references(value: Json) -> set[bytes]:
    return set(_REFERENCE.findall(_text(value)))


def _text(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
