"""Plain data -> YAML text that reads the same in YAML 1.1 and 1.2: what looks like a number or date is quoted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import orjson

from treadle.contract.place import Json

_WIDTH = 120
_NO_TEXT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?0[box][0-9a-fA-F_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
    r"|[-+]?\.(?:inf|nan)"
    r"|~|null|true|false|yes|no|on|off|y|n|=|<<|",
    re.IGNORECASE,
)
"""What one version of YAML or the other reads as something else than text (YAML 1.2.2 section 10)."""


def write_yaml(data: Json) -> str:
    """One document, keys in their order, two spaces a level. Nothing recurses, so no depth of `data` is too deep."""
    from yaml._yaml import CEmitter
    from yaml.events import DocumentEndEvent, DocumentStartEvent, StreamEndEvent, StreamStartEvent

    out = io.StringIO()
    emitter: Any = CEmitter(out, indent=2, width=_WIDTH, allow_unicode=True)
    emitter.emit(StreamStartEvent())
    emitter.emit(DocumentStartEvent(explicit=False))
    for event in _events(data):
        emitter.emit(event)
    emitter.emit(DocumentEndEvent(explicit=False))
    emitter.emit(StreamEndEvent())
    return out.getvalue()


def _events(data: Json) -> Iterator[Any]:
    from yaml.events import MappingEndEvent, MappingStartEvent, SequenceEndEvent, SequenceStartEvent

    waiting: list[Iterator[Any]] = [iter((data,))]
    ends: list[Any] = [None]
    while waiting:
        for value in waiting[-1]:
            if isinstance(value, dict):
                yield MappingStartEvent(None, None, True, flow_style=not value)
                waiting.append(_pairs(value))
                ends.append(MappingEndEvent())
            elif isinstance(value, list):
                yield SequenceStartEvent(None, None, True, flow_style=not value)
                waiting.append(iter(value))
                ends.append(SequenceEndEvent())
            else:
                yield _scalar(value)
                continue
            break
        else:
            waiting.pop()
            end = ends.pop()
            if end is not None:
                yield end


def _pairs(value: dict[str, Json]) -> Iterator[Json]:
    for key, each in value.items():
        yield key
        yield each


def _scalar(value: Json) -> Any:
    from yaml.events import ScalarEvent

    if isinstance(value, str):
        style = _style(value)
        return ScalarEvent(None, None, (not style, True), value, style=style)
    text = orjson.dumps(value).decode()
    if isinstance(value, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # YAML 1.1 wants the point
    return ScalarEvent(None, None, (True, False), text)


def _style(text: str) -> str | None:
    """How to write a text; the emitter takes double quotes where the form asked for cannot hold it."""
    if not text.replace("\n", "").isprintable():
        return '"'
    if "\n" in text:
        return "|"
    return "'" if _NO_TEXT.fullmatch(text) else None
