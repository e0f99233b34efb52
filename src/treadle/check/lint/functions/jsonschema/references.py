"""Every `$ref`, `$dynamicRef` and `$recursiveRef` leads somewhere: in this file, or in another of the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.jsonschema.draft import is_known
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.place import Json
from treadle.contract.pointer import tokens

_WORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NAMES = ("$anchor", "$dynamicAnchor")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Addresses that the document gives itself by `$id` are known; nothing else that is absolute is fetched."""
    named = dict(subschemas(value))
    anchors = {str(name) for schema in named.values() for name in _anchors(schema)}
    ids = {str(id).rstrip("#") for schema in named.values() for id in (schema.get("$id"), schema.get("id")) if id}
    for path, schema in named.items():
        for word in _WORDS:
            reference = schema.get(word)
            if isinstance(reference, str):
                says = _wrong(reference, schema, context, anchors, ids)
                if says:
                    yield Complaint(f"`{reference}` {says}", (*context.path, *path, word))


def _anchors(schema: dict[str, Json]) -> Iterator[Json]:
    for word in _NAMES:
        if word in schema:
            yield schema[word]
    for word in ("$id", "id"):
        if isinstance(schema.get(word), str) and schema[word].startswith("#"):
            yield schema[word][1:]


def _wrong(reference: str, holder: Json, context: Context, anchors: set[str], ids: set[str]) -> str:
    """What is wrong with a reference, or nothing."""
    address, _, fragment = reference.partition("#")
    if address in ids or any(id.endswith("/" + address) for id in ids if address):
        return ""
    if address and _ABSOLUTE.match(address):
        return "" if is_known(address) else "is outside of the workspace; nothing is fetched"
    if address:
        return "leads nowhere" if context.subject.follow(holder) is holder else ""
    if fragment and not fragment.startswith("/"):
        near = nearest(fragment, anchors)
        hint = f"; did you mean `#{near}`?" if near else ""
        return "" if fragment in anchors else f"names no anchor of the document{hint}"
    return _missing(context.subject.data, tokens(fragment))


def _missing(node: Json, steps: Path) -> str:
    from treadle.check.lint.functions.asyncapi.objects import unquoted

    for step in steps:
        name = unquoted(str(step))
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            near = nearest(name, node) if isinstance(node, dict) else None
            hint = f"; did you mean `{near}`?" if near else ""
            return f"leads nowhere: there is no `{name}`{hint}"
    return ""
