"""Request bodies: whether there is one, in which media types, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.content import covers, match_content, media_type
from treadle.check.diff.openapi.document import flag
from treadle.check.diff.openapi.pair import Pair
from treadle.check.diff.rules.places import REQUEST_BODY
from treadle.contract.library import Node


def body_changes(pair: Pair) -> Iterator[Change]:
    """Every change of the request body of an operation."""
    old, new = pair.both("requestBody")
    if pair.same(old, new):
        return
    if not isinstance(old.value, dict) or not isinstance(new.value, dict):
        yield from _existence(pair, old, new)
        return
    was, now = old.child("required"), new.child("required")
    if flag(was) != flag(now):
        yield pair.change("request-body-became-required" if flag(now) else "request-body-became-optional", was, now)
    yield from _content(pair, old.child("content"), new.child("content"))


def _existence(pair: Pair, old: Node, new: Node) -> Iterator[Change]:
    if isinstance(new.value, dict):
        need = "required" if flag(new.child("required")) else "optional"
        yield pair.change(f"request-body-added-{need}", old, new)
    elif isinstance(old.value, dict):
        yield pair.change("request-body-removed", old, new)


def _content(pair: Pair, old: Node, new: Node) -> Iterator[Change]:
    before, after = pair.run.old.entries(old), pair.run.new.entries(new)
    matched = match_content(before, after)
    for media, node in before.items():
        found = matched.get(media)
        if found is None or not covers(media_type(found), media_type(media)):
            yield pair.change("request-body-media-type-removed", node, new, media=media)
    for media, node in after.items():
        if media not in before and not any(covers(media_type(each), media_type(media)) for each in before):
            yield pair.change("request-body-media-type-added", old, node, media=media)
    for media, found in matched.items():
        if not pair.same(before[media], after[found]):
            yield from pair.run.comparison.content(pair, REQUEST_BODY, before[media], after[found], {}, media=found)
