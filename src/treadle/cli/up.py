"""`treadle up`: run the fabric of a workspace."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import environment_option, state_of, workspace_option

if TYPE_CHECKING:
    from treadle.control.state import State

DETACH_S = 60.0
_SHOWN = (("cert", "crt"), ("key", "key"))


@click.command()
@workspace_option
@environment_option
@click.option("--overlay", "overlays", multiple=True, metavar="FILE", help="A further overlay; may be repeated.")
@click.option("--detach", "-d", is_flag=True, help="Return when all is ready; stop it with: treadle down.")
@click.option(
    "--join",
    metavar="HOST:PORT",
    default="",
    help="Instead: run one gateway node of the fleet whose control plane is there; no workspace is needed.",
)
@click.option("--invite", metavar="NAME", default="", help="Instead: make the certificate by which node NAME may join.")
@click.option("--folder", metavar="DIR", default="", help="With --join or --invite: where all of the node lies.")
@click.option("--port", type=click.IntRange(1, 65_535), help="With --join: where it takes calls.  [default: 8080]")
@click.option("--admin-port", type=click.IntRange(1, 65_535), help="With --join: Envoy's own.  [default: 9901]")
@click.option("--quiet", is_flag=True, hidden=True, help="Print no addresses: what a detached run would log.")
def command(
    workspace: str | None,
    environment: str,
    overlays: tuple[str, ...],
    *,
    detach: bool,
    quiet: bool,
    join: str,
    invite: str,
    folder: str,
    port: int | None,
    admin_port: int | None,
) -> None:
    """Run Envoy, NATS, the control plane and the guard of a workspace.

    Default ports that are taken move to free ones; the addresses in force are in .treadle/run.json. Every process is
    restarted when it dies. Ctrl-C stops them all.
    """
    if join or invite or folder or port or admin_port:
        from treadle.cli.fleet import invite_node, join_fleet

        if bool(join) == bool(invite) or not folder or detach or overlays or (invite and (port or admin_port)):
            from treadle.base.errors import UsageError

            raise UsageError(
                "bad-join-arguments",
                "a node joins from its folder, or is invited into one",
                "treadle up --invite NAME --folder DIR; then, there: treadle up --join HOST:PORT --folder DIR",
            )
        if invite:
            invite_node(state_of(workspace), invite, Path(folder))
        else:
            join_fleet(join, Path(folder), port or 8080, admin_port or 9901)
        return
    state = state_of(workspace)
    if detach:
        arguments = ["up", "--quiet", "--workspace", str(state.root), "--environment", environment]
        for each in overlays:
            arguments += ["--overlay", each]
        say_ready(run_detached(state, arguments))
        return
    from treadle.control.fabric import Prepared, run_fabric

    run_fabric(
        state,
        environment=environment,
        prepare=lambda: Prepared([Path(each).resolve() for each in overlays]),
        announce=(lambda _: None) if quiet else say_ready,
    )
    click.echo("stopped", err=True)


def say_ready(run: dict[str, Any]) -> None:
    """What people want to know once all is ready."""
    from treadle.cli.apply import say_refused
    from treadle.control.state import State

    click.echo(f"{run['name']} is up")
    for key in ("console", "gateway", "ca", "nats"):
        if key in run:
            click.echo(f"  {key:<9}{run[key]}")
    say_refused(State(Path(run["workspace"])), run)


def known_by(run: dict[str, Any]) -> str:
    """What curl must be told to know the gateway by, as the shell takes it; empty where it speaks no TLS."""
    import shlex

    if "ca" not in run:
        return ""

    def path(file: str) -> str:
        relative = os.path.relpath(file)
        return shlex.quote(relative if not relative.startswith("..") else file)

    said = f"--cacert {path(run['ca'])} "
    if "certificate" in run:
        said += "".join(f"--{part} {path(run['certificate'] + '/tls.' + end)} " for part, end in _SHOWN)
    return said


def run_detached(state: State, arguments: Sequence[str]) -> dict[str, Any]:
    """Start this program again in the background and wait until it is ready.

    Raises EngineError `up-failed` with what it said, when it ends before.
    """
    from treadle.base.errors import EngineError
    from treadle.control.runfile import read_run

    state.prepare()
    log = state.logs / "up.log"
    with log.open("wb") as out:
        # On a full disk the child could not even say so: try it here. Raises OSError.
        out.write(bytes(4096))
        out.flush()
        out.truncate(0)
        out.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", "treadle.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    deadline = time.monotonic() + DETACH_S
    try:
        while time.monotonic() < deadline:
            code = child.poll()
            if code is not None:
                click.echo(log.read_text(errors="replace"), err=True, nl=False)
                sys.exit(code or 4)
            run = read_run(state)
            if run is not None and run["ready"] and run["supervisor"]["pid"] == child.pid:
                return run
            time.sleep(0.02)
    except KeyboardInterrupt:
        # Nobody asked for a fabric in the background any more.
        child.terminate()
        child.wait()
        raise
    child.terminate()
    raise EngineError("up-slow", f"the fabric was not ready after {DETACH_S:g} s", f"read {log} and {state.logs}")
