"""Text put into a document by position, so that every other byte of it stays as it is: comments, order, quotes."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from treadle.check.lint.context import Path
from treadle.contract.place import Json
from treadle.contract.places import Places

_COMMENT = re.compile(r"[ ]*#")
_ITEM = re.compile(r"[ ]*-[ ]+\Z")
_PLAIN = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*\Z")


@dataclass(frozen=True, slots=True)
class Insertion:
    """One member for a mapping, or one item for the front of a list (`key` is None), at `path`.

    `before` is the key that the member is put in front of; the first one where it is empty.
    """

    path: Path
    value: Json
    key: str | None = None
    before: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """`text` in place of the `length` characters at `offset`."""

    offset: int
    text: str
    length: int = 0


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; those of one offset in the order given. Edits do not overlap."""
    made: list[str] = []
    done = 0
    for each in sorted(edits, key=lambda edit: edit.offset):
        made += [text[done : each.offset], each.text]
        done = each.offset + each.length
    return "".join([*made, text[done:]])


def edit_of(insertion: Insertion, places: Places, *, json: bool) -> Edit | None:
    """How an insertion is written in the style of what is around it; None where nothing shows the style."""
    node = _at(places.data, insertion.path)
    if not node or isinstance(node, list) != (insertion.key is None) or not isinstance(node, dict | list):
        return None
    first: str | int = next(iter(node)) if isinstance(node, dict) else 0
    anchor = insertion.before if isinstance(node, dict) and insertion.before in node else first
    text = places.lines.text
    at = places.offset((*insertion.path, anchor))
    said = _written(insertion.value, json=json)
    if insertion.key is not None:
        said = f"{orjson.dumps(insertion.key).decode() if json else _key(insertion.key)}: {said}"
    begun = text[: places.offset((*insertion.path, first))].rstrip()
    if begun.endswith(("{", "[")):
        return Edit(at, f"{said}, ")
    return _block_edit(text, at, said, item=insertion.key is None)


def _block_edit(text: str, at: int, said: str, *, item: bool) -> Edit | None:
    start = text.rfind("\n", 0, at) + 1
    lead, end = text[start:at], "\r\n" if text[start - 2 : start] == "\r\n" else "\n"
    if item and not _ITEM.match(lead):
        return None
    if not item and lead.strip(" "):  # the first key of an item stands behind its dash
        return Edit(at, f"{said}{end}{' ' * len(lead)}")
    while start and _COMMENT.match(text, above := text.rfind("\n", 0, start - 1) + 1):
        start = above  # a comment belongs to what follows it
    return Edit(start, f"{lead}{said}{end}")


def inserted(data: Json, insertions: Iterable[Insertion]) -> Json:
    """The data as it is when every insertion is made."""
    made = copy.deepcopy(data)
    for each in insertions:
        node = _at(made, each.path)
        if each.key is None:
            node.insert(0, each.value)
        else:
            node[each.key] = each.value
    return made


def _at(data: Json, path: Path) -> Json:
    node = data
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def _written(value: Json, *, json: bool) -> str:
    """A value on one line, as JSON or in YAML's flow style."""
    if json or not isinstance(value, dict | list | str):
        return orjson.dumps(value).decode()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_written(each, json=False)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(each, json=False) for each in value) + "]"
    return "'" + value.replace("'", "''") + "'"


def _key(key: str) -> str:
    return key if _PLAIN.match(key) else orjson.dumps(key).decode()
