"""`x-treadle`, the one extension key: where it may stand, and what it may say there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from treadle.contract.library import Library
from treadle.contract.place import Json, Place
from treadle.contract.pointer import escape, tokens
from treadle.contract.problems import Problems

KEY = "x-treadle"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_DATA = frozenset({"example", "examples", "default", "enum", "const"})
"""Below these keys stands data of the author's own, in which `$ref` and `x-treadle` mean nothing."""
_SCHEMA_STEPS = frozenset({"schema", "schemas", "payload", "properties", "items", "allOf", "anyOf", "oneOf", "headers"})


def own(value: Json) -> Json:
    """What `x-treadle` of a node says; an empty mapping where it says nothing."""
    found = value.get(KEY) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def check_extensions(library: Library, file: str, problems: Problems, *, main: bool) -> None:
    """Check every `x-treadle` of one file. In a file that contracts refer to (`main=False`) only schemas stand."""
    from treadle.contract.shape import check_shape  # brings validators along, which lint does without

    document = library.document(file)
    for pointer, value in walk(document.data):
        for key in value:
            if not key.startswith(KEY):
                continue
            at = f"{pointer}/{escape(key)}"
            if key != KEY:
                message = f"unknown key `{key}`; did you mean `{KEY}`?"
                hint = f"everything of ours stands inside `{KEY}`"
                problems.add("unknown-key", library.place_of(file, at), message, hint)
                continue
            kind = _kind(tokens(pointer)) if main else "property"
            if kind is None and own(value).keys() == {"ignore"}:
                kind = "node"
            if kind is None:
                problems.add(
                    "misplaced-extension",
                    library.place_of(file, at),
                    "`x-treadle` means nothing here but `ignore`",
                    "it may stand in info, an operation, a channel, or a schema (property)",
                )
                continue
            check_shape(f"x-treadle.{kind}", value[key], partial(_below, library, file, at), problems)


def _below(library: Library, file: str, at: str, inner: str) -> Place:
    return library.place_of(file, at + inner)


def walk(data: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every mapping of a document with its pointer, data of the author's own left out. Aliases: each name once."""
    waiting: list[tuple[str, Json, str]] = [("", data, "")]
    while waiting:
        pointer, node, name = waiting.pop()
        if isinstance(node, dict):
            yield pointer, node
            for key, value in node.items():
                if isinstance(value, dict | list) and not _is_data(key, name):
                    waiting.append((f"{pointer}/{escape(key)}", value, key))
        elif isinstance(node, list):
            waiting.extend(
                (f"{pointer}/{at}", value, name) for at, value in enumerate(node) if isinstance(value, dict | list)
            )


def _is_data(key: str, parent: str) -> bool:
    """Whether `key` holds data. A property or component may itself be called `default` or `example`."""
    if key == KEY:
        return True
    return key in _DATA and parent not in ("properties", "patternProperties", "schemas", "responses", "$defs")


def _kind(path: tuple[str, ...]) -> str | None:
    if path == ("info",):
        return "info"
    if any(step in _SCHEMA_STEPS for step in path):
        return "property"
    if len(path) >= 3 and path[-3] in ("paths", "pathItems", "webhooks") and path[-1] in METHODS:
        return "operation"
    if len(path) >= 2 and path[-2] == "channels":
        return "channel"
    return None
