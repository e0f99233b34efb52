"""`treadle plan`: what apply would change in which engine, and whom a contract would refuse, were it enforced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import Decorator, environment_option, format_option, state_of, workspace_option
from treadle.cli.rollback import digests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from treadle.contract.model import Contract
    from treadle.control.compile import Place
    from treadle.control.state import State
    from treadle.gateway.engine import EnvoyEngine

with_option: Decorator = click.option(
    "--with",
    "replaced",
    multiple=True,
    metavar="PATH=FILE",
    help="Take FILE in the place of the workspace's file PATH; nothing is written. May be repeated.",
)


@click.command(
    epilog="Exit code 0, or 1 and 3 when something would be refused: a policy is violated, or not valid. With --enforce"
    " exit code 1 says that a caller would be refused."
)
@click.option(
    "--enforce",
    is_flag=True,
    help="Instead: who would have been refused in the last days, were every contract enforced. Reads facts, asks"
    " nobody.",
)
@click.option("--days", type=click.IntRange(1, 366), help="With --enforce: how many days back.  [default: 7]")
@click.option("--contract", metavar="ID", default="", help="With --enforce: only this contract.")
@click.option(
    "--against",
    metavar="DIGEST",
    default="",
    shell_complete=digests,
    help="Instead: what differs from a state that was applied before, as `treadle rollback --list` shows them.",
)
@workspace_option
@environment_option
@with_option
@format_option("json")
def command(
    *,
    enforce: bool,
    days: int | None,
    contract: str,
    against: str,
    workspace: str | None,
    environment: str,
    replaced: tuple[str, ...],
    format: str,
) -> None:
    """Show what apply would change, engine by engine, and what it would refuse.

    Works without a running fabric: what the engines were last told is remembered. Envoy judges the result.
    """
    from treadle.base.errors import UsageError

    if enforce and against:
        raise UsageError("bad-plan-arguments", "--enforce and --against are two questions", "ask one of them")
    if enforce:
        show_adoption(
            state_of(workspace), environment, read_replaced(replaced), days=days, only=contract, format=format
        )
        return
    if days or contract:
        raise UsageError("enforce-missing", "--days and --contract belong to --enforce", "add --enforce")
    _plan(workspace, environment, replaced, against, format)


def _plan(workspace: str | None, environment: str, replaced: tuple[str, ...], against: str, format: str) -> None:
    from treadle.control.compile import compile_place
    from treadle.control.plan import differences
    from treadle.control.report import report
    from treadle.control.snapshots import Snapshots

    state = state_of(workspace)
    snapshots = Snapshots(state.snapshots)
    before = snapshots.rows(snapshots.find(against)) if against else None
    envoy, place = engine_and_place(state, environment, read_replaced(replaced))
    compiled = compile_place(place, envoy)
    changes = compiled.changes if before is None else differences(before, compiled.rows)
    show(report(compiled.desired, changes), format)


def engine_and_place(state: State, environment: str, files: dict[str, bytes]) -> tuple[EnvoyEngine, Place]:
    """Who judges, and what: as the fabric was started where one runs, else as the workspace says."""
    from dataclasses import replace

    from treadle.contract.workspace import read_workspace
    from treadle.control.checkout import read_files
    from treadle.control.compile import Place
    from treadle.control.reconcile import place_of
    from treadle.control.runfile import running
    from treadle.gateway.engine import EnvoyEngine

    run = running(state)
    if run is not None:
        return EnvoyEngine.find(run["engines"]["envoy"]), replace(place_of(state, run), replaced=files)
    found, _ = read_workspace({**read_files(state.root), **files}, environment=environment)
    envoy = EnvoyEngine.find(found.settings.engines.get("envoy", {}))
    return envoy, Place(state, environment=environment, replaced=files)


def read_replaced(pairs: tuple[str, ...]) -> dict[str, bytes]:
    """`PATH=FILE` pairs, read. Raises UsageError and InputError."""
    from treadle.base.errors import InputError, UsageError

    files: dict[str, bytes] = {}
    for pair in pairs:
        path, equals, file = pair.partition("=")
        if not equals or not path or not file:
            raise UsageError("with-malformed", f"--with {pair!r} is not PATH=FILE", "for example: --with a.yaml=b.yaml")
        try:
            files[path] = Path(file).read_bytes()
        except OSError as why:
            raise InputError("no-such-file", f"{file} cannot be read: {why.strerror}", "name a readable file") from None
    return files


def show(found: dict[str, Any], format: str) -> None:
    """Print a report and end with its exit code."""
    from treadle.control.report import exit_code, lines, summary

    if format == "json":
        import orjson

        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        for line in lines(found):
            click.echo(line)
    click.echo(summary(found), err=True)
    sys.exit(exit_code(found))


def show_adoption(
    state: State, environment: str, files: dict[str, bytes], *, days: int | None, only: str, format: str
) -> None:
    """Print who would be refused, and end with exit code 1 where somebody would."""
    import time

    from treadle.control.adoption import DAY_US, DAYS, adoptions, lines, report, summary
    from treadle.facts.trail import Trail

    contracts = _governed(state, environment, files)
    if only:
        contracts = [_named(contracts, only)]
    days = days or DAYS
    from_us = time.time_ns() // 1000 - days * DAY_US
    with Trail.of_folder(state.facts) as trail:
        rows = adoptions(contracts, trail.observed(from_us), lambda each: trail.calls(each, from_us))
        found = report(rows, days=days, missing=trail.missing(from_us))
    if format == "json":
        import orjson

        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        for line in lines(found):
            click.echo(line)
    click.echo(summary(found), err=True)
    sys.exit(1 if found["refused"] else 0)


def _governed(state: State, environment: str, files: dict[str, bytes]) -> list[Contract]:
    """The contracts as they are live, since facts are of these, and those of the workspace that are not live yet."""
    from treadle.contract.workspace import read_workspace
    from treadle.control.checkout import read_files
    from treadle.registry.live import LiveSet

    live = LiveSet(state.live).contracts()
    known = {each.id for each in live}
    workspace, _ = read_workspace({**read_files(state.root), **files}, environment=environment)
    return [*live, *(each for each in workspace.contracts if each.id not in known)]


def _named(contracts: Iterable[Contract], id: str) -> Contract:
    """The contract of an id. Raises UsageError `no-such-contract`."""
    from treadle.base.errors import UsageError
    from treadle.base.nearest import nearest

    known = {each.id: each for each in contracts}
    if id in known:
        return known[id]
    near = nearest(id, known)
    hint = f"did you mean {near}?" if near else "`treadle check` lists what is in the workspace"
    raise UsageError("no-such-contract", "no contract of this workspace has that id", hint)
