"""`treadle diff`: what changed between two versions of a document, whom it breaks, and which version that asks for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.base.printable import printable
from treadle.cli.output import coloured, emit, output_options

if TYPE_CHECKING:
    from treadle.check.diff.change import Side
    from treadle.check.diff.modes import Promise
    from treadle.check.diff.report import Comparison
    from treadle.check.report import Report
    from treadle.control.edition import Edition

KINDS = ("openapi", "asyncapi", "json-schema")
MODES = ("BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE")
LEVELS = ("error", "warning", "info")


@click.command()
@click.argument("versions", nargs=-1, required=True, type=click.Path(readable=False), metavar="OLD... NEW")
@click.option("--kind", type=click.Choice(KINDS), help="What the documents are, where they do not say it themselves.")
@click.option(
    "--mode",
    type=click.Choice(MODES, case_sensitive=False),
    help="Who must not break; else what the new version says, else BACKWARD.",
)
@click.option(
    "--policy",
    type=click.Choice(("strict", "evolution")),
    help="How events and JSON Schemas are read; else what the new version says, else evolution.",
)
@click.option("--fail-on", type=click.Choice(LEVELS), default="error", show_default=True, help="From which level on.")
@click.option("--all", "--verbose", "all_levels", is_flag=True, help="Show what breaks nobody too.")
@output_options
def command(  # noqa: PLR0917 - click gives them by name
    versions: tuple[str, ...],
    kind: str | None,
    mode: str | None,
    policy: str | None,
    fail_on: str,
    all_levels: bool,
    format: str,
    outs: tuple[str, ...],
) -> None:
    """Say what changed from OLD to NEW, whom it breaks, and which semantic version it asks for.

    Each is a file, REVISION:FILE of git (HEAD~1:api.yaml), or - for standard input. With a transitive mode several OLD
    may stand before NEW, the latest last. Exits 0 where they are compatible, 1 where not or where info.version was
    raised by too little, 3 where a document cannot be read.
    """
    from treadle.base.errors import UsageError
    from treadle.check.diff.text import render
    from treadle.contract.parse import InvalidDocument
    from treadle.control.edition import read_edition

    if len(versions) < 2:
        raise UsageError("one-version", "there is nothing to compare with", "name two versions: treadle diff OLD NEW")
    if versions.count("-") > 1:
        raise UsageError("one-version", "standard input holds one version only", "name a file for the others")
    editions = [read_edition(each, Path.cwd()) for each in versions]
    try:
        comparison = compare_editions(editions, kind, mode, policy, informed=True)
    except InvalidDocument as error:
        for finding in error.findings:
            click.echo(f"{finding}" + (f"\n    hint: {printable(finding.hint)}" if finding.hint else ""), err=True)
        sys.exit(error.exit_code)
    emit(
        report_of(comparison, all_levels=all_levels),
        "diff",
        format,
        outs,
        json=lambda: _json(comparison),
        text=render(comparison, all_levels=all_levels, colour=format == "text" and not outs and coloured()),
    )
    failing = LEVELS[: LEVELS.index(fail_on) + 1]
    too_low = comparison.verdict.understated
    sys.exit(1 if too_low or any(each.level.value in failing for each in comparison.changes) else 0)


def compare_editions(
    editions: Sequence[Edition], kind: str | None, mode: str | None, policy: str | None, *, informed: bool
) -> Comparison:
    """The last edition against the one before, or against each where the mode is transitive.

    Raises InputError where one is no document, and UsageError `not-transitive` for several without such a mode.
    """
    import datetime as dt

    from treadle.base.errors import UsageError
    from treadle.check.diff.documents import compare_documents, family_of
    from treadle.check.diff.report import merged
    from treadle.contract.dialect import Family

    sides = [side_of(each) for each in editions]
    promise = _promise(sides[-1], mode, policy)
    if len(sides) > 2 and not promise.mode.transitive:
        raise UsageError(
            "not-transitive", f"{promise.mode} looks at one older version", f"add --mode {promise.mode}_TRANSITIVE"
        )
    today = dt.datetime.now(tz=dt.UTC).date()
    found: list[Comparison] = []
    for old, edition in zip(sides[:-1], editions[:-1], strict=True):
        family = Family(kind) if kind else family_of(old, sides[-1])
        comparison = compare_documents(old, sides[-1], family, promise, today, informed=informed)
        found.append(comparison.shown(edition.shown, editions[-1].shown))
    return merged(found)


def side_of(edition: Edition) -> Side:
    """A version, read. What only loaders differ about is no matter here. Raises `InvalidDocument`."""
    from treadle.check.diff.change import Side
    from treadle.contract.library import Library

    library = Library(edition.files, tolerant=True)
    library.document(edition.file)
    return Side(library, edition.file)


def report_of(comparison: Comparison, *, all_levels: bool = False) -> Report:
    """As findings, for the formats that every report of treadle has; what the version says is one of them."""
    from treadle.check.diff.contracts import version_findings
    from treadle.check.report import Report

    findings = [each.finding() for each in comparison.changes if all_levels or each.level.value != "info"]
    if comparison.verdict.understated:
        findings += version_findings(comparison.verdict, comparison.version_place)
    return Report(tuple(findings))


def _promise(new: Side, mode: str | None, policy: str | None) -> Promise:
    from treadle.check.diff.modes import Mode, Policy, Promise, promise_of

    said = promise_of(new.library.root(new.file).value)
    return Promise(Mode(mode.upper()) if mode else said.mode, Policy(policy) if policy else said.policy)


def _json(comparison: Comparison) -> str:
    import orjson

    from treadle.check.diff.report import as_json

    return orjson.dumps(as_json(comparison), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
