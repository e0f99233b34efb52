"""`treadle init`: a workspace that passes check and runs."""

from __future__ import annotations

import re
import string
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from treadle.base.printable import printable

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_NAME_HINT = "use a-z, 0-9 and -, and begin with a letter: `treadle init my-fabric`"
_HIDDEN = {"gitignore": ".gitignore"}
"""Files that packaging tools treat in their own way when they are named as they will be."""


class _Skeleton(string.Template):
    """`@@name` instead of `$name`: contracts are full of `$ref`."""

    delimiter = "@@"


@click.command()
@click.argument("name")
def command(name: str) -> None:
    """Make the workspace NAME: one API, one event, and everything around them, commented."""
    folder = create_workspace(_folder(name))
    click.echo(f"made {name}: one API contract, one event contract, a service and a consumer", err=True)
    click.echo(f"next:  cd {name} && treadle check && treadle up", err=True)
    click.echo(folder)


def _folder(name: str) -> Path:
    """The folder that was named. Raises UsageError: nothing at all would mean the current folder."""
    from treadle.base.errors import UsageError

    if not name.strip() or printable(name) != name:
        said = f"`{printable(name)}`" if name.strip() else "an empty name"
        raise UsageError("bad-name", f"{said} is no folder's name", _NAME_HINT)
    return Path(name)


def create_workspace(folder: Path) -> Path:
    """Fill a new or empty folder; its last part becomes the workspace's name. Raises UsageError."""
    from importlib import resources

    from treadle.base.errors import UsageError

    try:
        name = folder.resolve().name
        if not _NAME.match(name):
            raise UsageError("bad-name", f"`{printable(name)}` is no workspace name", _NAME_HINT)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            said = f"{printable(str(folder))} is there and not empty"
            raise UsageError("folder-not-empty", said, "name a new folder")
        _render(resources.files("treadle.cli") / "templates" / "workspace", folder, name)
    except OSError as error:
        raise UsageError(
            "folder-not-writable", f"{printable(str(folder))}: {error.strerror}", "choose a folder that you may write"
        ) from None
    return folder.resolve()


def _render(source: Traversable, target: Path, name: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for each in source.iterdir():
        to = target / _HIDDEN.get(each.name, each.name)
        if each.is_dir():
            _render(each, to, name)
        else:
            to.write_text(_Skeleton(each.read_text(encoding="utf-8")).substitute(name=name), encoding="utf-8")
