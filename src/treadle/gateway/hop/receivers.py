"""Who hears an answer: one that passes it on as it comes, and one that keeps it whole until it is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from treadle.gateway.hop import answers, wire
from treadle.gateway.hop.idempotency import Reply
from treadle.gateway.hop.upstream import Failure, Receiver
from treadle.gateway.refusals import Refusal

REFUSED = {
    Failure.UNSENT: answers.UNAVAILABLE,
    Failure.LOST: answers.UPSTREAM_ERROR,
    Failure.LATE: answers.TIMEOUT,
}
"""What a caller is told of a failure."""


class Caller(Protocol):
    """The side that waits for an answer."""

    gone: bool
    closing: bool

    def write(self, data: bytes) -> None:
        """Bytes of the answer."""

    def finished(self) -> None:
        """It was the last of them."""

    def answer(self, reply: Reply) -> None:
        """A whole answer."""

    def refuse(self, row: Refusal) -> None:
        """A refusal."""

    def abort(self) -> None:
        """The answer breaks off here."""


class Relay(Receiver):
    """Passes an answer on as it comes."""

    def __init__(self, caller: Caller, method: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """`extra` headers go with the answer."""
        self._caller = caller
        self._method = method
        self._extra = extra
        self._buffer: list[bytes] = []
        self._chunked = False
        self._begun = False

    def head(self, status: int, headers: list[tuple[bytes, bytes]], length: bytes | None) -> None:
        """Begin the answer."""
        bodiless = wire.bodiless(self._method, status)
        self._chunked = length is None and not bodiless
        self._begun = True
        kept = [*wire.end_to_end(headers), *self._extra]
        self._buffer.append(wire.begun(status, kept, length, close=self._caller.closing, bodiless=bodiless))

    def body(self, data: bytes) -> None:
        """Pass a part on."""
        self._buffer.append(wire.chunk(data) if self._chunked else data)

    def flush(self) -> None:
        """Hand over what there is."""
        if self._buffer:
            self._caller.write(b"".join(self._buffer))
            self._buffer.clear()

    def done(self) -> None:
        """End the answer."""
        self.connection = None
        if self._chunked:
            self._buffer.append(wire.LAST_CHUNK)
        self.flush()
        self._caller.finished()

    def failed(self, why: Failure) -> None:
        """Refuse, or break off what was begun: an answer that is cut must not look whole."""
        self.connection = None
        if self._begun:
            self._caller.abort()
        else:
            self._caller.refuse(REFUSED[why])


@dataclass(slots=True)
class Answer:
    """What came back: an answer, whole or (`rest`) up to the limit; or a failure."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    rest: bool = False
    failure: Failure | None = None

    @property
    def code(self) -> bytes:
        """The code of a refusal that is the gateway's own, empty for an answer of the upstream."""
        return next((value for name, value in self.headers if name == answers.CODE), b"")


class Collect(Receiver):
    """Keeps an answer until it is whole or larger than a limit; then the connection waits for what is decided."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        """`limit` is the largest body that is kept, in bytes."""
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self._limit = limit
        self._said = Answer()
        self._length: bytes | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._end: Failure | bool = False

    def head(self, status: int, headers: list[tuple[bytes, bytes]], length: bytes | None) -> None:
        """Keep the head."""
        self._said = Answer(status, headers)
        self._length = length

    def body(self, data: bytes) -> None:
        """Keep a part."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit and not self.answer.done():
            if self.connection:
                self.connection.pause()
            self._said.rest = True
            self.answer.set_result(self._said)

    def done(self) -> None:
        """It is whole."""
        self._end = True
        if not self.answer.done():
            self._said.body = b"".join(self._parts)
            self.answer.set_result(self._said)

    def failed(self, why: Failure) -> None:
        """It will not be."""
        self._end = why
        if not self.answer.done():
            self.answer.set_result(Answer(failure=why))

    def pass_to(self, relay: Relay) -> None:
        """Let a relay have what was kept, and the rest as it comes."""
        relay.head(self._said.status, self._said.headers, self._length)
        for part in self._parts:
            relay.body(part)
        if self._end is True:
            relay.done()
        elif isinstance(self._end, Failure):
            relay.failed(self._end)
        elif self.connection:
            relay.flush()
            self.connection.pass_to(relay)
            self.connection.resume()
