"""The guard process: both doors of the bus in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from treadle.base.errors import EngineError
from treadle.base.sockets import close, listen
from treadle.bus.backends.nats import NatsBackend
from treadle.bus.door import door
from treadle.bus.intake import Intake
from treadle.bus.jetstream import connect
from treadle.bus.service import GuardService, SnapshotWatch
from treadle.bus.subjects import GUARD


async def run_guard(
    *, url: str, password: str, snapshot: Path, socket: Path, stop: asyncio.Event | None = None
) -> None:
    """Guard the bus at `url` with the contracts in `snapshot`, and open the HTTP door on the Unix socket.

    Waits for both to be there. Returns after SIGTERM, SIGINT or `stop`, with everything it had taken finished. Raises
    EngineError `bus-forbidden` or `bus-closed` where NATS wants it no more: start again, with the password of now.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    serving = asyncio.create_task(_serve(url, password, snapshot, socket))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
        stopping.cancel()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _serve(url: str, password: str, snapshot: Path, socket: Path) -> None:
    watch = SnapshotWatch(snapshot)
    guard = await watch.first()
    closed = asyncio.Event()
    nc = await connect(url, GUARD, password, name=GUARD, wait_s=None, on_closed=closed.set)
    intake = Intake(NatsBackend(nc), guard)
    service = GuardService(nc, intake)
    server = _Server(door(intake, lambda: nc.is_connected))
    listening = listen(socket, 256)
    tasks: list[asyncio.Task[object]] = []
    try:
        await service.start()
        tasks = [
            asyncio.create_task(server.serve(sockets=[listening])),
            asyncio.create_task(watch.follow(service, guard)),
            asyncio.create_task(closed.wait()),
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise EngineError("bus-closed", "NATS closed the connection of the guard for good", "restart the fabric")
    finally:
        server.should_exit = True
        if tasks:
            await asyncio.gather(tasks[0], return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.stop()
        close(listening, socket)


class _Server(uvicorn.Server):
    """uvicorn in a loop that is not its own: signals are ours."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
