"""What names an operation outside the wire: its operationId and its tags."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import texts
from treadle.check.diff.openapi.pair import Pair


def name_changes(pair: Pair) -> Iterator[Change]:
    """Another operationId, and tags that came and went."""
    old, new = pair.old.child("operationId"), pair.new.child("operationId")
    if old.value != new.value:
        if old.value:
            yield pair.change("api-operation-id-removed", old, new, old=str(old.value), new=str(new.value or ""))
        else:
            yield pair.change("api-operation-id-added", old, new, new=str(new.value))
    old, new = pair.old.child("tags"), pair.new.child("tags")
    before, after = texts(old), texts(new)
    for tag in before:
        if tag not in after:
            yield pair.change("api-tag-removed", old, new, old=tag)
    for tag in after:
        if tag not in before:
            yield pair.change("api-tag-added", old, new, new=tag)
