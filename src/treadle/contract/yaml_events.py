"""YAML text -> an assembly, with the scalars of the YAML 1.2 core schema.

PyYAML's C parser yields events without recursing; its loader would make dates of dates, `no` of False and crash on
deep nesting. Source: YAML 1.2.2 section 10.3.2 (core schema), https://yaml.org/spec/1.2.2/.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from treadle.contract.assembly import Assembly, Spot
from treadle.contract.model import Json

_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_CHARS_MAX = 1_000
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_CORE = "tag:yaml.org,2002:"
_TAGS_OF = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null"}


def read_yaml(text: str, into: Assembly) -> None:
    """Push the one document of `text`. Raises `Refused` once reading on makes no sense."""
    parser = CParser(text)
    try:
        _push(parser, into)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise into.refuse("yaml-broken", spot, _sentence(error), _mend(text, spot)) from None
    except yaml.reader.ReaderError as error:
        raise into.refuse("yaml-broken", _spot_of_byte(text, error.position), "control character") from None


def _push(parser: CParser, into: Assembly) -> None:
    documents = 0
    cache: dict[str, Json] = {}
    get = parser.get_event
    while True:
        event: Any = get()
        kind = type(event)
        if kind is StreamStartEvent:
            continue
        if kind is StreamEndEvent:
            return
        mark = event.start_mark
        spot = (mark.line + 1, mark.column + 1)
        if kind is ScalarEvent:
            value = _scalar(event, spot, cache, into)
            if not into.wants_key:
                into.value(value, spot, event.anchor)
            elif type(value) is str:
                into.key(_key(value, event, spot, into), spot)
            else:
                into.complain("key-not-string", spot, f"`{event.value}` is no string", f'write it as "{event.value}"')
                into.key(str(event.value), spot)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if into.wants_key:
                raise into.refuse("key-not-string", spot, "a list or mapping as a key has no place in JSON")
            collection = "map" if kind is MappingStartEvent else "seq"
            if event.tag and event.tag not in (_CORE + collection, "!"):
                into.complain("unknown-tag", spot, f"tag `{event.tag}` has no meaning here", "leave the tag out")
            into.open({} if kind is MappingStartEvent else [], spot, event.anchor)
        elif kind is AliasEvent:
            if into.wants_key:
                raise into.refuse("key-not-string", spot, f"alias `*{event.anchor}` as a key", "write the key out")
            into.alias(event.anchor, spot)
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise into.refuse("many-documents", spot, "a second document begins here", "one file, one document")
        elif kind is not DocumentEndEvent:
            into.close()


def _scalar(event: ScalarEvent, spot: Spot, cache: dict[str, Json], into: Assembly) -> Json:
    text: str = event.value
    tag: str | None = event.tag
    if tag is None:
        if event.style:
            return text
        try:
            return cache[text]
        except KeyError:
            value = cache[text] = _plain(text)
            return value
    if tag in ("!", _CORE + "str"):
        return text
    value = _plain(text)
    if tag != _CORE + _TAGS_OF[type(value)]:
        into.complain("unknown-tag", spot, f"tag `{tag}` does not fit `{text}`", "leave the tag out")
    return value


def _plain(text: str) -> Json:
    """A scalar without quotes. An integer beyond 64 bits becomes a float, as in JSON (RFC 8259 section 6)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789" or len(text) > _NUMBER_CHARS_MAX:
        return text
    if _INT.match(text):
        value = int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
        return value if _INT64_MIN <= value <= _UINT64_MAX else _as_float(value)
    return float(text) if _FLOAT.match(text) else text


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _key(text: str, event: ScalarEvent, spot: Spot, into: Assembly) -> str:
    if text == "<<" and not event.style:
        into.complain("merge-key", spot, "YAML 1.2 has no merge key `<<`", "write the keys out, or use `$ref`")
    return text


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.problem, error.context) if part)


def _mend(text: str, spot: Spot) -> str:
    line = text.split("\n", spot[0])[spot[0] - 1 : spot[0]]
    return "indent with spaces; YAML has no tabs" if line and line[0][: spot[1]].strip(" ").startswith("\t") else ""


def _spot_of_byte(text: str, at: int) -> Spot:
    """Libyaml counts bytes of the UTF-8 form here."""
    before = text.encode()[:at].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
