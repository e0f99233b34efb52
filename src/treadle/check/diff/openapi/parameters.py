"""Parameters: those that come and go, and what changes about one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.content import match_content
from treadle.check.diff.openapi.document import Document, flag
from treadle.check.diff.openapi.lifecycle import PARAMETER_STAGES, announced, moved, removed
from treadle.check.diff.openapi.pair import Pair
from treadle.check.diff.rules.places import PARAMETER
from treadle.contract.library import Node

_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """`key` tells parameters apart on the wire; `shared` ones are written at the path item."""

    name: str
    where: str
    node: Node
    shared: bool

    @property
    def required(self) -> bool:
        return self.where == "path" or flag(self.node.child("required"))

    @property
    def words(self) -> dict[str, str]:
        return {"where": self.where, "parameter": self.name}

    @property
    def style(self) -> str:
        style = self.node.child("style").value
        return style if isinstance(style, str) else _STYLES.get(self.where, "form")

    @property
    def exploded(self) -> bool:
        explode = self.node.child("explode").value
        return explode if isinstance(explode, bool) else self.style == "form"

    @property
    def writing(self) -> str:
        return f"{self.style}, {'one by one' if self.exploded else 'joined'}"


def parameter_changes(pair: Pair) -> Iterator[Change]:
    """Every change of the parameters of an operation, its path's own among them."""
    if _untouched(pair):
        return
    before = _parameters(pair.run.old, pair.old_item, pair.old, pair.renamed)
    after = _parameters(pair.run.new, pair.new_item, pair.new, {})
    yield from _gone(pair, before, after)
    for key, parameter in after.items():
        known = before.get(key)
        if known is None:
            if not _exploded(key, before):
                yield pair.change(_added(parameter), None, parameter.node, **parameter.words)
        elif not pair.same(known.node, parameter.node) or known.name != parameter.name:
            yield from _changes(pair, known, parameter)


def _untouched(pair: Pair) -> bool:
    return (
        not pair.renamed
        and pair.same(pair.old.child("parameters"), pair.new.child("parameters"))
        and pair.same(pair.old_item.child("parameters"), pair.new_item.child("parameters"))
    )


def _parameters(
    document: Document, item: Node, operation: Node, renamed: Mapping[str, str]
) -> dict[tuple[str, str], _Parameter]:
    found: dict[tuple[str, str], _Parameter] = {}
    for owner, shared in ((item, True), (operation, False)):
        for node in document.items(owner.child("parameters")):
            name, where = node.child("name").value, node.child("in").value
            if isinstance(name, str) and isinstance(where, str):
                found[where, _on_the_wire(name, where, renamed)] = _Parameter(name, where, node, shared)
    return found


def _on_the_wire(name: str, where: str, renamed: Mapping[str, str]) -> str:
    """The name of a path parameter is not on the wire, and headers have one name in any case (RFC 9110, 5.1)."""
    if where == "path":
        return renamed.get(name, name)
    return name.lower() if where == "header" else name


def _added(parameter: _Parameter) -> str:
    if parameter.where == "path":
        return "new-request-path-parameter"
    need = "required" if parameter.required else "optional"
    return f"new-{need}-request-{'default-parameter-to-existing-path' if parameter.shared else 'parameter'}"


def _gone(
    pair: Pair, before: Mapping[tuple[str, str], _Parameter], after: Mapping[tuple[str, str], _Parameter]
) -> Iterator[Change]:
    for key, parameter in before.items():
        if key in after or _exploded(key, after):
            continue
        rule, words = removed(parameter.node, "request-parameter", pair.run.today)
        if rule:
            yield pair.change(rule, parameter.node, None, **parameter.words, **words)


def _exploded(key: tuple[str, str], others: Mapping[tuple[str, str], _Parameter]) -> bool:
    """Whether another parameter is an object whose properties are written one by one, this one among them."""
    where, name = key
    return where in {"query", "cookie"} and any(
        each.where == where and each.exploded and each.node.child("schema", "properties", name).value is not None
        for each in others.values()
    )


def _changes(pair: Pair, old: _Parameter, new: _Parameter) -> Iterator[Change]:
    words = new.words
    if old.where == "path" and old.name != new.name:
        yield pair.change("request-parameter-renamed", old.node, new.node, **words, old=old.name, new=new.name)
    if old.required != new.required:
        rule = "request-parameter-became-required" if new.required else "request-parameter-became-optional"
        yield pair.change(rule, old.node.child("required"), new.node.child("required"), **words)
    if old.writing != new.writing and _structured(pair, old, new):
        at = (old.node.child("style"), new.node.child("style"))
        yield pair.change("request-parameter-style-changed", *at, **words, old=old.writing, new=new.writing)
    yield from announced(pair, old.node, new.node, PARAMETER_STAGES, words)
    yield from moved(pair, old.node, new.node, "request-parameter-", words)
    yield from pair.run.comparison.changes(pair, PARAMETER, old.node.child("schema"), new.node.child("schema"), words)
    before, after = pair.run.old.entries(old.node.child("content")), pair.run.new.entries(new.node.child("content"))
    for media, found in match_content(before, after).items():
        schemas = (before[media].child("schema"), after[found].child("schema"))
        yield from pair.run.comparison.changes(pair, PARAMETER, *schemas, words)


def _structured(pair: Pair, old: _Parameter, new: _Parameter) -> bool:
    """Whether either version may send something that a style splits: a list or an object."""
    schemas = (pair.run.old.child(old.node, "schema").value, pair.run.new.child(new.node, "schema").value)
    return any(not isinstance(each, dict) or each.get("type") in ("array", "object") for each in schemas)
