"""What a broker must do for the bus. Retry, dead letters and pace live above it, once for all brokers.

A message is written to one of the bus's subjects (`treadle.bus.subjects`); the subject decides the stream. Methods
raise EngineError where the broker cannot be reached (`bus-unreachable`), lacks the stream (`stream-missing`) or refuses
(`bus-refused`); a caller that must not lose anything tries again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from treadle.bus.ir import Bus
from treadle.bus.record import Lag, Receipt, Stored, Terms

ACK_WAIT_S = 10.0
"""How long a broker waits for a sign of life before it gives a message to someone else."""

HELD_MAX = 64
"""The most events that one group holds on one channel without having finished them."""


class Lease(Protocol):
    """One event, given to this instance alone until it is done, or the instance stops."""

    @property
    def stored(self) -> Stored:
        """The event."""
        ...

    @property
    def deliveries(self) -> int:
        """How often it was given to an instance of the group, this time included."""
        ...

    async def done(self) -> None:
        """Finished: it is never given again. Kept by the broker on return."""
        ...


class Claim(Protocol):
    """A group's right to a channel. Leases come in the order of the log, for each key at least.

    Only one instance of a group gets leases at a time. Events that another instance was given and did not finish come
    before any later ones.
    """

    @property
    def terms(self) -> Terms:
        """On what terms."""
        ...

    def __aiter__(self) -> AsyncIterator[Lease]:
        """Leases without end."""
        ...


class Backend(Protocol):
    """A broker."""

    async def ensure(self, bus: Bus) -> None:
        """Make everything that the bus must hold. Doing it again changes nothing; nothing is ever removed.

        Raises PolicyError `partitions-fixed` where a channel's partitions would change: the keys would move.
        """
        ...

    async def publish(self, subject: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Keep one message; it is kept on return."""
        ...

    def consume(self, channel: str, group: str) -> AbstractAsyncContextManager[Claim]:
        """Take a channel as one instance of a group. Leases that are not done on leaving go back at once."""
        ...

    def read(self, stream: str, *, after: int = 0) -> AsyncIterator[Stored]:
        """What a stream keeps after a sequence, up to now. A stream that does not exist keeps nothing."""
        ...

    def follow(self, stream: str, *, after: int = 0) -> AsyncIterator[tuple[Stored, ...]]:
        """What a stream keeps after a sequence, as it comes, without end. An empty batch: nothing more for now.

        Waits for a stream that does not exist yet, and for a broker that is away.
        """
        ...

    async def latest(self, channel: str, key: str) -> Stored | None:
        """The last event of a key."""
        ...

    async def lag(self, channel: str, group: str) -> Lag:
        """How far a group is behind."""
        ...

    async def streams(self) -> tuple[str, ...]:
        """The names of all streams, sorted."""
        ...
