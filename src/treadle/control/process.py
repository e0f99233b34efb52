"""What the processes of a fabric have in common: which workspace, and how an error is told to the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from treadle.base.errors import TreadleError, disk_full
from treadle.control.state import State


def main(work: Callable[[State], Awaitable[None]]) -> None:
    """Run one process until it ends. `argv` is `--workspace DIR`: only the supervisor starts us.

    The supervisor reads the exit code, and the last line that begins with `error: `.
    """
    state = State(Path(sys.argv[2]))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("httpx", "httpcore", "nats"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(work, state))
    except TreadleError as error:
        _give_up(error)
    except OSError as why:
        full = disk_full(why)
        if full is None:
            raise
        _give_up(full)


def _give_up(error: TreadleError) -> NoReturn:
    with contextlib.suppress(OSError):  # the log may be on a full disk
        print(f"error: {error.code}: {error.message}" + (f" ({error.hint})" if error.hint else ""), file=sys.stderr)
    sys.exit(error.exit_code)


async def _work(work: Callable[[State], Awaitable[None]], state: State) -> None:
    await work(state)
