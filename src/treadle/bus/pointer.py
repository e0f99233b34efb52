"""JSON pointers into an event's body (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterable

from treadle.contract.model import Json


def pointer_of(path: Iterable[str | int]) -> str:
    """The pointer that names a path of keys and indexes: `("lines", 0, "a/b")` is `/lines/0/a~1b`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def value_at(document: Json, pointer: str) -> Json:
    """What stands at a pointer, or None where nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isascii() and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def text_at(document: Json, pointer: str | None) -> str:
    """A string or whole number at a pointer as text; empty where there is none."""
    found = value_at(document, pointer) if pointer else None
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""
