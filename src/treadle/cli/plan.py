"""`treadle plan`: what apply would change in which engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from treadle.cli.options import Decorator, environment_option, format_option, state_of, workspace_option

with_option: Decorator = click.option(
    "--with",
    "replaced",
    multiple=True,
    metavar="PATH=FILE",
    help="Take FILE in the place of the workspace's file PATH; nothing is written. May be repeated.",
)


@click.command(epilog="Exit code 0, or 1 and 3 when something would be refused: a policy is violated, or not valid.")
@workspace_option
@environment_option
@with_option
@format_option("json")
def command(workspace: str | None, environment: str, replaced: tuple[str, ...], format: str) -> None:
    """Show what apply would change, engine by engine, and what it would refuse.

    Works without a running fabric: what the engines were last told is remembered. Envoy judges the result.
    """
    from dataclasses import replace

    from treadle.contract.workspace import read_workspace
    from treadle.control.checkout import read_files
    from treadle.control.compile import Place, compile_place
    from treadle.control.reconcile import place_of
    from treadle.control.report import report
    from treadle.control.runfile import running
    from treadle.gateway.engine import EnvoyEngine

    state = state_of(workspace)
    run = running(state)
    files = read_replaced(replaced)
    if run is not None:
        place = place_of(state, run)
        envoy = EnvoyEngine.find(run["engines"]["envoy"])
    else:
        place = Place(state, environment=environment)
        found, _ = read_workspace({**read_files(state.root), **files}, environment=environment)
        envoy = EnvoyEngine.find(found.settings.engines.get("envoy", {}))
    compiled = compile_place(replace(place, replaced=files), envoy)
    show(report(compiled.desired, compiled.changes), format)


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
