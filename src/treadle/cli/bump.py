"""`treadle bump`: the version that the changes since the last one ask for, said or written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.base.printable import printable

if TYPE_CHECKING:
    from treadle.check.diff.report import Comparison
    from treadle.check.diff.verdict import Verdict
    from treadle.control.edition import Edition


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(readable=False), metavar="FILE...")
@click.option("--check", "checking", is_flag=True, help="Exit 1 where a declared version says too little.")
@click.option("--write", "writing", is_flag=True, help="Write info.version where it says too little.")
@click.option(
    "--against",
    default="HEAD",
    show_default=True,
    metavar="REVISION|FILE",
    help="The version before: a commit of git that has the file, or a file.",
)
def command(files: tuple[str, ...], checking: bool, writing: bool, against: str) -> None:
    """Say which version the changes in FILE ask for, and write it.

    What changed is judged against the last commit, without git against what is live, or against what --against names.
    Only the version itself is written; the rest of the file keeps its form. A breaking change to a contract whose file
    or paths say its major is never written: the new major is a new file.
    """
    from treadle.base.errors import UsageError

    if checking and writing:
        raise UsageError("check-and-write", "--check looks and --write writes", "give one of them")
    too_low = False
    for file in files:
        low = _one(file, against, writing=writing)
        too_low = too_low or low
    sys.exit(1 if too_low and (checking or writing) else 0)


def _one(file: str, against: str, *, writing: bool) -> bool:
    """Say, and perhaps write, one version; whether it still says too little."""
    from treadle.cli.diff import compare_editions
    from treadle.control.edition import read_edition

    edition = read_edition(file, Path.cwd())
    before = _before(file, against)
    if before is None:
        click.echo(f"{printable(file)}: new, nothing to compare with")
        return False
    comparison = compare_editions([before, edition], None, None, None, informed=False)
    verdict = comparison.verdict
    if verdict.suffices or not verdict.to_write:
        click.echo(f"{printable(file)}: {verdict}")
        return False
    side_way = _new_major(file, comparison, edition)
    if side_way:
        click.echo(f"{printable(file)}: {verdict}; {side_way}")
        return True
    if not writing:
        click.echo(f"{printable(file)}: {verdict}; write info.version: {verdict.to_write}")
        return True
    _write(file, edition, verdict)
    return False


def _before(file: str, against: str) -> Edition | None:
    """The version to compare with; None where the revision has no such file yet."""
    from treadle.base.errors import InputError
    from treadle.control.edition import at_revision, read_edition
    from treadle.control.git import is_revision, top_of

    if (Path.cwd() / against).is_file() or ":" in against:
        return read_edition(against, Path.cwd())
    folder = Path(file).resolve().parent
    if top_of(folder) is None:
        return _live(file, folder)
    if not is_revision(folder, against):
        raise InputError("no-such-file", f"git knows no commit {printable(against)}", "name a commit, branch or tag")
    try:
        return at_revision(against, f"./{Path(file).name}", folder)
    except InputError:
        return None


def _live(file: str, folder: Path) -> Edition | None:
    """Without git: the version that is live in the workspace; None where the contract is not. Raises InputError."""
    from treadle.base.errors import InputError
    from treadle.control.checkout import find_workspace
    from treadle.control.edition import Edition
    from treadle.control.state import State
    from treadle.registry.live import LiveSet

    try:
        root = find_workspace(None, folder)
    except InputError:
        raise InputError(
            "no-git",
            f"{printable(file)} lies in no git repository and in no workspace",
            "name the version before with --against FILE",
        ) from None
    name = Path(file).resolve().relative_to(root).as_posix()
    for contract in LiveSet(State(root).live).contracts():
        if contract.place.file == name:
            return Edition(name, contract.sources, "live:")
    return None


def _new_major(file: str, comparison: Comparison, edition: Edition) -> str:
    """What a breaking change needs where the major stands in the file's name or in its paths; else empty."""
    from treadle.check.diff.majors import majors
    from treadle.cli.diff import side_of
    from treadle.contract.read import FILE_NAME
    from treadle.contract.version import Bump, read_version

    verdict = comparison.verdict
    old = read_version(verdict.old)
    if old is None or verdict.required is not Bump.MAJOR:
        return ""
    name = FILE_NAME.match(Path(file).name)
    if name:
        wanted = f"{name['name']}.v{old.major + 1}.{name['kind']}{Path(file).suffix}"
        return f"undo the change here, and write {wanted} with version {verdict.to_write} next to it"
    side = side_of(edition)
    said = [text for text, major in majors(side.library.root(side.file).value) if major == old.major]
    if said:
        return f"a new major has paths of its own: leave `{printable(said[0])}`, and add v{old.major + 1} beside it"
    return ""


def _write(file: str, edition: Edition, verdict: Verdict) -> None:
    from treadle.base.files import write_atomically
    from treadle.contract.raise_version import with_version

    made = with_version(edition.file, edition.files[edition.file], verdict.to_write)
    write_atomically(Path(file), made)
    click.echo(f"{printable(file)}: {verdict}; wrote {verdict.to_write}")
