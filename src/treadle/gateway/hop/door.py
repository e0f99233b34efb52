"""The door of the hop: one connection of the gateway, one call at a time.

A call is taken whole before anything is done with it: it must be, to be judged and to be known again. Its size is
bounded. A second call that is sent before the first was answered (pipelining) is not taken; the connection closes.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from treadle.gateway.hop import answers, wire
from treadle.gateway.hop.idempotency import Reply
from treadle.gateway.hop.receivers import Relay
from treadle.gateway.refusals import Refusal

TARGET_BYTES_MAX = 32 * 1024
HEADERS_MAX = 128
HEAD_BYTES_MAX = 64 * 1024


class Taker(Protocol):
    """What a door hands its calls to."""

    body_bytes_max: int
    held_bytes_max: int
    held_bytes: int
    """Bodies of calls that are not answered yet."""
    draining: bool
    doors: set[Door]

    def take(self, door: Door, call: wire.Call) -> None:
        """Answer a call, now or later, by the door's `answer` or a relay."""


class Door(asyncio.Protocol):
    """One connection."""

    def __init__(self, taker: Taker) -> None:
        """Nobody has come yet."""
        self._taker = taker
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._call: wire.Call | None = None
        self.relay: Relay | None = None
        """Who passes an answer on to this door; it goes when the door goes."""
        self.gone = False
        self.closing = False
        self._held = 0
        self._clear()

    def _clear(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._refusal: Refusal | None = None

    @property
    def busy(self) -> bool:
        """Whether a call waits for its answer."""
        return self._call is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._taker.doors.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - either way it is gone
        """Nobody waits any more. What is being passed on ends; what is kept for a key goes on."""
        self.gone = True
        self._taker.doors.discard(self)
        if self.relay:
            self.relay.gone = True
            if self.relay.connection:
                self.relay.connection.cancel()
        self.relay = None
        self._call = None
        self._let_go()

    def data_received(self, data: bytes) -> None:
        """Bytes of a call."""
        if self.busy:
            self.closing = True  # pipelined: it is not read, and the answer to come is the last one
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.gone and not self.busy:
                self.closing = True
                self._call = wire.Call(b"", b"", self._headers, b"")
                self.refuse(self._refusal or answers.BAD_REQUEST)

    def eof_received(self) -> bool:
        """The gateway has nothing more to say; nor have we."""
        return False

    def pause_writing(self) -> None:
        """The gateway reads more slowly than the upstream writes."""
        if self.relay and self.relay.connection:
            self.relay.connection.pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self.relay and self.relay.connection:
            self.relay.connection.resume()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A call begins."""
        if self.busy:
            self.closing = True

    def on_url(self, target: bytes) -> None:
        """A part of the target."""
        if self.busy:
            return
        self._target += target
        if len(self._target) > TARGET_BYTES_MAX:
            self._stop(Refusal(414, "BAD_REQUEST", "The address is too long."))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if self.busy:
            return
        self._head_bytes += len(name) + len(value)
        self._headers.append((name.lower(), value))
        if self._head_bytes > HEAD_BYTES_MAX or len(self._headers) > HEADERS_MAX:
            self._stop(Refusal(431, "HEADERS_TOO_LARGE", "The request has too many headers, or too long ones."))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if not self.busy and any(name == b"expect" for name, _ in self._headers):
            self.write(wire.CONTINUE)

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        if self.busy:
            return
        size = len(data)
        self._size += size
        self._held += size
        self._taker.held_bytes += size
        if self._size > self._taker.body_bytes_max:
            self._stop(answers.TOO_LARGE)
        if self._taker.held_bytes > self._taker.held_bytes_max:
            self._stop(answers.UNAVAILABLE)
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """The call is whole."""
        if self.busy:
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        call = wire.Call(self._parser.get_method(), self._target, self._headers, body)
        self.closing = self.closing or not self._parser.should_keep_alive()
        self._clear()
        self._call = call
        self._taker.take(self, call)

    def _let_go(self) -> None:
        self._taker.held_bytes -= self._held
        self._held = 0

    def _stop(self, row: Refusal) -> None:
        self._refusal = row
        raise httptools.HttpParserError(row.code)

    # What a taker calls.

    def write(self, data: bytes) -> None:
        """Bytes of the answer."""
        if not self.gone and self._transport:
            self._transport.write(data)

    def finished(self) -> None:
        """The answer is whole; the next call may come."""
        self._call = None
        self.relay = None
        self._let_go()
        if (self.closing or self._taker.draining) and self._transport:
            self._transport.close()

    def answer(self, reply: Reply) -> None:
        """A whole answer."""
        if self.gone or self._call is None:
            return
        close = self.closing or self._taker.draining
        self.closing = close
        head = self._call.method == b"HEAD"
        self.write(wire.whole(reply.status, reply.headers, reply.body, close=close, head=head))
        self.finished()

    def refuse(self, row: Refusal) -> None:
        """A refusal without details."""
        trace = self._call.text(b"x-treadle-trace-id") if self._call else ""
        self.answer(answers.refused(row, trace))

    def abort(self) -> None:
        """The answer breaks off here."""
        if self._transport:
            self._transport.abort()

    def hang_up(self) -> None:
        """Close where nothing is going on; else after the answer."""
        self.closing = True
        if not self.busy and not self._headers and self._transport:
            self._transport.close()
