"""`treadle demo`: the demo fabric, and its stories."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import environment_option, state_of, workspace_option

if TYPE_CHECKING:
    from treadle.control.state import State


@click.group(invoke_without_command=True)
@workspace_option
@environment_option
@click.option("--detach", "-d", is_flag=True, help="Return when all is ready; stop it with: treadle down.")
@click.option("--quiet-systems", is_flag=True, help="Systems change nothing by themselves.")
@click.option("--quiet", is_flag=True, hidden=True, help="Print no addresses: what a detached run would log.")
@click.pass_context
def command(
    context: click.Context, workspace: str | None, environment: str, *, detach: bool, quiet_systems: bool, quiet: bool
) -> None:
    """Run the demo: a CRM, an ERP and an ITSM system, two APIs and a billing consumer on a governed fabric.

    With a story's name, play it on the demo fabric that runs (one is started for it where none does).
    """
    context.obj = workspace
    if context.invoked_subcommand:
        return
    state = state_of(workspace)
    if detach:
        say_ready(_detached(state, environment, lively=not quiet_systems))
        return
    from treadle.control.demo import prepare
    from treadle.control.fabric import Prepared, run_fabric

    def prepared() -> Prepared:
        return Prepared([state.overlay], prepare(state, lively=not quiet_systems).processes)

    announce = (lambda _: None) if quiet else say_ready
    run_fabric(state, environment=environment, prepare=prepared, announce=announce)
    click.echo("stopped", err=True)


def say_ready(run: dict[str, Any]) -> None:
    """Where to look, and two commands ready to paste."""
    import uuid
    from pathlib import Path

    from treadle.cli.apply import say_refused
    from treadle.cli.up import known_by
    from treadle.control.credentials import access_token
    from treadle.control.state import State

    state = State(Path(run["workspace"]))
    token = access_token(state, run, "demo-app", lifetime_s=600)
    event = (
        f'{{"specversion":"1.0","id":"{uuid.uuid4()}","source":"me","type":"sales.order.created.v1",'
        '"partitionkey":"O-1","data":{"orderId":"O-1","customerId":"C-1001","amount":12.5,"currency":"EUR"}}'
    )
    auth = f"{known_by(run)}-H 'Authorization: Bearer {token}'"
    click.echo(f"console  {run['console']}")
    click.echo(f"gateway  {run['gateway']}")
    click.echo()
    click.echo("call an API:")
    click.echo(f"  curl -i {auth} '{run['gateway']}/v1/customers?limit=2'")
    click.echo("publish an event:")
    click.echo(
        f"  curl -i {auth} -H 'Content-Type: application/cloudevents+json' -d '{event}' {run['gateway']}/v1/events"
    )
    click.echo("follow the events:")
    click.echo(f"  {_ourselves()} events tail --workspace {_here(state)}")
    say_refused(state, run)


def _detached(state: State, environment: str, *, lively: bool) -> dict[str, Any]:
    from treadle.cli.up import run_detached

    arguments = ["demo", "--quiet", "--workspace", str(state.root), "--environment", environment]
    return run_detached(state, arguments if lively else [*arguments, "--quiet-systems"])


def _ourselves() -> str:
    """How to call this program from where the caller stands."""
    import os
    import shutil
    import sys
    from pathlib import Path

    script = Path(sys.executable).with_name("treadle")
    if shutil.which("treadle") == str(script) or not script.exists():
        return "treadle"
    relative = os.path.relpath(script)
    return relative if not relative.startswith("..") else str(script)


def _here(state: State) -> str:
    import os

    relative = os.path.relpath(state.root)
    return relative if not relative.startswith("..") else str(state.root)


def _story(name: str) -> click.Command:
    @click.command(name, help=_ABOUT[name])
    @workspace_option
    @click.pass_obj
    def play(outer: str | None, workspace: str | None) -> None:
        _play(name, workspace or outer)

    command_: click.Command = play
    return command_


def _play(name: str, workspace: str | None) -> None:
    """Play a story on the fabric that runs, or on one that runs for as long as the story does."""
    from treadle.control.runfile import running
    from treadle.control.stories import STORIES, Stage

    state = state_of(workspace)
    run = running(state)
    ours = run is None
    if run is None:
        click.echo("starting the demo fabric for this story ...", err=True)
        run = _detached(state, "local", lively=True)
    try:
        stage = Stage(
            state,
            run,
            say=click.echo,
            apply=_applier(workspace),
            letters=lambda: _letters(state, run),
            resubmit=lambda letter, body: _resubmit(state, run, letter, body),
        )
        STORIES[name](stage)
        click.echo("\nThe story went as told.")
    finally:
        if ours:
            from treadle.cli.down import stop

            stop(state)


def _applier(workspace: str | None) -> Any:
    def apply(files: Mapping[str, bytes]) -> dict[str, Any]:
        from treadle.cli.apply import ask_to_apply

        return ask_to_apply(workspace, dict(files))

    return apply


def _letters(state: State, run: dict[str, Any]) -> list[dict[str, Any]]:
    from treadle.cli.events import letter_row
    from treadle.control.bus_desk import desk

    async def listed() -> list[dict[str, Any]]:
        async with desk(state, run) as ours:
            return [letter_row(each) for each in await ours.letters()]

    return asyncio.run(listed())


def _resubmit(state: State, run: dict[str, Any], id: str, body: bytes) -> dict[str, Any]:
    from dataclasses import asdict

    from treadle.control.bus_desk import desk

    async def sent() -> dict[str, Any]:
        async with desk(state, run) as ours:
            return asdict(await ours.resubmit(id, body))

    return asyncio.run(sent())


_ABOUT = {
    "break": "A breaking contract is refused, with its reasons.",
    "dlq": "A bad event is quarantined, mended and resubmitted.",
    "incident": "A service fails; what the gateway answers, and what the facts say.",
}
for _name in _ABOUT:
    command.add_command(_story(_name))
