"""Compares where peers connect to."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.asyncapi import pairs
from treadle.check.diff.asyncapi.bindings import binding_changes
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.security import security_changes
from treadle.check.diff.asyncapi.view import Api
from treadle.check.diff.change import Change


def server_changes(here: Here, old: Api, new: Api) -> Iterator[Change]:
    """A server is known by where it is; another name for it says nothing to its peers."""
    for before, after in pairs.servers(old.servers, new.servers):
        if after is None and before is not None:
            yield here.change(
                "server-removed", before.node, here.new.child("servers"), old=f"{before.protocol} {before.url}"
            )
        elif before is None and after is not None:
            yield here.change(
                "server-added", here.old.child("servers"), after.node, new=f"{after.protocol} {after.url}"
            )
        elif before is not None and after is not None:
            inside = here.at(before.node, after.node)
            if before.protocol != after.protocol:
                yield inside.member(
                    "server-protocol-changed", "protocol", name=after.name, old=before.protocol, new=after.protocol
                )
            if before.url != after.url:
                yield inside.change("server-url-changed", name=after.name, old=before.url, new=after.url)
            yield from security_changes(inside, before.security, after.security, f"the server `{after.name}`")
            yield from binding_changes(inside, "server", before.bindings, after.bindings)
