"""The operations and messages of an AsyncAPI 2 document, each with its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treadle.check.lint.context import Path
from treadle.contract.place import Json


def operations(document: Json) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every `subscribe` and `publish`, in the order in which Spectral counts them."""
    channels = document.get("channels") if isinstance(document, dict) else None
    if not isinstance(channels, dict):
        return
    for address, channel in channels.items():
        if isinstance(channel, dict):
            for word in ("subscribe", "publish"):
                if isinstance(channel.get(word), dict):
                    yield ("channels", address, word), channel[word]


def messages(document: Json) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The message of every operation, or each of its `oneOf`."""
    for path, operation in operations(document):
        message = operation.get("message")
        if not isinstance(message, dict):
            continue
        branches = message.get("oneOf")
        if not isinstance(branches, list):
            yield (*path, "message"), message
            continue
        for at, branch in enumerate(branches):
            if isinstance(branch, dict):
                yield (*path, "message", "oneOf", at), branch


def own_or_trait(value: dict[str, Any], field: str) -> tuple[Path, str] | None:
    """A text field of an object: its last trait's that has one, else its own. AsyncAPI 2: traits win."""
    traits = value.get("traits")
    if isinstance(traits, list):
        for at in reversed(range(len(traits))):
            if isinstance(traits[at], dict) and isinstance(traits[at].get(field), str):
                return ("traits", at, field), traits[at][field]
    return ((field,), value[field]) if isinstance(value.get(field), str) else None


def repeated(found: Iterator[tuple[Path, dict[str, Any]]], field: str) -> Iterator[tuple[Path, str]]:
    """Where a text field has a value that an earlier object had."""
    seen: set[str] = set()
    for path, value in found:
        named = own_or_trait(value, field)
        if named is None:
            continue
        if named[1] in seen:
            yield path + named[0], named[1]
        seen.add(named[1])
