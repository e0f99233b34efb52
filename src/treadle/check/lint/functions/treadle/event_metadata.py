"""`eventMetadata`: every event carries what the fabric runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.events import address, payloads
from treadle.check.lint.shape import required
from treadle.contract.place import Json

_WANTED = ("eventId", "occurredAt", "partitionKey", "schemaVersion")


def make(options: Mapping[str, Json]) -> Check:
    """Value: a channel. Option `properties`: what every payload requires."""
    wanted = options.get("properties", list(_WANTED))
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise BadOptions("`properties` must be a list of names")

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        named = address(context)
        for at, payload in payloads(context):
            lacking = [each for each in wanted if each not in required(payload, context.subject)]
            if lacking:
                said = named[0] if named else context.path[-1]
                yield Complaint(f"{said} does not require {', '.join(lacking)}", at)

    return check
