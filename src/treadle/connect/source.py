"""What a connector yields, and what it is answered.

A connector never talks to a bus: it hands an `Outgoing` to a `Publish` and learns from the `Receipt` how it ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from treadle.base.ids import TraceContext
from treadle.contract.model import Json


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a system at one version.

    `entity`, `id` and `version` together name it for ever: the same triple is the same change, however often it is
    read. `observed_at` is when treadle saw it (UTC).
    """

    entity: str
    id: str
    version: str
    record: Json
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event, ready to be published.

    `event` is the body with its metadata (eventId, occurredAt, partitionKey, schemaVersion); `key` is the partition
    key in plain text; `trace` is the hop that caused the event; `connector` is the client that publishes it.
    """

    channel: str
    key: str
    event: dict[str, Json]
    event_id: str
    trace: TraceContext
    connector: str


@dataclass(frozen=True, slots=True)
class Published:
    """The bus has stored the event. `duplicate`: it had stored it before."""

    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The bus looked at the event and refused it; a copy is among the dead letters. `code` is of the closed set."""

    code: str
    detail: str


Receipt = Published | Refused

Publish = Callable[[Outgoing], Awaitable[Receipt]]
"""Publishes one event. Raises `EngineError`, `OSError` or `TimeoutError` where nothing answered: it is tried again."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that no event could be made of.

    `record` is the raw bytes, `detail` says what went wrong without quoting a value of them. `entity`, `id` and
    `version` are empty where they could not be told. `identity` is the same whenever the same record is kept again.
    """

    connector: str
    channel: str
    entity: str
    id: str
    version: str
    record: bytes
    detail: str
    identity: str
    observed_at: datetime
    trace: TraceContext


Quarantine = Callable[[Quarantined], Awaitable[None]]
"""Keeps a record for a person to look at; it is kept when this returns. Raises as `Publish` does."""

SchemaVersionOf = Callable[[str], str | None]
"""The contract version in force for a channel, or None while there is none."""
