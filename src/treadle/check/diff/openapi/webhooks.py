"""Webhooks: calls that the server makes of whoever subscribed, so what is sent and what is read change sides."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.operations import item_changes
from treadle.check.diff.openapi.pair import Run


def webhook_changes(run: Run) -> Iterator[Change]:
    """Webhooks that came and went, and what changed about the others."""
    old, new = run.old.root.child("webhooks"), run.new.root.child("webhooks")
    before, after = run.old.entries(old), run.new.entries(new)
    for name, node in before.items():
        if name not in after:
            yield run.change("webhook-removed", node, new, {"name": name})
    for name, node in after.items():
        if name not in before:
            yield run.change("webhook-added", old, node, {"name": name})
        else:
            yield from item_changes(run, f"webhook:{name}", before[name], node, {}, inverted=True)
