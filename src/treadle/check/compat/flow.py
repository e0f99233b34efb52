"""Which way values flow, and the ids of what can happen to them on that way."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Flow:
    """A request is written by callers under the old contract and read under the new one; a response is written under
    the new and read under the old; an event is both, because producers and subscribers move at different times.

    An empty id: nobody is concerned. `whole` names the value itself.
    """

    written: bool
    read: bool
    body_type: str
    type: str
    added_required: str = ""
    added_optional: str = ""
    removed_required: str = ""
    removed_optional: str = ""
    became_required: str = ""
    became_optional: str = ""
    enum_removed: str = ""
    enum_added: str = ""
    narrowed: str = ""
    widened: str = ""
    pattern: str = ""
    undecided: str = ""
    whole: str = "the body"


PARAMETER = Flow(
    written=True,
    read=False,
    body_type="request-parameter-type-changed",
    type="request-parameter-type-changed",
    added_required="request-parameter-narrowed",
    became_required="request-parameter-narrowed",
    enum_removed="request-parameter-enum-value-removed",
    narrowed="request-parameter-narrowed",
    pattern="request-parameter-pattern-changed",
    undecided="request-parameter-undecided",
)
REQUEST = Flow(
    written=True,
    read=False,
    body_type="request-body-type-changed",
    type="request-property-type-changed",
    added_required="new-required-request-property",
    added_optional="new-optional-request-property",
    removed_required="request-property-removed",
    removed_optional="request-property-removed",
    became_required="request-property-became-required",
    became_optional="request-property-became-optional",
    enum_removed="request-property-enum-value-removed",
    narrowed="request-property-narrowed",
    pattern="request-property-pattern-changed",
    undecided="request-property-undecided",
)
RESPONSE = Flow(
    written=False,
    read=True,
    body_type="response-body-type-changed",
    type="response-property-type-changed",
    added_required="response-required-property-added",
    added_optional="response-optional-property-added",
    removed_required="response-required-property-removed",
    removed_optional="response-optional-property-removed",
    became_required="response-property-became-required",
    became_optional="response-property-became-optional",
    enum_added="response-property-enum-value-added",
    widened="response-property-widened",
)
RESPONSE_HEADER = Flow(
    written=False,
    read=True,
    body_type="response-header-type-changed",
    type="response-header-type-changed",
    removed_required="response-header-widened",
    removed_optional="response-header-widened",
    became_optional="response-header-widened",
    widened="response-header-widened",
)
EVENT = Flow(
    written=True,
    read=True,
    body_type="event-body-type-changed",
    type="event-property-type-changed",
    added_required="new-required-event-property",
    added_optional="new-optional-event-property",
    removed_required="event-property-removed",
    removed_optional="event-property-removed",
    became_required="event-property-became-required",
    became_optional="event-property-became-optional",
    enum_removed="event-property-enum-value-removed",
    enum_added="event-property-enum-value-added",
    narrowed="event-property-narrowed",
    widened="event-property-widened",
    pattern="event-property-pattern-changed",
    undecided="event-property-undecided",
)
EVENT_HEADERS = replace(EVENT, body_type=EVENT.type, whole="all")
