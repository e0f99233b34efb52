"""Compares what the application does on a channel."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.asyncapi import pairs
from treadle.check.diff.asyncapi.bindings import binding_changes, schema_fields
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.messages import message_changes
from treadle.check.diff.asyncapi.payloads import Payloads
from treadle.check.diff.asyncapi.security import security_changes
from treadle.check.diff.asyncapi.view import Action, Channel, Operation
from treadle.check.diff.change import Change
from treadle.check.schema.edit import Flow

_OTHER = {Action.SEND: Action.RECEIVE, Action.RECEIVE: Action.SEND}


def operation_changes(here: Here, old: Channel, new: Channel, payloads: Payloads) -> Iterator[Change]:
    """Operations that came or went, and what changed in those that stayed; their messages are the channel's.

    A version that names no operation at all says nothing of them, so none came or went.
    """
    if not old.operations or not new.operations:
        return
    for before, after in pairs.operations(old.operations, new.operations):
        if before is not None and after is None:
            inside = here.at(before.node, here.new, before.action)
            gone = before.action not in {each.action for each in new.operations}
            yield inside.change("channel-operation-removed" if gone else "channel-operation-merged", old=before.id)
        elif before is None and after is not None:
            yield here.at(here.old, after.node, after.action).change("channel-operation-added", new=after.id)
        elif before is not None and after is not None:
            yield from _pair(here.at(before.node, after.node, after.action), before, after, payloads)


def _pair(here: Here, old: Operation, new: Operation, payloads: Payloads) -> Iterator[Change]:
    if old.id and new.id and old.id != new.id:
        yield here.change("channel-operation-id-changed", old=old.id, new=new.id)
    if old.security is not None or new.security is not None:
        yield from security_changes(here, old.security or (), new.security or (), "the operation")
    yield from binding_changes(here, "operation", old.bindings, new.bindings)
    flow = Flow.REQUEST if new.action is Action.RECEIVE else Flow.RESPONSE
    for name, before, after in schema_fields("operation", old.bindings, new.bindings):
        yield from payloads.changes(here, flow, f"the {name}", before, after)
    if old.replies and not new.replies:
        yield here.member("operation-reply-removed", "reply")
    elif new.replies and not old.replies:
        yield here.member("operation-reply-added", "reply")
    else:
        yield from message_changes(here, [(_OTHER[new.action], old.replies, new.replies)], payloads)
