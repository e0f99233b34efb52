"""Calls onward, over kept connections to the gateway's second listener. Each is sent at most once, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from enum import StrEnum
from pathlib import Path
from typing import cast

import httptools

from treadle.gateway.hop import wire

IDLE_MAX = 128
IDLE_S = 20.0
"""Less than the gateway keeps a connection: one that it closes just as we send costs a key its answer."""
CONNECT_S = 2.0
HEAD_BYTES_MAX = 64 * 1024
_log = logging.getLogger(__name__)


class Failure(StrEnum):
    """Why there is no whole answer."""

    UNSENT = "unsent"
    """No byte of the call was handed to a connection."""
    LOST = "lost"
    """The connection ended, or what came was no HTTP."""
    LATE = "late"
    """It did not come in time."""


class Receiver:
    """What an answer is told to, in this order: head, body (any number), then done or failed; or failed alone."""

    connection: Onward | None = None
    """Where the call is on its way."""
    gone = False
    """Nobody wants the answer any more: a call that was not sent yet is not to be."""

    def head(self, status: int, headers: list[tuple[bytes, bytes]], length: bytes | None) -> None:
        """Status and headers, names in lower case. `length` is None where it is not known."""
        raise NotImplementedError

    def body(self, data: bytes) -> None:
        """A part of the body."""
        raise NotImplementedError

    def flush(self) -> None:
        """Everything that has arrived so far was told, and more is to come."""

    def done(self) -> None:
        """The answer is whole."""
        raise NotImplementedError

    def failed(self, why: Failure) -> None:
        """There will be no more."""
        raise NotImplementedError


class Onward(asyncio.Protocol):
    """One connection. It is in the pool, or has one call."""

    def __init__(self, pool: Pool) -> None:
        """Not connected yet."""
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._method = b""
        self._paused = False
        self._reset()
        self.idle_since = 0.0

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._interim = False
        self._complete = False
        self._keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast("asyncio.Transport", transport)

    @property
    def usable(self) -> bool:
        """Whether a call may be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, method: bytes, data: bytes, receiver: Receiver, timeout_s: float) -> None:
        """Send one call. The receiver hears of its end, once, whatever that is."""
        self._receiver = receiver
        receiver.connection = self
        self._method = method
        self._timer = self._pool.loop.call_later(timeout_s, self._end, Failure.LATE)
        assert self._transport  # noqa: S101 - for the type only
        self._transport.write(data)

    def pass_to(self, receiver: Receiver) -> None:
        """Let another receiver hear the rest."""
        self._receiver = receiver
        receiver.connection = self

    def cancel(self) -> None:
        """Nobody wants the answer."""
        self._receiver = None
        self._close()

    def pause(self) -> None:
        """Read no more until `resume`."""
        if self.usable and self._transport and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self.usable and self._transport and self._paused:
            self._paused = False
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        receiver = self._receiver
        if receiver is None:  # nobody has asked for anything
            self._close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            _log.warning("hop: what came back is no HTTP: %s", error)
            self._end(Failure.LOST)
            return
        if self._complete:
            self._finish()
        elif self._receiver is not None:
            self._receiver.flush()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - either way it is gone
        """It is gone."""
        self._pool.forget(self)
        self._end(Failure.LOST)

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise httptools.HttpParserError("the head is too large")
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        headers, self._headers, self._head_bytes = self._headers, [], 0
        if self._complete:  # something follows that nobody has asked for
            self._keep = False
            return
        self._interim = status < 200
        if self._interim:
            return
        self._keep = self._parser.should_keep_alive()
        length = next((value for name, value in headers if name == b"content-length"), None)
        if self._receiver:
            self._receiver.head(status, headers, length)
        if self._method == b"HEAD":  # the parser would wait for the body that the length tells of
            self._complete = True
            self._keep = False

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        if self._receiver and not self._complete:
            self._receiver.body(data)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one (RFC 9110 section 15.2)."""
        if not self._interim:
            self._complete = True

    def _finish(self) -> None:
        receiver, self._receiver = self._receiver, None
        self._stop_timer()
        keep = self._keep
        self.resume()
        self._reset()
        if keep and self.usable:
            self._pool.keep(self)
        else:
            self._close()
        if receiver:
            receiver.done()

    def _end(self, why: Failure) -> None:
        receiver, self._receiver = self._receiver, None
        self._close()
        if receiver:
            receiver.failed(why)

    def _close(self) -> None:
        self._stop_timer()
        if self._transport:
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class Pool:
    """Connections to one Unix socket."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is connected yet."""
        self._path = str(path)
        self.loop = loop
        self._idle: deque[Onward] = deque()
        self._open: set[Onward] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, call: wire.Call, receiver: Receiver, timeout_s: float) -> None:
        """Send a call; the receiver hears of its end, once. It may be told before this returns."""
        data = wire.request(call)
        connection = self._kept()
        if connection:
            connection.send(call.method, data, receiver, timeout_s)
            return
        task = self.loop.create_task(self._connect(call.method, data, receiver, timeout_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def keep(self, connection: Onward) -> None:
        """It is free again."""
        if len(self._idle) >= IDLE_MAX:
            connection.cancel()
            return
        connection.idle_since = self.loop.time()
        self._idle.append(connection)

    def forget(self, connection: Onward) -> None:
        """It is gone."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close everything; a call that is on its way is not waited for, and nobody hears of its end."""
        for task in self._tasks:
            task.cancel()
        for connection in tuple(self._open):
            connection.cancel()

    def _kept(self) -> Onward | None:
        oldest = self.loop.time() - IDLE_S
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().cancel()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def _connect(self, method: bytes, data: bytes, receiver: Receiver, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await self.loop.create_unix_connection(lambda: Onward(self), self._path)
        except (OSError, TimeoutError) as error:
            _log.warning("hop: the way onward is closed: %s", error)
            receiver.failed(Failure.UNSENT)
            return
        self._open.add(connection)
        if receiver.gone or not connection.usable:
            self.keep(connection)
            receiver.failed(Failure.UNSENT)
            return
        connection.send(method, data, receiver, timeout_s)
