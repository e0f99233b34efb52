"""The subjects and streams of the bus, built and read in one place.

    <channel>.<key>                                what producers publish
    ingress.<partition>.<channel>.<key>            the same message after the broker's mapping
    bus.<channel>.<partition>.<key>                the log; only the guard writes it
    dlq.<domain>.<channel>.<guard|group>.<reason>  dead letters
    facts.delivery.<group>                         what came of each attempt to deliver

A channel has dots (`sales.order.created.v1`), the other parts are single tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

FACTS_STREAM = "FACTS"
GUARD = "guard"
CONTROL = "control"
UNROUTED = "unrouted"
"""The domain token of dead letters that name no domain of this bus."""

RESERVED_DOMAINS = frozenset({"ingress", "bus", "dlq", "facts", "replay", "group", UNROUTED})


@dataclass(frozen=True, slots=True)
class Logged:
    """A subject of the log, read."""

    channel: str
    partition: int
    token: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter's subject, read. `by` is `guard` or the consumer group."""

    domain: str
    channel: str
    by: str
    reason: str


def channel_stream(channel: str) -> str:
    """`sales.order.created.v1` is kept in `SALES_ORDER_CREATED_V1`."""
    return channel.upper().replace(".", "_")


def dlq_stream(domain: str) -> str:
    """Dead letters of `sales` are kept in `DLQ_SALES`."""
    return "DLQ_" + domain.upper()


def published(channel: str, token: str) -> str:
    """What a producer publishes to."""
    return f"{channel}.{token}"


def arriving(channel: str, partition: int, token: str) -> str:
    """What the guard is given."""
    return f"ingress.{partition}.{channel}.{token}"


def logged(channel: str, partition: int, token: str) -> str:
    """Where an accepted event goes."""
    return f"bus.{channel}.{partition}.{token}"


def dead_letter(domain: str, channel: str, by: str, reason: str) -> str:
    """Where a refused or undeliverable event goes."""
    return f"dlq.{domain}.{channel}.{by}.{reason}"


def delivery_facts(group: str) -> str:
    """Where a group's runtime says what came of its attempts."""
    return f"facts.delivery.{group}"


def read_logged(subject: str) -> Logged | None:
    """The parts of a `bus.…` subject, or None where it is none."""
    head, *tokens = subject.split(".")
    if head != "bus" or len(tokens) < 3 or not tokens[-2].isdecimal():
        return None
    return Logged(".".join(tokens[:-2]), int(tokens[-2]), tokens[-1])


def read_dead_letter(subject: str) -> DeadLetter | None:
    """The parts of a `dlq.…` subject, or None where it is none."""
    head, *tokens = subject.split(".")
    if head != "dlq" or len(tokens) < 4:
        return None
    return DeadLetter(tokens[0], ".".join(tokens[1:-2]), tokens[-2], tokens[-1])


def stream_of(subject: str) -> str | None:
    """The stream that keeps what is written to a subject, or None where none does."""
    if found := read_logged(subject):
        return channel_stream(found.channel)
    if letter := read_dead_letter(subject):
        return dlq_stream(letter.domain)
    return FACTS_STREAM if subject.startswith("facts.") else None
