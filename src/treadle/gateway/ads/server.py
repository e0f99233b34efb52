"""The delta ADS server: one handler over gRPC, on a Unix socket or under mutual TLS, and nothing in between.

What a node is called is what its certificate says (the last part of its SPIFFE id). On a Unix socket, which only its
owner's folder leads to, it is what it says of itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.base.errors import EngineError
from treadle.gateway.ads.catalog import Catalog
from treadle.gateway.ads.conversation import Conversation, Memory, Verdict
from treadle.gateway.ads.tls import Credentials, name_of
from treadle.gateway.ads.wire import FLEET, JOIN, METHOD, SERVICE, ProtocolError, Wire
from treadle.gateway.schema import Schema

if TYPE_CHECKING:
    import grpc.aio

_log = logging.getLogger("treadle.gateway.ads")

STREAMS_MAX = 2_000
NODES_KEPT = 4_096
REQUEST_BYTES_MAX = 4 * 1024 * 1024
NODE_NAME_MAX = 128
_STOP_S = 1.0
_FIRST_S = 30.0
_DRAIN_S = 0.25
_OPTIONS = [
    # A node whose machine is gone is noticed within a minute, and one that asks too often is told to go.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.max_concurrent_streams", 8),
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
]

Tell = Callable[[Verdict], None]
Bootstrap = Callable[[str, bytes], bytes]
"""What a node is to be started with, by its name and what it says of itself. Raises ValueError."""
Answer = Callable[[str, bytes], Awaitable[bytes]]
"""What a node is answered, by its name and what it says. Raises ValueError, or EngineError where that cannot be now."""


@dataclass(eq=False, slots=True)
class _Session:
    conversation: Conversation
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    settled: bool = False


class AdsServer:
    """Serves one catalog to every node, and knows how each took it.

    Until the first `publish` it answers nobody: a node that is told of nothing would take down what it serves.
    """

    def __init__(
        self,
        schema: Schema,
        tell: Tell = lambda _: None,
        bootstrap: Bootstrap | None = None,
        within: str = "",
        more: Mapping[str, Answer] | None = None,
    ) -> None:
        """`tell` is called with each verdict of a node; it must not block. `bootstrap` answers nodes that join.

        `within` is how the SPIFFE id of a node begins. `more` are further methods of ours.
        """
        self.bootstrap = bootstrap
        self._more = more or {}
        self._within = within
        self.catalog: Catalog | None = None
        self._wire = Wire(schema)
        self._tell = tell
        self._server: grpc.aio.Server | None = None
        self._sessions: dict[str, _Session] = {}
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self._streams = 0
        self._moved = asyncio.Event()

    async def start(
        self, *, unix: Path | None = None, address: str = "", credentials: Credentials | None = None
    ) -> int:
        """Listen on a Unix socket, or on `address` (`host:port`) under mutual TLS; returns the port.

        Raises EngineError `port-taken`.
        """
        import grpc
        import grpc.aio

        handler = grpc.stream_stream_rpc_method_handler(self._stream)
        server = self._server = grpc.aio.server(options=_OPTIONS)
        ours = {name: grpc.unary_unary_rpc_method_handler(self._answering(how)) for name, how in self._more.items()}
        ours[JOIN] = grpc.unary_unary_rpc_method_handler(self._join)
        for service, methods in ((SERVICE, {METHOD: handler}), (FLEET, ours)):
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        where = f"unix:{unix}" if unix else address
        try:
            if unix:
                await asyncio.to_thread(unix.unlink, missing_ok=True)
                port = server.add_insecure_port(where)
            elif credentials:
                port = server.add_secure_port(where, credentials.server())
            else:
                raise AssertionError("nodes are served under TLS or on a Unix socket")
        except RuntimeError as why:
            raise EngineError("port-taken", f"nodes cannot be served on {where}: {why}", "see engines.envoy") from None
        await server.start()
        if unix:
            await asyncio.to_thread(unix.chmod, 0o600)
        return int(port)

    async def stop(self) -> None:
        """End every stream. Nodes serve on what they have."""
        for session in self._sessions.values():
            session.over = True
            session.wake.set()
        if self._server:
            await self._server.stop(_STOP_S)

    def publish(self, catalog: Catalog) -> None:
        """From now on this is what nodes should run. What they have in the same version is not sent again."""
        self.catalog = catalog
        for memory in self._memories.values():
            memory.forget(catalog)
        for session in self._sessions.values():
            session.settled = False
            session.wake.set()
        self._stir()

    @property
    def nodes(self) -> Mapping[str, Conversation]:
        """The nodes that are connected, by name."""
        return {name: each.conversation for name, each in self._sessions.items()}

    def settled(self) -> Mapping[str, bool]:
        """Of each connected node, whether it has come as far with the catalog as it will."""
        return {name: each.settled for name, each in self._sessions.items()}

    async def until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until something is so, looking whenever a node said something. False where it did not come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._moved.clear()
                    await self._moved.wait()
        return condition()

    def _stir(self) -> None:
        self._moved.set()

    async def _stream(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        import grpc

        if self._streams >= STREAMS_MAX:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"more than {STREAMS_MAX} nodes")
        self._streams += 1
        reader: asyncio.Task[None] | None = None
        session: _Session | None = None
        try:
            async with asyncio.timeout(_FIRST_S):
                first = self._wire.read_request(await anext(aiter(requests)))
            session = self._begin(_sound(name_of(context.auth_context(), first.node, self._within)))
            self._take(session, first)
            reader = asyncio.create_task(self._read(session, requests))
            while not session.over:
                session.wake.clear()
                catalog = self.catalog
                while catalog is not None and (response := session.conversation.next(catalog)):
                    if response.gone:
                        # A worker of the node may still hold a call that an older route sent there.
                        await asyncio.sleep(_DRAIN_S)
                    # Returns to us when the transport has room: a slow node holds back only itself.
                    yield self._wire.write_response(response)
                if catalog is not None and catalog is self.catalog and session.conversation.settled(catalog):
                    session.settled = True
                    self._stir()
                await session.wake.wait()
            if reader.done() and not reader.cancelled() and (error := reader.exception()):
                raise error
        except StopAsyncIteration:
            return
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "a node has to say what it wants")
        except ProtocolError as why:
            _log.warning("a node's stream ends: %s", why)
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(why))
        finally:
            self._streams -= 1
            if reader:
                reader.cancel()
            if session and self._sessions.get(session.conversation.node) is session:
                del self._sessions[session.conversation.node]
            self._stir()

    async def _join(self, said: bytes, context: Any) -> bytes:
        """What a node that joins is to be started with."""
        import grpc

        try:
            node = _sound(name_of(context.auth_context(), "", self._within))
            if self.bootstrap is None:
                raise ProtocolError("no node can join here")
            return await asyncio.to_thread(self.bootstrap, node, said)
        except (ProtocolError, ValueError) as why:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(why))
            raise

    def _answering(self, how: Answer) -> Callable[[bytes, Any], Awaitable[bytes]]:
        """A method for nodes alone."""

        async def answer(said: bytes, context: Any) -> bytes:
            import grpc

            try:
                node = _sound(name_of(context.auth_context(), "", self._within))
                return await how(node, said)
            except (ProtocolError, ValueError) as why:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(why))
                raise
            except EngineError as why:
                await context.abort(grpc.StatusCode.UNAVAILABLE, why.message)
                raise

        return answer

    def _begin(self, node: str) -> _Session:
        """A node that connects again is the node: of two streams with one name the older one ends."""
        memory = self._memories.setdefault(node, Memory())
        self._memories.move_to_end(node)
        while len(self._memories) > NODES_KEPT:
            self._memories.popitem(last=False)
        session = _Session(Conversation(node, memory))
        old = self._sessions.get(node)
        if old:
            old.over = True
            old.wake.set()
        self._sessions[node] = session
        return session

    def _take(self, session: _Session, request: Any) -> None:
        verdict = session.conversation.take(request, self.catalog)
        session.wake.set()
        if verdict:
            self._tell(verdict)
        self._stir()

    async def _read(self, session: _Session, requests: AsyncIterator[bytes]) -> None:
        try:
            async for data in requests:
                self._take(session, self._wire.read_request(data))
        finally:
            session.over = True
            session.wake.set()


def _sound(name: str) -> str:
    if not name or len(name) > NODE_NAME_MAX or not name.isprintable():
        raise ProtocolError("a node has to say its name")
    return name
