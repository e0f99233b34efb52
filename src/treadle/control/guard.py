"""The guard's process: `python -m treadle.control.guard --workspace DIR`."""

from __future__ import annotations

from treadle.bus.process import run_guard
from treadle.bus.subjects import GUARD
from treadle.control.passwords import password
from treadle.control.process import main
from treadle.control.runfile import read_run
from treadle.control.state import State
from treadle.secrets.file import FileSecrets


async def guard(state: State) -> None:
    """Guard the bus of a fabric until SIGTERM."""
    run = read_run(state)
    if run is None:
        raise AssertionError("the supervisor writes run.json before it starts anything")
    await run_guard(
        url=run["nats"],
        password=password(FileSecrets(state.secrets), GUARD),
        snapshot=state.bus / "topics.json",
        socket=state.events_socket,
    )


if __name__ == "__main__":
    main(guard)
