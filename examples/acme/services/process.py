"""What every service does as a process: answer on one port, and follow one channel of the bus.

A service that has a certificate answers calls of its API on a second port, to the gateway alone; the first one is then
for those who look after it.

The port answers at once, also while the bus is not there: what was learned earlier is served until it comes.
"""

import argparse
import asyncio
import contextlib
import importlib
import os
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from mutual import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[Any], Awaitable[None]]
"""Takes one `treadle.bus.consumer.Event`."""
CONNECT_PAUSE_S = 1.0


def arguments(name: str, **addresses: str) -> argparse.Namespace:
    """`addresses` are the defaults of further systems that a service calls, each an option of its own."""
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "0")), help="0: any free one")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DATA", ".")), help="folder for the database")
    parser.add_argument("--group", default=name, help="the consumer group; two versions of a service have one each")
    parser.add_argument("--tls-port", type=int, default=0, help="where the gateway is answered, with --certificates")
    parser.add_argument("--certificates", type=Path, help="folder with tls.crt, tls.key and ca.crt")
    for system, url in addresses.items():
        parser.add_argument(f"--{system}", default=url, help=f"the address of the {system.upper()}")
    return parser.parse_args()


def say(text: str) -> None:
    """Into the log of this process. A log that cannot be written (its disk is full) stops nobody."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


async def follow(channel: str, group: str, handler: Handler) -> None:
    """Until cancelled: hand every event of a channel to the handler. The address of the bus is in the environment."""
    url = os.environ.get("TREADLE_NATS_URL")
    if not url:
        say(f"{group}: TREADLE_NATS_URL is not set, so no events are followed")
        return
    user, password = os.environ["TREADLE_NATS_USER"], os.environ["TREADLE_NATS_PASSWORD"]
    # The bus client takes longer to import than all else: the port answers meanwhile.
    bus = await asyncio.to_thread(importlib.import_module, "treadle.bus.consumer")
    nats = await asyncio.to_thread(importlib.import_module, "treadle.bus.backends.nats")
    errors = importlib.import_module("treadle.base.errors")

    async def careful(event: Any) -> None:
        try:
            await handler(event)
        except (KeyError, TypeError) as error:
            # It lacks what the contract requires (which may only be observed): trying again would not help.
            raise bus.PoisonError(f"the event cannot be understood: {error!r}") from error

    while True:
        try:
            async with nats.NatsBackend.connected(url, user, password, name=group) as backend:
                await bus.Consumer(backend, channel=channel, group=group, handler=careful).run()
        except errors.EngineError as error:
            say(f"{group}: {error.message}")
            await asyncio.sleep(CONNECT_PAUSE_S)


def refuse(request: Request, status: int, code: str, message: str) -> Response:
    """The one error envelope. The trace id is the caller's, so that support finds the call."""
    parts = request.headers.get("traceparent", "").split("-")
    trace = parts[1] if len(parts) == 4 and len(parts[1]) == 32 else "0" * 32
    return JSONResponse({"traceId": trace, "code": code, "message": message, "details": {}}, status)


class PassTrace:
    """ASGI: every answer carries the traceparent of its call."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        trace = dict(scope.get("headers", ())).get(b"traceparent")

        async def passed(message: Any) -> None:
            if trace and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"traceparent", trace)]
            await send(message)

        await self._app(scope, receive, passed)


def die_with(task: asyncio.Future[None]) -> None:
    """A consumer that ends by a bug takes the process with it: its supervisor starts it again."""
    if not task.cancelled() and (error := task.exception()):
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
        os._exit(1)


async def healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def failed(request: Request, _: Exception) -> Response:
    return refuse(request, 500, "INTERNAL", "The service failed.")


async def nowhere(request: Request, _: Exception) -> Response:
    return refuse(request, 404, "NOT_FOUND", "There is no such resource.")


def application(routes: Sequence[Route], lifespan: Any = None) -> Starlette:
    return Starlette(routes=routes, exception_handlers={404: nowhere, Exception: failed}, lifespan=lifespan)


def serve(
    name: str,
    port: int,
    routes: Sequence[Route],
    following: Callable[[], Awaitable[None]],
    *,
    operators: Sequence[Route] = (),
    secure: tuple[int, Path] | None = None,
) -> None:
    """Answer on a loopback port until SIGTERM, following the bus beside.

    `operators` are routes for those who look after it. With `secure`, a port and the folder of a certificate, `routes`
    are answered there only.
    """
    listener = socket.create_server(("127.0.0.1", port))
    say(f"{name} http://127.0.0.1:{listener.getsockname()[1]}")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.ensure_future(following())
        task.add_done_callback(die_with)
        try:
            async with contextlib.AsyncExitStack() as stack:
                if secure:
                    await stack.enter_async_context(served(PassTrace(application(routes)), *secure))
                yield
        finally:
            # From here on whatever it says is about a bus that is going away too.
            task.remove_done_callback(die_with)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    plain = [] if secure else routes
    app = application([Route("/healthz", healthz), *operators, *plain], lifespan)
    config = uvicorn.Config(PassTrace(app), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
