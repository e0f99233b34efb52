"""Options that several verbs share, and what they resolve to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from treadle.control.state import State

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

workspace_option: Decorator = click.option(
    "--workspace",
    "-w",
    metavar="DIR",
    help="The workspace; else TREADLE_WORKSPACE, else upwards from here to treadle.yaml.",
)
environment_option: Decorator = click.option(
    "--environment", "-e", default="local", show_default=True, help="Which overlay in environments/ to use."
)


def format_option(*formats: str) -> Decorator:
    """`--format`, text first."""
    return click.option("--format", "format", type=click.Choice(("text", *formats)), default="text", show_default=True)


def state_of(workspace: str | None) -> State:
    """The state of the workspace that the options name. Raises InputError `no-workspace`."""
    from treadle.control.checkout import find_workspace
    from treadle.control.state import State

    return State(find_workspace(workspace, Path.cwd()).resolve())
