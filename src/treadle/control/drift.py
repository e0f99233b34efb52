"""The drift process: `python -m treadle.control.drift --workspace DIR`."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from treadle.control.process import main
from treadle.control.server import server
from treadle.control.state import State
from treadle.gateway.drift.process import Drift


async def drift(state: State) -> None:
    """Look at sampled answers until SIGTERM; what was found and not told yet is told then."""
    looking = Drift(state.drift_table, state.drift_log)
    door = server(looking.app(), at=state.drift_socket)

    def stop() -> None:
        door.should_exit = True

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
    serving = asyncio.create_task(door.serve())
    work = asyncio.create_task(looking.run())
    # Whichever ends first ends the other, so that the supervisor sees it.
    await asyncio.wait([serving, work], return_when=asyncio.FIRST_COMPLETED)
    stop()
    await serving
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    main(drift)
