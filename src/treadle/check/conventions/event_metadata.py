"""Every event carries the metadata that the fabric runs on."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.objects import required, whole
from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract

_WANTED = ("eventId", "occurredAt", "partitionKey", "schemaVersion")


@rule("event-metadata")
def event_metadata(contract: Contract) -> Iterator[Complaint]:
    """The payload of every event requires `eventId`, `occurredAt`, `partitionKey` and `schemaVersion`.

    Why: `eventId` tells a repeat from a new event, `occurredAt` measures lag, `partitionKey` keeps the events of one
    thing in order, `schemaVersion` says which contract a stored event was written under.

    Bad:   payload: {type: object, required: [orderId]}
    Good:  payload: {type: object, required: [eventId, occurredAt, partitionKey, schemaVersion, orderId], …}

    Mend it: add the four to `required` and to `properties`; they are strings, `occurredAt` of format date-time.
    """
    for channel in contract.channels:
        lacking = [each for each in _WANTED if each not in required(whole(channel.payload))]
        if lacking:
            yield (
                contract.at(channel.payload_pointer),
                f"{channel.name} does not require {', '.join(lacking)}",
                f"add {', '.join(lacking)} to `required` and `properties` of the payload",
            )
