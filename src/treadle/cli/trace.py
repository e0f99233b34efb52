"""`treadle trace`: one call or event, from end to end."""

from __future__ import annotations

import sys

import click

from treadle.base.errors import TreadleError
from treadle.cli.options import format_option, state_of, workspace_option


class UnknownIdError(TreadleError):
    """No fact is known under an id."""

    exit_code = 1


@click.command(epilog="Works from the files of the workspace, whether or not the fabric runs. Exit code 1: unknown id.")
@click.argument("id")
@workspace_option
@format_option("json")
def command(id: str, workspace: str | None, format: str) -> None:
    """Show every fact of a trace as a tree.

    ID is a trace id, a traceparent, the id of an event, or a span id.
    """
    from treadle.facts.trail import Trail, valid_id
    from treadle.facts.tree import draw, grow

    id = valid_id(id)
    folder = state_of(workspace).facts
    if not any(folder.glob("wal-*.log")):
        raise UnknownIdError(
            "no-facts", f"no facts are kept in {folder}", "start the fabric with `treadle up`, or name a --workspace"
        )
    with Trail.of_folder(folder) as trail:
        facts = trail.find(id)
    if not facts:
        raise UnknownIdError(
            "unknown-id",
            f"nothing is known under {id}",
            "facts appear within a second of the call: ask again; `treadle audit` lists the newest, with their traces",
        )
    if format == "json":
        from treadle.facts.line import as_json

        sys.stdout.buffer.write(as_json({"id": id, "facts": facts}))
    else:
        click.echo(draw(grow(facts)))
