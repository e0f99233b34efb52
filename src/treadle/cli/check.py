"""`treadle check`: the offline verdict on a workspace, or on single files."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.base.printable import printable
from treadle.cli.options import environment_option, workspace_option
from treadle.cli.output import emit, output_options

if TYPE_CHECKING:
    from treadle.check.gate import Checked
    from treadle.contract.finding import Finding
    from treadle.contract.model import Contract, Place

LIVE = (".treadle", "live")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@workspace_option
@environment_option
@click.option(
    "--baseline", metavar="REF", help="Say only what is new since a revision of git: a branch, tag or commit."
)
@output_options
def command(  # noqa: PLR0917 - an argument an option
    files: tuple[Path, ...],
    workspace: str | None,
    environment: str,
    baseline: str | None,
    format: str,
    outs: tuple[str, ...],
) -> None:
    """Say offline what is wrong with a workspace, where, and how to mend it.

    Contracts are checked by the rulesets in standards/*.spectral.yaml, else by treadle:api and treadle:events, and
    compared with the version that is live, else with that of --baseline. With FILES, says only what concerns these;
    outside of any workspace they are checked by themselves. Nothing is started and nothing is fetched. Exits 0 where
    all is well (warnings included), 1 where a policy is violated, 3 where something is no valid contract or setting.
    """
    from treadle.check.output.text import summary
    from treadle.check.run import exit_code

    root = workspace_of(workspace, files)
    checked = check_files(files, baseline) if root is None else check_folder(root, environment, files, baseline)
    emit(checked.report, "check", format, outs, json=lambda: _json(checked))
    count = len(checked.contracts)
    click.echo(f"{count} contract{'' if count == 1 else 's'} read: {summary(checked.report)}", err=True)
    sys.exit(exit_code(checked.report.findings))


def workspace_of(workspace: str | None, files: Sequence[Path]) -> Path | None:
    """The workspace to check; None where files were named that lie in none. Raises InputError `no-workspace`."""
    from treadle.base.errors import InputError
    from treadle.control.checkout import find_workspace

    if not files:
        return find_workspace(workspace, Path.cwd())
    try:
        root = find_workspace(workspace, files[0].absolute().parent)
    except InputError:
        if workspace:
            raise
        return None
    return root if all(each.resolve().is_relative_to(root) for each in files) else None


def check_folder(root: Path, environment: str, only: Sequence[Path] = (), baseline: str | None = None) -> Checked:
    """A workspace as it is on disk, against the contracts that last went live, and a revision where one is named.

    A contract that is not live here is compared with its version at that revision, so that a pipeline, where nothing is
    live, tells what a change breaks.

    `only` narrows what is said, not what is looked at. Raises InputError.
    """
    from treadle.check.gate import Checked, check_workspace, only_new
    from treadle.check.report import Report
    from treadle.check.run import is_ruleset
    from treadle.control.checkout import ROOT, read_checkout
    from treadle.control.functions import python_function
    from treadle.control.history import files_at, renamed_since
    from treadle.registry.live import LiveSet

    checkout = read_checkout(root)
    names = {printable(_existing(each).resolve().relative_to(root).as_posix()) for each in only}
    live = LiveSet(root.joinpath(*LIVE)).contracts(whole=False)
    today = _today()

    def judged(files: Mapping[str, bytes], serving: Sequence[Contract], unread: Sequence[Finding] = ()) -> Checked:
        return check_workspace(files, today, environment=environment, live=serving, unread=unread, find=python_function)

    if baseline is None:
        checked = judged(checkout.files, live, checkout.findings)
    else:
        then = files_at(root, baseline)
        renamed = renamed_since(root, baseline, then, checkout.files)
        # By the rules of today: what a new rule finds in old text is not new.
        rulesets = {file: data for file, data in checkout.files.items() if is_ruleset(file)}
        before = judged({**then, **rulesets}, live) if ROOT in then else Checked((), Report(()))
        # Where nothing is live, as in a pipeline, the revision is what others rely on.
        running = {each.id for each in live}
        relied_on = (*live, *(each for each in before.contracts if each.id not in running))
        checked = only_new(judged(checkout.files, relied_on, checkout.findings), before, baseline, renamed)

    def told(place: Place) -> bool:
        return not names or printable(place.file) in names

    return Checked(
        tuple(each for each in checked.contracts if told(each.place)),
        replace(
            checked.report,
            findings=tuple(each for each in checked.report.findings if told(each.place)),
            exemptions=tuple(each for each in checked.report.exemptions if told(each.place)),
        ),
    )


def check_files(files: Iterable[Path], baseline: str | None = None) -> Checked:
    """Files outside of any workspace. Names are shown from here. Raises InputError."""
    from treadle.check.gate import check_loose, only_new
    from treadle.control.checkout import LooseFiles
    from treadle.control.history import LooseFilesAt

    here = Path.cwd().resolve()
    roots = {
        path: here if path.is_relative_to(here) else path.parent for path in map(Path.resolve, map(_existing, files))
    }
    named = {path: path.relative_to(root).as_posix() for path, root in roots.items()}
    now = [(named[path], LooseFiles(root)) for path, root in roots.items()]
    if baseline is None:
        return check_loose(now, _today())
    then = [(named[path], LooseFilesAt(root, baseline)) for path, root in roots.items()]
    before = check_loose(((name, each) for name, each in then if name in each), _today())
    checked = check_loose(now, _today(), live=before.contracts)
    return only_new(checked, before, baseline, {})


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()


def _existing(file: Path) -> Path:
    from treadle.base.errors import InputError

    if not file.is_file():
        raise InputError(
            "no-such-file",
            f"there is no file {printable(str(file))}",
            "name a contract, or a workspace with --workspace",
        )
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise InputError(
            "no-such-file",
            f"{printable(str(file))} is no YAML or JSON",
            "a contract ends in .yaml, .yml or .json",
        )
    return file


def _json(checked: Checked) -> str:
    import orjson

    report: dict[str, Any] = {
        "contracts": [
            {"id": each.id, "version": each.version, "digest": each.digest, "file": each.place.file}
            for each in checked.contracts
        ],
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity.value,
                **_spot(each.place),
                "message": each.message,
                "hint": each.hint,
                "contract": each.contract,
            }
            for each in checked.report.findings
        ],
        "exemptions": [
            {
                "rule": each.rule,
                "origin": each.origin,
                **_spot(each.place),
                "reason": each.reason,
                "until": each.until,
                "expired": each.expired,
                "count": each.count,
            }
            for each in checked.report.exemptions
        ],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _spot(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
