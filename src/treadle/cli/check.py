"""`treadle check`: the offline verdict on a workspace, or on single files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.base.printable import printable
from treadle.cli.options import environment_option, format_option, workspace_option

if TYPE_CHECKING:
    from treadle.contract.finding import Finding
    from treadle.contract.model import Contract, Place

LIVE = (".treadle", "live")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@workspace_option
@environment_option
@format_option("json")
def command(files: tuple[Path, ...], workspace: str | None, environment: str, format: str) -> None:
    """Say offline what is wrong with a workspace, where, and how to mend it.

    With FILES, says only what concerns these; outside of any workspace they are checked by themselves. Nothing is
    started and nothing is fetched. Exits 0 where all is well (warnings included), 1 where a policy is violated, 3 where
    something is no valid contract or setting.
    """
    from treadle.check.run import exit_code

    root = workspace_of(workspace, files)
    contracts, findings = check_loose(files) if root is None else check_workspace(root, environment, files)
    click.echo(_json(contracts, findings) if format == "json" else _text(findings), nl=False)
    click.echo(_summary(contracts, findings), err=True)
    sys.exit(exit_code(findings))


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


def check_workspace(
    root: Path, environment: str, only: Sequence[Path] = ()
) -> tuple[Sequence[Contract], Sequence[Finding]]:
    """Everything that can be said: reading, lint, conflicts, and what changed since a contract last went live.

    `only` narrows what is said, not what is looked at.
    """
    import datetime as dt

    from treadle.check.conflicts import conflicts
    from treadle.check.diff import compare
    from treadle.check.run import check_contract
    from treadle.contract.workspace import read_workspace
    from treadle.control.checkout import read_checkout
    from treadle.registry.live import LiveSet

    checkout = read_checkout(root)
    names = {printable(_existing(each).resolve().relative_to(root).as_posix()) for each in only}
    read, findings = read_workspace(checkout.files, environment=environment, unread=checkout.findings)
    live = {each.id: each for each in LiveSet(root.joinpath(*LIVE)).contracts()}
    found = [*findings, *conflicts(read.contracts, read.settings, serving=live)]
    for contract in read.contracts:
        found += check_contract(contract)
        if contract.id in live:
            found += compare(live[contract.id], contract, dt.datetime.now(tz=dt.UTC).date())

    def told(place: Place) -> bool:
        return not names or printable(place.file) in names

    return [each for each in read.contracts if told(each.place)], sorted(each for each in found if told(each.place))


def check_loose(files: Iterable[Path]) -> tuple[Sequence[Contract], Sequence[Finding]]:
    """Files outside of any workspace: reading, lint, and conflicts between them. Names are shown from here."""
    from treadle.check.conflicts import conflicts
    from treadle.check.run import check_contract
    from treadle.contract.read import read_contract
    from treadle.control.checkout import LooseFiles

    contracts: list[Contract] = []
    found: list[Finding] = []
    here = Path.cwd().resolve()
    for file in files:
        path = _existing(file).resolve()
        root = here if path.is_relative_to(here) else path.parent
        contract, findings = read_contract(path.relative_to(root).as_posix(), LooseFiles(root))
        found += findings
        if contract is not None:
            contracts.append(contract)
            found += check_contract(contract)
    return contracts, sorted([*found, *conflicts(contracts)])


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


def _text(findings: Iterable[Finding]) -> str:
    """A line a finding, as editors and terminals link it, and how to mend it below."""
    return "".join(f"{each}\n" + (f"    hint: {printable(each.hint)}\n" if each.hint else "") for each in findings)


def _json(contracts: Iterable[Contract], findings: Iterable[Finding]) -> str:
    import orjson

    report: dict[str, Any] = {
        "contracts": [
            {"id": each.id, "version": each.version, "digest": each.digest, "file": each.place.file}
            for each in contracts
        ],
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity.value,
                "file": each.place.file,
                "line": each.place.line,
                "column": each.place.column,
                "message": each.message,
                "hint": each.hint,
                "contract": each.contract,
            }
            for each in findings
        ],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _summary(contracts: Sequence[Contract], findings: Sequence[Finding]) -> str:
    counts = {
        word: sum(each.severity == severity for each in findings)
        for severity, word in (("invalid", "invalid"), ("block", "blocking"), ("warn", "warning"))
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to complain about"
    return f"{len(contracts)} contract{'' if len(contracts) == 1 else 's'} read: {said}"
