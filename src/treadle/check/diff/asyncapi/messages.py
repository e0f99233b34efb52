"""Compares the messages that both versions of a channel carry, by who writes and who reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from treadle.check.diff.asyncapi import pairs
from treadle.check.diff.asyncapi.bindings import binding_changes, schema_fields, shown
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.payloads import Payloads
from treadle.check.diff.asyncapi.view import JSON_SCHEMA, Action, Channel, Message
from treadle.check.diff.change import Change
from treadle.check.schema.edit import Flow
from treadle.contract.library import Node

FLOWS = {
    frozenset({Action.RECEIVE}): Flow.REQUEST,
    frozenset({Action.SEND}): Flow.RESPONSE,
}
"""What the application receives was written by peers that keep to the old version; what it sends is read by them."""

Exchange = tuple[Action | None, Sequence[Message], Sequence[Message]]
"""Messages of both versions that go one way; None where they go both ways."""


def exchanges(old: Channel, new: Channel) -> Iterator[Exchange]:
    """The ways in which messages go in both versions.

    A channel that treadle governs is a log: events of any version lie in it, and producers and subscribers move at
    different times, so its messages go both ways whatever the operations say. So they do where nothing is said.
    """
    acts = [{each.action for each in channel.operations} for channel in (old, new)]
    if old.governed or new.governed or not any(acts):
        yield None, old.messages, new.messages
        return
    for action in Action:
        if all(action in each or not each for each in acts):
            yield action, _of(old, action), _of(new, action)


def _of(channel: Channel, action: Action) -> Sequence[Message]:
    if not channel.operations:
        return channel.messages
    found = [message for each in channel.operations if each.action is action for message in each.messages]
    return tuple({each.node.key: each for each in found}.values())


def message_changes(here: Here, ways: Iterable[Exchange], payloads: Payloads) -> Iterator[Change]:
    """Messages that came or went, and what changed in those that stayed. One that goes several ways is told once."""
    kept: dict[tuple[tuple[str, str], tuple[str, str]], tuple[Message, Message, set[Action]]] = {}
    for action, old, new in ways:
        for before, after in pairs.messages(old, new):
            if before is not None and after is not None:
                entry = kept.setdefault((before.node.key, after.node.key), (before, after, set()))
                entry[2].update(Action if action is None else (action,))
            elif before is not None:
                yield here.at(here.old, here.new, action or "").change("message-removed", before.node, old=before.name)
            elif after is not None:
                rule = "message-added" if action is Action.RECEIVE else "sent-message-added"
                yield here.at(here.old, here.new, action or "").change(rule, None, after.node, new=after.name)
    for before, after, actions in kept.values():
        flow = FLOWS.get(frozenset(actions), Flow.BOTH)
        operation = next(iter(actions)).value if len(actions) == 1 else ""
        yield from _pair(here.at(before.node, after.node, operation), before, after, flow, payloads)


def _pair(here: Here, old: Message, new: Message, flow: Flow, payloads: Payloads) -> Iterator[Change]:
    message = new.name or old.name
    named = f"`{message}`" if message else "the message"
    if old.content_type != new.content_type:
        yield here.member("channel-content-type-changed", "contentType", old=old.content_type, new=new.content_type)
    if old.format != new.format:
        yield here.change(
            "message-schema-format-changed", old.payload, new.payload, message=message, old=old.format, new=new.format
        )
    elif new.format == JSON_SCHEMA:
        yield from payloads.changes(here, flow, f"the payload of {named}", old.payload, new.payload)
    elif (old.payload and old.payload.value) != (new.payload and new.payload.value):
        yield here.change("message-schema-changed", old.payload, new.payload, message=message, name=new.format)
    yield from payloads.changes(here, flow, f"the headers of {named}", old.headers, new.headers)
    yield from _correlation(here, old.correlation, new.correlation, message)
    yield from binding_changes(here, "message", old.bindings, new.bindings)
    for name, before, after in schema_fields("message", old.bindings, new.bindings):
        yield from payloads.changes(here, flow, f"the {name} of {named}", before, after)


def _correlation(here: Here, old: Node, new: Node, message: str) -> Iterator[Change]:
    before, after = old.child("location"), new.child("location")
    words = {"message": message, "old": shown(before.value), "new": shown(after.value)}
    if before.value == after.value:
        return
    if before.value is None:
        yield here.change("message-correlation-id-added", old, after, **words)
    elif after.value is None:
        yield here.change("message-correlation-id-removed", before, new, **words)
    else:
        yield here.change("message-correlation-id-changed", before, after, **words)
