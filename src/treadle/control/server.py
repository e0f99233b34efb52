"""An HTTP server in a loop that is ours: it leaves signals alone, and ends open streams before it waits for them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 3


class Server(uvicorn.Server):
    """Calls `before_shutdown` when it has been told to stop (`should_exit`), then lets requests finish for `GRACE_S`.

    A page's event stream never finishes by itself: without this call uvicorn would wait for the browser.
    """

    def __init__(self, config: uvicorn.Config, before_shutdown: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._before_shutdown = before_shutdown

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Several servers share this process; whoever runs them handles signals."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._before_shutdown()
        await super().shutdown(sockets)


def server(app: ASGIApp, *, at: int | Path, before_shutdown: Callable[[], None] = lambda: None) -> Server:
    """A server on a loopback port, or on a Unix socket."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=at if isinstance(at, int) else 0,
        uds=str(at) if isinstance(at, Path) else None,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config, before_shutdown)
