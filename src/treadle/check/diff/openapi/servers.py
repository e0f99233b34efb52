"""Where the document is served."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.document import Document
from treadle.check.diff.openapi.pair import Run
from treadle.check.diff.openapi.url import same_url
from treadle.contract.library import Node


def server_changes(run: Run) -> Iterator[Change]:
    """Servers that came and went."""
    old, new = run.old.root.child("servers"), run.new.root.child("servers")
    if old.value == new.value:
        return
    before, after = _urls(run.old, old), _urls(run.new, new)
    for url, node in before.items():
        if not any(same_url(url, each) for each in after):
            yield run.change("api-server-removed", node, new, {"old": url})
    for url, node in after.items():
        if not any(same_url(url, each) for each in before):
            yield run.change("api-server-added", old, node, {"new": url})


def _urls(document: Document, servers: Node) -> dict[str, Node]:
    found = ((node.child("url").value, node) for node in document.items(servers))
    return {url: node for url, node in found if isinstance(url, str)}
