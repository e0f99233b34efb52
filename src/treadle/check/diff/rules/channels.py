"""Rows about event channels: addresses, operations, messages, bindings, servers, and how treadle keeps their events."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_N = Direction.NONE
_CHANNEL_ADD = (_N, "channels", "existence", "add")
_CHANNEL_REMOVE = (_N, "channels", "existence", "remove")
_SETTING = (_N, "channels", "settings", "change")
_SHORTER = (_N, "channels", "settings", "decrease")
_OPERATION = (_N, "operations", "existence", "change")
_MESSAGE = (_N, "messages", "existence", "change")
_FORM = (_N, "messages", "type", "change")
_PARAMETER = (_N, "parameters", "values", "change")
_BINDING = (_N, "bindings", "type", "change")
_SERVER = (_N, "servers", "existence", "change")
_SECURITY = (_N, "security", "existence", "change")
_OPENED = "Nobody breaks, but what was protected is open to more peers. Say so on purpose."

CHANNELS: tuple[Rule, ...] = (
    row("channel-removed", _CHANNEL_REMOVE, Effect.NARROWS, "the channel was removed without having been deprecated",
        "Producers are refused, subscribers hear nothing, and nobody told them."),
    row("channel-removed-before-sunset", _CHANNEL_REMOVE, Effect.NARROWS,
        "the channel was removed before its sunset date {old}",
        "Its users were promised that it works until that day."),
    row("channel-removed-with-deprecation", _CHANNEL_REMOVE, Effect.NONE,
        "the channel, which was deprecated, was removed",
        "It was announced. See in the facts that nobody uses it any more.", level=Level.WARNING, bump=Bump.MINOR),
    row("channel-deprecated", (_N, "channels", "lifecycle", "change"), Effect.NONE, "the channel was deprecated",
        "Its users are told in time. Semantic versioning asks for a minor version (https://semver.org, rule 7).",
        bump=Bump.MINOR),
    row("channel-added", _CHANNEL_ADD, Effect.NONE, "the channel was added",
        "Nobody notices who does not use it. Each channel is a subject of its own, so no earlier version of it breaks.",
        bump=Bump.MINOR),
    # How treadle keeps the events of a channel
    row("channel-partitions-changed", _SETTING, Effect.CHANGES, "the channel has {new} partitions, not {old}",
        "Keys move to other partitions, so the order of the events of one key is lost."),
    row("channel-partition-key-changed", _SETTING, Effect.CHANGES, "the channel is ordered by `{new}`, not by `{old}`",
        "The order of the events of one thing is lost."),
    row("channel-compaction-changed", _SETTING, Effect.CHANGES, "compaction is {new}, and was {old}",
        "With compaction, subscribers no longer see every event; without, the last state may be gone."),
    row("channel-retention-shortened", _SHORTER, Effect.NONE, "events are kept for {new} days, not {old}",
        "A subscriber that was away longer misses events.", level=Level.WARNING, bump=Bump.MINOR),
    row("channel-replay-shortened", _SHORTER, Effect.NONE, "events can be replayed for {new} days, not {old}",
        "A subscriber that starts anew sees less of the past.", level=Level.WARNING, bump=Bump.MINOR),
    row("channel-dlq-shortened", _SHORTER, Effect.NONE, "dead letters are kept for {new} days, not {old}",
        "There is less time to mend and send them again.", level=Level.WARNING, bump=Bump.MINOR),
    row("channel-setting-changed", _SETTING, Effect.NONE, "`{name}` is {new}, and was {old}",
        "Nobody who keeps to the old contract loses anything.", bump=Bump.MINOR),
    # Parameters of the address
    row("channel-parameter-renamed", _PARAMETER, Effect.NONE, "the parameter `{old}` of the address is now `{new}`",
        "The name is not on the wire; generated code names its arguments by it.", bump=Bump.MINOR),
    row("channel-parameter-value-removed", _PARAMETER, Effect.NARROWS,
        "the parameter `{name}` of the address may no longer be {old}", "Peers that use the value find nobody there."),
    row("channel-parameter-value-added", _PARAMETER, Effect.NONE,
        "the parameter `{name}` of the address may also be {new}", "The addresses known so far work as before.",
        bump=Bump.MINOR),
    row("channel-parameter-became-enum", _PARAMETER, Effect.NARROWS,
        "the parameter `{name}` of the address takes listed values only", "Peers use values that are not listed."),
    row("channel-parameter-location-changed", _PARAMETER, None,
        "the parameter `{name}` of the address is taken from {new}, not from {old}",
        "Peers that work the address out from a message look in the old place."),
    # Operations
    row("channel-operation-removed", _OPERATION, Effect.NARROWS, "the application no longer does this (`{old}`)",
        "What was sent is no longer there to read, or what was received is no longer taken."),
    row("channel-operation-merged", _OPERATION, Effect.NONE,
        "the operation `{old}` was removed; another one still does the same", "Nothing on the wire changes.",
        bump=Bump.MINOR),
    row("channel-operation-added", _OPERATION, Effect.NONE, "the application also does this (`{new}`)",
        "Nobody who keeps to the old contract notices.", bump=Bump.MINOR),
    row("channel-operation-id-changed", _OPERATION, Effect.NONE, "the operation `{old}` is now named `{new}`",
        "It is not on the wire, but generated code names its functions by it.", bump=Bump.MINOR),
    row("operation-reply-removed", _OPERATION, Effect.NARROWS, "the reply was removed",
        "Requesters wait for an answer that never comes."),
    row("operation-reply-added", _OPERATION, Effect.NONE, "a reply was added",
        "Requesters ignore what they do not know.",
        bump=Bump.MINOR),
    # Messages
    row("message-removed", _MESSAGE, Effect.NARROWS, "the message `{old}` was removed",
        "Who sends it is refused, who waits for it waits in vain."),
    row("message-added", _MESSAGE, Effect.WIDENS, "the message `{new}` is also taken",
        "Messages sent so far are taken as before."),
    row("sent-message-added", _MESSAGE, Effect.NONE, "the message `{new}` may also come",
        "A subscriber that does not look at the kind of a message takes it for another one. Announce it.",
        level=Level.WARNING, bump=Bump.MINOR),
    row("channel-content-type-changed", _FORM, Effect.CHANGES, "messages are {new}, not {old}",
        "Producers write and subscribers read the old one."),
    row("message-schema-format-changed", _FORM, Effect.CHANGES,
        "the payload of `{message}` is described by {new}, not by {old}",
        "What is described by another language is written in another form."),
    row("message-schema-changed", _FORM, None, "the schema of `{message}` changed; it is written in {name}",
        "Schemas in that language are not looked into. Compare them with its own tools."),
    row("message-correlation-id-removed", _FORM, Effect.WIDENS, "`{message}` has no correlation id any more",
        "Peers find by it which message belongs to which.", level=Level.ERROR),
    row("message-correlation-id-changed", _FORM, Effect.CHANGES,
        "the correlation id of `{message}` stands at {new}, not at {old}", "Peers look for it in the old place."),
    row("message-correlation-id-added", _FORM, Effect.NONE, "`{message}` was given a correlation id at {new}",
        "Peers that do not know it do not read it.", bump=Bump.MINOR),
    # Bindings
    row("binding-changed", _BINDING, Effect.CHANGES, "the {what} binding `{name}` is {new}, and was {old}",
        "Peers must know it to speak with the application over this protocol."),
    row("binding-tuned", _BINDING, Effect.NONE, "the {what} binding `{name}` is {new}, and was {old}",
        "It is a setting of the broker or of one side; the other does not see it.", bump=Bump.MINOR),
    # Servers, and who may speak
    row("server-removed", _SERVER, Effect.NARROWS, "the server {old} was removed",
        "Peers that use it may find nobody there.", level=Level.WARNING),
    row("server-added", _SERVER, Effect.NONE, "the server {new} was added",
        "The servers known so far answer as before.", bump=Bump.MINOR),
    row("server-url-changed", _SERVER, Effect.NARROWS, "the server `{name}` is at {new}, not at {old}",
        "Peers may find nobody at the old place.", level=Level.WARNING),
    row("server-protocol-changed", _SERVER, Effect.CHANGES, "the server `{name}` speaks {new}, not {old}",
        "Peers speak the old protocol."),
    row("event-security-added", _SECURITY, Effect.NARROWS, "{what} now requires credentials: {new}",
        "Peers without them are refused."),
    row("event-security-removed", _SECURITY, Effect.WIDENS, "{what} no longer requires credentials", _OPENED,
        level=Level.WARNING),
    row("event-security-alternative-removed", _SECURITY, Effect.NARROWS,
        "{what} no longer takes the credentials `{old}`",
        "Peers with those credentials are refused."),
    row("event-security-alternative-added", _SECURITY, Effect.WIDENS, "{what} also takes the credentials `{new}`",
        "Peers with the old credentials are let in as before."),
    row("event-security-scope-added", _SECURITY, Effect.NARROWS, "{what} now requires the scope `{new}` of `{name}`",
        "Peers whose credentials lack it are refused."),
    row("event-security-scope-removed", _SECURITY, Effect.WIDENS,
        "{what} no longer requires the scope `{old}` of `{name}`", _OPENED, level=Level.WARNING),
)  # fmt: skip
