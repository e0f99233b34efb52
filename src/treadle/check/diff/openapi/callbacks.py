"""Callbacks: calls that the server makes of its caller, so what is sent and what is read change sides."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.pair import Pair


def callback_changes(pair: Pair) -> Iterator[Change]:
    """Callbacks that came and went, and what changed about the others."""
    from treadle.check.diff.openapi.operations import item_changes  # a callback holds operations again

    old, new = pair.both("callbacks")
    if pair.inverted or pair.same(old, new):
        return
    run = pair.run
    before, after = run.old.entries(old), run.new.entries(new)
    for name, node in before.items():
        if name not in after:
            yield pair.change("api-callback-removed", node, new, name=name)
    for name, node in after.items():
        if name not in before:
            yield pair.change("api-callback-added", old, node, name=name)
            continue
        items = run.old.entries(before[name], extensible=True)
        others = run.new.entries(node, extensible=True)
        for expression in items.keys() & others.keys():
            path = f"{pair.path} callback:{name}"
            yield from item_changes(run, path, items[expression], others[expression], {}, inverted=True)
