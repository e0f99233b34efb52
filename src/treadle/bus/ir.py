"""What the bus must hold and enforce, in the bus's words and no broker's syntax."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.model import Enforcement, Json


@dataclass(frozen=True, slots=True)
class Topic:
    """One channel as the bus runs it. `stamp` is the contract in force; `schema` the payload's JSON Schema."""

    channel: str
    domain: str
    contract: str
    stamp: str
    version: str
    partitions: int
    partition_key: str
    retention_days: int
    compaction: bool
    enforcement: Enforcement
    subject_pointer: str | None
    schema: Json
    dlq_days: int = 30


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer group on one channel."""

    id: str
    channel: str
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Producer:
    """Who may publish: a client and the domains whose channels it may write."""

    client: str
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bus:
    """Everything one bus must hold."""

    topics: tuple[Topic, ...]
    groups: tuple[Group, ...]
    producers: tuple[Producer, ...]
