"""`treadle down`: stop the fabric of a workspace."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import click

from treadle.cli.options import state_of, workspace_option

if TYPE_CHECKING:
    from treadle.control.state import State

WAIT_S = 20.0


@click.command()
@workspace_option
def command(workspace: str | None) -> None:
    """Stop the fabric and every process that it started. What was acknowledged stays on disk."""
    click.echo("stopped" if stop(state_of(workspace)) else "nothing runs", err=True)


def stop(state: State) -> bool:
    """Stop what runs, and wait until it is gone. False where nothing ran."""
    from treadle.control.runfile import supervisor_pid

    pid = supervisor_pid(state)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + WAIT_S
    while supervisor_pid(state) == pid:
        if time.monotonic() > deadline:
            # Its children die with it: the kernel sees to that.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline += WAIT_S
        time.sleep(0.02)
    return True
