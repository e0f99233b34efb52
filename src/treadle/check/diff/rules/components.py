"""Rows about what belongs to the document and not to one operation: webhooks, callbacks, servers.

That a schema is gone from the components is no row: who moved, renamed or inlined it changed nothing on the wire.
"""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect

_ADD = (Direction.NONE, "components", "existence", "add")
_REMOVE = (Direction.NONE, "components", "existence", "remove")

COMPONENTS: tuple[Rule, ...] = (
    row(
        "webhook-added",
        _ADD,
        Effect.WIDENS,
        "the webhook `{name}` was added",
        "Receivers that did not subscribe to it are not called.",
    ),
    row(
        "webhook-removed",
        _REMOVE,
        Effect.NARROWS,
        "the webhook `{name}` was removed",
        "Receivers wait for a call that never comes.",
    ),
    row(
        "api-callback-added",
        _ADD,
        Effect.WIDENS,
        "the callback `{name}` was added",
        "It is called only where the caller asked for it.",
    ),
    row(
        "api-callback-removed",
        _REMOVE,
        Effect.NARROWS,
        "the callback `{name}` was removed",
        "Callers wait for a call that never comes.",
    ),
    row(
        "api-server-removed",
        (Direction.NONE, "servers", "existence", "remove"),
        Effect.NARROWS,
        "the server `{old}` was removed",
        "Callers that use it may find nobody there.",
        level=Level.WARNING,
        differs="oasdiff has no rule for it.",
    ),
    row(
        "api-server-added",
        (Direction.NONE, "servers", "existence", "add"),
        Effect.WIDENS,
        "the server `{new}` was added",
        "The servers known so far answer as before.",
    ),
)
