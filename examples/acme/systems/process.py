"""What every system of record does as a process: arguments, one listening port, and people at work with `--lively`."""

import argparse
import asyncio
import contextlib
import os
import random
import socket
import sqlite3
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def arguments(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "0")), help="0: any free one")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DATA", ".")), help="folder for the records")
    parser.add_argument("--lively", action="store_true", help="somebody changes a record every few seconds")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between changes, more or less")
    return parser


def webhook_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--webhook-url", default=os.environ.get("WEBHOOK_URL", ""), help="where changes are told")
    parser.add_argument("--key", type=Path, help="file with the whsk_ key that signs")
    parser.add_argument("--ca", type=Path, help="file with the certificate that an https:// address is known by")
    parser.add_argument(
        "--certificate", type=Path, help="folder of one (tls.crt, tls.key) to show there, if it is there"
    )


async def every(seconds: float, change: Callable[[], None]) -> None:
    """Until cancelled: a change now and then, as people work. What cannot be stored they leave for later."""
    while True:
        await asyncio.sleep(seconds * random.uniform(0.5, 1.5))
        try:
            change()
        except sqlite3.OperationalError as error:
            say(f"nothing was changed: {error}")


async def json_object(request: Request) -> dict[str, Any]:
    """The body's object, empty where it is none."""
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def say(text: str) -> None:
    """Into the log of this process. A log that cannot be written (its disk is full) stops nobody."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def die_with(task: asyncio.Future[None]) -> None:
    """A task that ends by a bug or a full disk takes the process with it: its supervisor starts it again."""
    if not task.cancelled() and (error := task.exception()):
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
        os._exit(1)


def serve(name: str, port: int, routes: Sequence[Route], tasks: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Answer on a loopback port until SIGTERM, with the tasks running beside."""
    listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
    say(f"{name} http://127.0.0.1:{listener.getsockname()[1]}")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = [asyncio.ensure_future(task()) for task in tasks]
        for each in running:
            each.add_done_callback(die_with)
        try:
            yield
        finally:
            for each in running:
                each.remove_done_callback(die_with)
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    app = Starlette(routes=[Route("/healthz", healthz), *routes], lifespan=lifespan)
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
