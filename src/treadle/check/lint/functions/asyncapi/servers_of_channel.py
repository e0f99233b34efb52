"""The servers of a channel are servers of the document: by name in AsyncAPI 2, by reference in AsyncAPI 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import local, objects_of
from treadle.contract.place import Json
from treadle.contract.pointer import tokens


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Channels among the components may, in AsyncAPI 3, refer to servers anywhere."""
    objects = objects_of(context)
    servers = value.get("servers") if isinstance(value, dict) else None
    names = servers if isinstance(servers, dict) else {}
    for spot in objects.of("channel"):
        listed = spot.value.get("servers")
        for at, server in enumerate(listed if isinstance(listed, list) else ()):
            path = (*spot.path, "servers", at)
            if isinstance(server, str) and server not in names:
                yield Complaint(f'the document has no server "{server}"', path)
            elif isinstance(server, dict) and isinstance(server.get("$ref"), str) and spot.path[0] == "channels":
                target = local(server["$ref"])
                if target is not None and not (tokens(target)[:1] == ("servers",) and len(tokens(target)) == 2):
                    yield Complaint(f"`{server['$ref']}` is none of the document's `servers`", (*path, "$ref"))
