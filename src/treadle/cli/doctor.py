"""`treadle doctor`: what this machine lacks, and the fix."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from treadle.cli.options import format_option, workspace_option


@click.command(epilog="Exit code 0 when `treadle up` can work here, 4 when it cannot.")
@workspace_option
@format_option("json")
def command(workspace: str | None, format: str) -> None:
    """Look for everything a fabric needs, and name the fix for what is missing."""
    from treadle.base.errors import InputError
    from treadle.cli.options import state_of
    from treadle.control.doctor import diagnose, healthy
    from treadle.control.runfile import supervisor_pid

    try:
        state = state_of(workspace)
        folder, runs = state.folder, supervisor_pid(state) is not None
    except InputError:
        if workspace:
            raise
        folder, runs = Path.cwd(), False
    found = diagnose(folder, fabric_runs=runs)
    if format == "json":
        import orjson

        click.echo(orjson.dumps([asdict(each) for each in found], option=orjson.OPT_INDENT_2))
    else:
        for each in found:
            mark = "ok     " if each.met else "missing" if each.fatal else "note   "
            click.echo(f"{mark}  {each.need}: {each.seen}")
            if not each.met:
                click.echo(f"         fix: {each.fix}")
    sys.exit(0 if healthy(found) else 4)
