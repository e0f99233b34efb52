"""THE table of changes: what each means for those who use a contract, and which version it asks for.

Ids are oasdiff's where it has one (https://github.com/oasdiff/oasdiff, `checker/rules.go`), so that waivers and habits
carry over. Levels are our own: a change that can break somebody who keeps to the old contract is a block. Where we
differ from oasdiff, the row says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.contract.version import Bump


class Level(StrEnum):
    """What a change does to a release. `note` says nothing: the change only asks for its bump."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row. `message` is formatted with the words that the detector gives; `why` is for `treadle explain`."""

    id: str
    level: Level
    bump: Bump
    message: str
    why: str


_B, _W, _N = Level.BLOCK, Level.WARN, Level.NOTE
_MAJOR, _MINOR, _PATCH = Bump.MAJOR, Bump.MINOR, Bump.PATCH

VERDICTS: tuple[Verdict, ...] = (
    # Operations
    Verdict("api-path-removed-without-deprecation", _B, _MAJOR, "{what} was removed with its whole path",
            "Callers of the path get 404. A path that is deprecated first may go: its callers were told."),
    Verdict("api-removed-without-deprecation", _B, _MAJOR, "{what} was removed",
            "Callers of the operation get 405. An operation that is deprecated first may go: its callers were told."),
    Verdict("api-removed-with-deprecation", _W, _MINOR, "{what}, which was deprecated, was removed",
            "It was announced. See in the facts that nobody calls it any more."),
    Verdict("endpoint-added", _N, _MINOR, "{what} was added", "Nobody who keeps to the old contract notices."),
    Verdict("api-operation-id-removed", _W, _MINOR, "{what} changed its operationId from `{old}` to `{new}`",
            "Generated clients and facts name operations by it."),
    # Security (oasdiff calls all of these informational; a caller with the old scopes is refused, so we do not)
    Verdict("api-security-added", _B, _MAJOR, "{what} now requires a token", "Callers without one get 401."),
    Verdict("api-security-removed", _W, _MINOR, "{what} no longer requires a token",
            "Nobody breaks, but what was protected is public now. Say so on purpose."),
    Verdict("api-security-scope-added", _B, _MAJOR, "{what} now requires the scope `{name}`",
            "Callers whose tokens lack the scope get 403."),
    Verdict("api-security-scope-removed", _W, _MINOR, "{what} no longer requires the scope `{name}`",
            "Nobody breaks, but more callers may call it. Say so on purpose."),
    # Parameters
    Verdict("new-required-request-parameter", _B, _MAJOR, "{what} has a new required {where} parameter `{name}`",
            "Calls without it are refused."),
    Verdict("new-optional-request-parameter", _N, _MINOR, "{what} has a new optional {where} parameter `{name}`",
            "Calls without it work as before."),
    Verdict("request-parameter-became-required", _B, _MAJOR, "{where} parameter `{name}` of {what} became required",
            "Calls without it are refused."),
    Verdict("request-parameter-became-optional", _N, _MINOR, "{where} parameter `{name}` of {what} became optional",
            "Calls with it work as before."),
    Verdict("request-parameter-removed", _W, _MINOR, "{where} parameter `{name}` of {what} was removed",
            "Calls that send it are no longer understood as they were meant."),
    Verdict("request-parameter-type-changed", _B, _MAJOR,
            "{where} parameter `{name}` of {what} changed its type from {old} to {new}",
            "Values sent so far are refused."),
    Verdict("request-parameter-enum-value-removed", _B, _MAJOR,
            "{where} parameter `{name}` of {what} no longer takes {old}", "Calls with that value are refused."),
    Verdict("request-parameter-narrowed", _B, _MAJOR,
            "{where} parameter `{name}` of {what} takes less than before{witness}",
            "A value that the old contract allows is refused."),
    Verdict("request-parameter-pattern-changed", _W, _MINOR, "{where} parameter `{name}` of {what} changed its pattern",
            "Whether the new pattern takes everything that the old one took could not be decided. Look at both."),
    Verdict("request-parameter-undecided", _W, _MINOR,
            "{where} parameter `{name}` of {what} has alternatives of oneOf that may overlap",
            "A value that fits two alternatives of `oneOf` is refused, and whether there is one could not be decided. "
            "Look at them; a property of its own constant in each tells them apart."),
    Verdict("request-parameter-renamed", _W, _MINOR, "{where} parameter `{old}` of {what} is now named `{name}`",
            "The name of a path parameter is not on the wire, so calls work as before; generated clients name it."),
    # What a client sends
    Verdict("request-body-added-required", _B, _MAJOR, "{what} now requires a body", "Calls without one are refused."),
    Verdict("request-body-became-required", _B, _MAJOR, "the body of {what} became required",
            "Calls without one are refused."),
    Verdict("request-body-removed", _W, _MINOR, "{what} no longer takes a body",
            "What callers send is no longer read."),
    Verdict("request-body-media-type-removed", _B, _MAJOR, "{what} no longer takes {name}",
            "Bodies of that media type are refused."),
    Verdict("request-body-media-type-added", _N, _MINOR, "{what} also takes {name}",
            "Bodies sent so far are taken as before."),
    Verdict("request-body-type-changed", _B, _MAJOR, "the body of {what} changed its type from {old} to {new}",
            "Bodies sent so far are refused."),
    Verdict("new-required-request-property", _B, _MAJOR, "{what} has a new required property `{name}` in its body",
            "Bodies without it are refused."),
    Verdict("new-optional-request-property", _N, _MINOR, "{what} has a new optional property `{name}` in its body",
            "Bodies without it are taken as before."),
    Verdict("request-property-became-required", _B, _MAJOR, "`{name}` in the body of {what} became required",
            "Bodies without it are refused."),
    Verdict("request-property-became-optional", _N, _MINOR, "`{name}` in the body of {what} became optional",
            "Bodies with it are taken as before."),
    Verdict("request-property-removed", _W, _MINOR, "`{name}` was removed from the body of {what}",
            "What callers send in it is no longer read."),
    Verdict("request-property-type-changed", _B, _MAJOR,
            "`{name}` in the body of {what} changed its type from {old} to {new}", "Bodies sent so far are refused."),
    Verdict("request-property-enum-value-removed", _B, _MAJOR, "`{name}` in the body of {what} no longer takes {old}",
            "Bodies with that value are refused."),
    Verdict("request-property-narrowed", _B, _MAJOR, "`{name}` in the body of {what} takes less than before{witness}",
            "A body that the old contract allows is refused."),
    Verdict("request-property-pattern-changed", _W, _MINOR, "`{name}` in the body of {what} changed its pattern",
            "Whether the new pattern takes everything that the old one took could not be decided. Look at both."),
    Verdict("request-property-undecided", _W, _MINOR,
            "`{name}` in the body of {what} has alternatives of oneOf that may overlap",
            "A value that fits two alternatives of `oneOf` is refused, and whether there is one could not be decided. "
            "Look at them; a property of its own constant in each tells them apart."),
    # What a client receives
    Verdict("response-success-status-removed", _B, _MAJOR, "{what} no longer answers {name}",
            "Callers wait for an answer that never comes."),
    Verdict("response-success-status-added", _N, _MINOR, "{what} may also answer {name}",
            "Callers must take any status of a class as that class (RFC 9110 section 15)."),
    Verdict("response-body-removed", _B, _MAJOR, "{what} no longer sends a body", "Callers read one."),
    Verdict("response-media-type-removed", _B, _MAJOR, "{what} no longer comes as {name}",
            "Callers read that media type."),
    Verdict("response-media-type-added", _N, _MINOR, "{what} also comes as {name}", "Callers ask for what they read."),
    Verdict("required-response-header-removed", _B, _MAJOR, "the header `{name}` was removed from {what}",
            "Callers rely on it."),
    Verdict("optional-response-header-removed", _W, _MINOR, "the optional header `{name}` was removed from {what}",
            "Some caller may read it."),
    Verdict("response-header-added", _N, _MINOR, "{what} has a new header `{name}`",
            "Callers ignore what they do not know."),
    Verdict("response-header-became-optional", _B, _MAJOR, "the header `{name}` of {what} became optional",
            "Callers rely on its being there."),
    Verdict("response-header-type-changed", _B, _MAJOR,
            "the header `{name}` of {what} changed its type from {old} to {new}", "Callers read the old type."),
    Verdict("response-header-widened", _W, _MINOR, "the header `{name}` of {what} may be more than before{witness}",
            "A strict caller does not expect the value."),
    Verdict("response-body-type-changed", _B, _MAJOR, "{what} changed the type of its body from {old} to {new}",
            "Callers read the old type."),
    Verdict("response-required-property-removed", _B, _MAJOR, "`{name}` was removed from {what}",
            "Callers rely on it."),
    Verdict("response-optional-property-removed", _B, _MAJOR, "the optional `{name}` was removed from {what}",
            "oasdiff warns only; we block, because some caller reads it until their contracts prove that none does."),
    Verdict("response-property-became-optional", _B, _MAJOR, "`{name}` of {what} became optional",
            "Callers rely on its being there."),
    Verdict("response-property-became-required", _N, _MINOR, "`{name}` of {what} became required", "A promise more."),
    Verdict("response-required-property-added", _N, _MINOR, "{what} has a new property `{name}`",
            "Callers ignore what they do not know."),
    Verdict("response-optional-property-added", _N, _MINOR, "{what} has a new optional property `{name}`",
            "Callers ignore what they do not know."),
    Verdict("response-property-type-changed", _B, _MAJOR, "`{name}` of {what} changed its type from {old} to {new}",
            "Callers read the old type."),
    Verdict("response-property-enum-value-added", _W, _MINOR, "`{name}` of {what} may also be {new}",
            "A strict caller does not know the value. Announce it."),
    Verdict("response-property-widened", _W, _MINOR, "`{name}` of {what} may be more than before{witness}",
            "A strict caller does not expect the value."),
    # Events: written by producers that are checked against the contract, read by subscribers
    Verdict("channel-removed", _B, _MAJOR, "channel {what} was removed",
            "Producers are refused, subscribers hear nothing."),
    Verdict("channel-added", _N, _MINOR, "channel {what} was added", "Nobody notices who does not subscribe."),
    Verdict("channel-partitions-changed", _B, _MAJOR, "{what} changed from {old} partitions to {new}",
            "Keys move to other partitions, so the order of the events of one key is lost."),
    Verdict("channel-partition-key-changed", _B, _MAJOR, "{what} is ordered by `{new}`, no longer by `{old}`",
            "The order of the events of one thing is lost."),
    Verdict("channel-retention-shortened", _W, _MINOR, "{what} keeps events for {new} days, no longer {old}",
            "A subscriber that was away longer misses events."),
    Verdict("channel-compaction-changed", _B, _MAJOR, "{what} changed compaction from {old} to {new}",
            "With compaction, subscribers no longer see every event; without, the last state may be gone."),
    Verdict("channel-content-type-changed", _B, _MAJOR, "events of {what} are {new}, no longer {old}",
            "Producers write and subscribers read the old one."),
    Verdict("event-body-type-changed", _B, _MAJOR, "the payload of {what} changed its type from {old} to {new}",
            "Producers are refused, subscribers read the old type."),
    Verdict("new-required-event-property", _B, _MAJOR, "{what} has a new required property `{name}`",
            "Producers that do not send it yet are refused. Add it as optional."),
    Verdict("new-optional-event-property", _N, _MINOR, "{what} has a new optional property `{name}`",
            "Subscribers ignore what they do not know."),
    Verdict("event-property-removed", _B, _MAJOR, "`{name}` was removed from {what}", "Subscribers read it."),
    Verdict("event-property-became-optional", _B, _MAJOR, "`{name}` of {what} became optional",
            "Subscribers rely on its being there."),
    Verdict("event-property-became-required", _B, _MAJOR, "`{name}` of {what} became required",
            "Producers that do not send it are refused."),
    Verdict("event-property-type-changed", _B, _MAJOR, "`{name}` of {what} changed its type from {old} to {new}",
            "Producers are refused, or subscribers read a type that they do not know."),
    Verdict("event-property-enum-value-removed", _B, _MAJOR, "`{name}` of {what} may no longer be {old}",
            "Producers that send the value are refused."),
    Verdict("event-property-enum-value-added", _W, _MINOR, "`{name}` of {what} may also be {new}",
            "A strict subscriber does not know the value. Announce it."),
    Verdict("event-property-narrowed", _B, _MAJOR, "`{name}` of {what} takes less than before{witness}",
            "A producer that keeps to the old contract is refused."),
    Verdict("event-property-widened", _W, _MINOR, "`{name}` of {what} may be more than before{witness}",
            "A strict subscriber does not expect the value."),
    Verdict("event-property-pattern-changed", _W, _MINOR, "`{name}` of {what} changed its pattern",
            "Whether the new pattern takes everything that the old one took could not be decided. Look at both."),
    Verdict("event-property-undecided", _W, _MINOR, "`{name}` of {what} has alternatives of oneOf that may overlap",
            "A value that fits two alternatives of `oneOf` is refused, and whether there is one could not be decided. "
            "Look at them; a property of its own constant in each tells them apart."),
    # The version itself
    Verdict("version-too-low", _B, Bump.NONE, "{old} -> {new} declares {declared}; the changes ask for {required}",
            "A version is a promise: major breaks, minor adds, patch mends."),
    Verdict("version-not-raised", _B, _PATCH, "the contract changed and is still version {old}",
            "Two contracts of one version cannot be told apart in facts, caches and registries."),
    Verdict("version-went-back", _B, Bump.NONE, "version {old} went back to {new}",
            "Versions only grow. To return to an old state, release it under a new version."),
)  # fmt: skip

BY_ID = {verdict.id: verdict for verdict in VERDICTS}
