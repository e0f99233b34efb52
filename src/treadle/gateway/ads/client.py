"""The node's end of delta ADS: follows everything that a control plane publishes, and connects again for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from treadle.base.errors import EngineError
from treadle.gateway.ads.tls import Credentials
from treadle.gateway.ads.wire import FLEET, JOIN, METHOD, SERVICE, ProtocolError, Request, Response, Wire
from treadle.gateway.envoy.snapshot import Moving

if TYPE_CHECKING:
    import grpc.aio

_log = logging.getLogger("treadle.gateway.ads")

_FIRST_WAIT_S, _WAIT_S_MAX = 0.05, 10.0
_JOIN_TIMEOUT_S = 10.0
_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 256 * 1024 * 1024),
    # Beside our own waits gRPC has some of its own between two attempts to connect.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
]

Judge = Callable[[Response], Awaitable[str]]
"""Makes a response be: returns nothing once it runs, or the engine's words where it is refused."""
Have = Callable[[], Mapping[Moving, Mapping[str, str]]]
"""The versions that the node has already, by kind and name."""
Ask = Callable[[str, bytes, float], Awaitable[bytes]]
"""A method of ours, what is said, how long to wait in seconds."""


@dataclass(slots=True)
class AdsClient:
    """Follows the server at `target` (`host:port` under TLS, else `unix:PATH`) as `node`."""

    wire: Wire
    node: str
    target: str
    have: Have
    judge: Judge
    credentials: Credentials | None = None
    connected: bool = False
    received_bytes: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until it is cancelled. An error of the network or of the other side is waited out, longer each time."""
        import grpc

        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with self._channel() as channel:
                    await self._follow(channel)
            except (grpc.aio.AioRpcError, ProtocolError, EngineError) as why:
                said = why.details() if isinstance(why, grpc.aio.AioRpcError) else str(why)
                _log.log(logging.WARNING if self.connected else logging.DEBUG, "no control plane: %s", said)
            if self.connected:
                wait_s = _FIRST_WAIT_S
            self.connected = False
            # Spread out, so that a fleet does not come back all at once.
            await asyncio.sleep(wait_s * (0.5 + random.random()))  # noqa: S311 - no secret
            wait_s = min(wait_s * 2, _WAIT_S_MAX)

    async def join(self, said: bytes) -> bytes:
        """What this node is to be started with. Raises EngineError `remote-unreachable`."""
        async with self.asking() as ask:
            return await ask(JOIN, said, _JOIN_TIMEOUT_S)

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[Ask]:
        """One connection for questions to our own methods. Each raises EngineError `remote-unreachable`."""
        import grpc

        async with self._channel() as channel:

            async def ask(method: str, said: bytes, timeout_s: float) -> bytes:
                try:
                    answer: bytes = await channel.unary_unary(f"/{FLEET}/{method}")(said, timeout=timeout_s)
                except grpc.aio.AioRpcError as why:
                    does = "let this node join" if method == JOIN else f"answer {method}"
                    raise EngineError(
                        "remote-unreachable",
                        f"the control plane at {self.target} does not {does}: {why.details()}",
                        "see the log of the control plane",
                    ) from None
                return answer

            yield ask

    def _channel(self) -> grpc.aio.Channel:
        import grpc.aio

        if self.credentials:
            return grpc.aio.secure_channel(self.target, self.credentials.channel(), options=_OPTIONS)
        return grpc.aio.insecure_channel(self.target, options=_OPTIONS)

    async def _follow(self, channel: grpc.aio.Channel) -> None:
        import grpc.aio

        call = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        turn = asyncio.Lock()
        have = self.have()
        try:
            for kind in Moving:
                first = Request(kind, self.node, subscribe=("*",), have=have.get(kind, {}))
                await call.write(self.wire.write_request(first))
            while (data := await call.read()) is not grpc.aio.EOF:
                self.connected = True
                self.received_bytes += len(data)
                response = self.wire.read_response(data)
                # Kinds do not wait for one another here: a cluster is warm only when its endpoints came.
                task = asyncio.create_task(self._answer(call, turn, response))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._failed(await call.code(), await call.details())
        finally:
            call.cancel()
            for task in self._tasks:
                task.cancel()

    async def _answer(self, call: Any, turn: asyncio.Lock, response: Response) -> None:
        import grpc

        try:
            words = await self.judge(response)
            async with turn:
                answer = Request(response.kind, nonce=response.nonce, words=words)
                await call.write(self.wire.write_request(answer))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the stream has ended: it is said again on the next one, by what the node has
        except Exception:  # noqa: BLE001 - the stream ends, and the next one begins anew
            _log.exception("a response was not handled")
            call.cancel()

    @staticmethod
    def _failed(code: Any, details: str) -> None:
        raise ProtocolError(f"the stream ended: {code} {details}")
