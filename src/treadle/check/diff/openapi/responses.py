"""Responses: which statuses come, as which media types, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.content import MediaType, covers, match_content, media_type
from treadle.check.diff.openapi.headers import header_changes
from treadle.check.diff.openapi.pair import Pair
from treadle.check.diff.rules.places import RESPONSE_BODY
from treadle.contract.library import Node


def response_changes(pair: Pair) -> Iterator[Change]:
    """Every change of the responses of an operation."""
    old, new = pair.old.child("responses"), pair.new.child("responses")
    if pair.same(old, new):
        return
    before, after = pair.run.old.entries(old, extensible=True), pair.run.new.entries(new, extensible=True)
    for status, node in before.items():
        if status not in after:
            yield pair.change(f"response-{_kind(status)}-status-removed", node, new, status=status)
    for status, node in after.items():
        if status not in before:
            yield pair.change(f"response-{_kind(status)}-status-added", old, node, status=status)
        elif not pair.same(before[status], node):
            yield from _response(pair, status, before[status], node)


def _kind(status: str) -> str:
    return "success" if status.startswith("2") else "non-success"


def _response(pair: Pair, status: str, old: Node, new: Node) -> Iterator[Change]:
    yield from header_changes(pair, status, old.child("headers"), new.child("headers"))
    before, after = pair.run.old.entries(old.child("content")), pair.run.new.entries(new.child("content"))
    matched = match_content(before, after)
    for media, node in before.items():
        if media not in matched:
            yield pair.change("response-media-type-removed", node, new.child("content"), media=media, status=status)
    for media, node in after.items():
        if media not in matched.values():
            yield pair.change("response-media-type-added", old.child("content"), node, media=media, status=status)
    for media, found in matched.items():
        if media != found:
            yield from _renamed(pair, status, (media, before[media]), (found, after[found]))
        if not pair.same(before[media], after[found]):
            words = {"status": status}
            yield from pair.run.comparison.content(pair, RESPONSE_BODY, before[media], after[found], words, media=found)


def _renamed(pair: Pair, status: str, old: tuple[str, Node], new: tuple[str, Node]) -> Iterator[Change]:
    """What another name says of the same body. Readers of a name read every kind of it, and no more."""
    was, now = media_type(old[0]), media_type(new[0])
    words = {"status": status, "old": old[0], "new": new[0]}
    if was.parameters != now.parameters:
        yield from _parameters(pair, status, (was, old), (now, new))
    elif was.bare != now.bare:
        rule = "response-media-type-name-" + ("specialized" if covers(was, now) else "generalized")
        yield pair.change(rule, old[1], new[1], **words)


def _parameters(
    pair: Pair, status: str, old: tuple[MediaType, tuple[str, Node]], new: tuple[MediaType, tuple[str, Node]]
) -> Iterator[Change]:
    (was, (old_name, old_node)), (now, (new_name, new_node)) = old, new
    added, removed = now.parameters.keys() - was.parameters.keys(), was.parameters.keys() - now.parameters.keys()
    changed = {
        key for key in was.parameters.keys() & now.parameters.keys() if was.parameters[key] != now.parameters[key]
    }
    if was.bare != now.bare or sum(map(bool, (added, removed, changed))) > 1:
        rule = "response-media-type-name-changed"
        yield pair.change(rule, old_node, new_node, status=status, old=old_name, new=new_name)
        return
    for action, names in (("added", added), ("removed", removed), ("changed", changed)):
        for name in sorted(names):
            rule = f"response-media-type-parameter-{action}"
            values = {"old": was.parameters.get(name, ""), "new": now.parameters.get(name, "")}
            yield pair.change(rule, old_node, new_node, status=status, media=was.bare, name=name, **values)
