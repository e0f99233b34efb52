"""Contracts and settings -> what the bus must hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from treadle.base.errors import InputError
from treadle.bus.ir import Bus, Group, Producer, Topic
from treadle.bus.subjects import CONTROL, GUARD, RESERVED_DOMAINS, channel_stream
from treadle.contract.model import Contract, Enforcement, Settings

_PUBLISH = re.compile(r"([a-z][a-z0-9-]*)\.events:publish")
_CHANNEL = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9_-]*)+\.v[1-9][0-9]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_HARDNESS = (Enforcement.OBSERVE, Enforcement.WARN, Enforcement.ENFORCE)


def build(contracts: Sequence[Contract], settings: Settings) -> Bus:
    """The bus of these contracts.

    A channel is enforced no harder than its contract. A subscription to a channel that no contract holds is left out:
    it is a finding of the check, not a reason to hold up the others. Raises InputError where a name cannot be carried
    to the broker safely.
    """
    topics = tuple(sorted((each for contract in contracts for each in _topics(contract)), key=lambda t: t.channel))
    streams: dict[str, str] = {}
    for topic in topics:
        other = streams.setdefault(channel_stream(topic.channel), topic.channel)
        if other != topic.channel:
            raise InputError(
                "stream-taken", f"channels {other} and {topic.channel} would share a stream", "rename one of them"
            )
    channels = {topic.channel for topic in topics}
    groups = tuple(
        Group(_name(each.id), each.channel, each.max_attempts)
        for each in sorted(settings.subscriptions, key=lambda s: (s.id, s.channel))
        if each.channel in channels
    )
    producers = tuple(
        Producer(_name(id), domains)
        for id, consumer in sorted(settings.consumers.items())
        if (domains := tuple(sorted(found[1] for each in consumer.scopes if (found := _PUBLISH.fullmatch(each)))))
    )
    return Bus(topics, groups, producers)


def _topics(contract: Contract) -> list[Topic]:
    if contract.domain in RESERVED_DOMAINS and contract.channels:
        raise InputError("domain-reserved", f"the bus uses the name {contract.domain} itself", "rename the domain")
    for channel in contract.channels:
        if not _CHANNEL.fullmatch(channel.name) or not channel.name.startswith(contract.domain + "."):
            raise InputError(
                "channel-outside-domain",
                f"channel {channel.name} of {contract.id} is not named {contract.domain}.<aggregate>.<event>.v<n>",
                "name channels after the domain that owns them",
            )
    return [
        Topic(
            channel=channel.name,
            domain=contract.domain,
            contract=contract.id,
            stamp=contract.stamp,
            version=contract.version,
            partitions=channel.partitions,
            partition_key=channel.partition_key,
            retention_days=channel.retention_days,
            compaction=channel.compaction,
            enforcement=min(contract.enforcement.validation, channel.enforcement, key=_HARDNESS.index),
            subject_pointer=channel.subject_pointer,
            schema=channel.payload,
            dlq_days=channel.dlq_days,
        )
        for channel in contract.channels
    ]


def _name(id: str) -> str:
    if id in (GUARD, CONTROL) or not _NAME.fullmatch(id):
        raise InputError(
            "bus-name-refused",
            f"{id!r} cannot be a producer or a group of the bus",
            f"use letters, digits and hyphens, and neither {GUARD} nor {CONTROL}",
        )
    return id
