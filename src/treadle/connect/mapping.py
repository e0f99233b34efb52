"""A record becomes events: which change it is, and what each event says. Pure.

The event id is a UUIDv5 of (connector, entity, id, version) within the channel, so that a change read twice, or sent
twice after a crash, is the same event to everyone downstream. Source: RFC 9562, section 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID, uuid5

import orjson

from treadle.base.canon import canonical, digest
from treadle.base.errors import EngineError
from treadle.base.ids import TraceContext
from treadle.connect.expression import Expression, UnmappableError, rfc3339
from treadle.connect.settings import ConnectorSettings, Emit
from treadle.connect.source import Change, Outgoing, Quarantined, SchemaVersionOf
from treadle.contract.model import Json

NAMESPACE = UUID("6f1c1d1e-8a57-5c0b-9d0e-3a1f5b7c2e94")
"""Never changes: event ids depend on it."""
NAME_BYTES_MAX = 256
"""An id, a version or a key in UTF-8; the bus takes no longer key."""
EVENT_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event that a record asks for, before it is mapped. `identity` is the event id."""

    emit: Emit
    change: Change
    identity: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """What one connector makes of its records."""

    settings: ConnectorSettings

    def occurrences(
        self, record: Json, *, observed_at: datetime, trace: TraceContext
    ) -> Iterator[Occurrence | Quarantined]:
        """Every event that the record asks for; a part of the settings that cannot judge it quarantines it."""
        for emit in self.settings.emits:
            try:
                if emit.when is not None and not emit.when.holds(record):
                    continue
                change = Change(
                    entity=emit.entity,
                    id=_name("id", emit.id, record),
                    version=_name("version", emit.version, record),
                    record=record,
                    observed_at=observed_at,
                )
            except UnmappableError as error:
                yield self._unidentified(emit, record, error, observed_at, trace)
            else:
                yield Occurrence(emit, change, event_id(self.settings.name, emit.event, change))

    def outgoing(
        self, occurrence: Occurrence, *, trace: TraceContext, schema_version_of: SchemaVersionOf
    ) -> Outgoing | Quarantined:
        """The event of an occurrence.

        Raises EngineError `no-contract-in-force` while the channel has none: what to publish is not known yet.
        """
        emit, change = occurrence.emit, occurrence.change
        version = schema_version_of(emit.event)
        if version is None:
            raise EngineError(
                "no-contract-in-force",
                f"the connector '{self.settings.name}' has an event for {emit.event}, and no contract for it is live",
                f"apply the contract that describes {emit.event}",
            )
        try:
            key = _name("key", emit.key, change.record)
            values = {name: _value(name, each, change.record) for name, each in emit.map.items()}
            event = {
                "eventId": occurrence.identity,
                "occurredAt": rfc3339(change.observed_at),
                "partitionKey": key,
                "schemaVersion": version,
                **{name: value for name, value in values.items() if value is not None},
            }
            if len(orjson.dumps(event)) > EVENT_BYTES_MAX:
                raise UnmappableError(f"the event is larger than {EVENT_BYTES_MAX} bytes")
        except UnmappableError as error:
            return self._quarantined(occurrence, error.message, trace)
        except orjson.JSONEncodeError:
            return self._quarantined(occurrence, "the event is no JSON value", trace)
        return Outgoing(emit.event, key, event, occurrence.identity, trace, self.settings.name)

    def unreadable(self, record: bytes, detail: str, *, observed_at: datetime, trace: TraceContext) -> Quarantined:
        """A record that is not even JSON, or has no place in its source's order.

        Nobody can say which event it would have been; it is filed under the connector's first channel.
        """
        return Quarantined(
            connector=self.settings.name,
            channel=self.settings.emits[0].event,
            entity="",
            id="",
            version="",
            record=record,
            detail=detail,
            identity=str(uuid5(NAMESPACE, f"{self.settings.name}/{digest(record)}")),
            observed_at=observed_at,
            trace=trace,
        )

    def _unidentified(
        self, emit: Emit, record: Json, error: UnmappableError, observed_at: datetime, trace: TraceContext
    ) -> Quarantined:
        raw = canonical(record)
        return Quarantined(
            connector=self.settings.name,
            channel=emit.event,
            entity=emit.entity,
            id="",
            version="",
            record=raw,
            detail=error.message,
            identity=str(uuid5(_namespace(emit.event), f"{self.settings.name}/{digest(raw)}")),
            observed_at=observed_at,
            trace=trace,
        )

    def _quarantined(self, occurrence: Occurrence, detail: str, trace: TraceContext) -> Quarantined:
        change = occurrence.change
        return Quarantined(
            connector=self.settings.name,
            channel=occurrence.emit.event,
            entity=change.entity,
            id=change.id,
            version=change.version,
            record=canonical(change.record),
            detail=detail,
            identity=occurrence.identity,
            observed_at=change.observed_at,
            trace=trace,
        )


def event_id(connector: str, channel: str, change: Change) -> str:
    """The id of the event that a change causes on a channel. The parts are escaped: `a/b`,`c` is not `a`,`b/c`."""
    parts = (connector, change.entity, change.id, change.version)
    return str(uuid5(_namespace(channel), "/".join(quote(part, safe="") for part in parts)))


def _namespace(channel: str) -> UUID:
    return uuid5(NAMESPACE, channel)


def _name(what: str, expression: Expression, record: Json) -> str:
    """An id, version or key as text: a non-empty string or a number."""
    value = expression.evaluate(record)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise UnmappableError(f"{what} '{expression.text}' gives neither text nor a number")
    text = value if isinstance(value, str) else repr(value)
    if len(text.encode()) > NAME_BYTES_MAX:
        raise UnmappableError(f"{what} '{expression.text}' has more than {NAME_BYTES_MAX} bytes")
    return text


def _value(name: str, expression: Expression, record: Json) -> Json:
    try:
        return expression.evaluate(record)
    except UnmappableError as error:
        raise UnmappableError(f"map.{name}: {error.message}") from error
