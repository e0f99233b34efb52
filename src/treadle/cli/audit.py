"""`treadle audit`: facts by subject, contract and time."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from treadle.base.errors import UsageError
from treadle.cli.options import format_option, state_of, workspace_option

if TYPE_CHECKING:
    from pathlib import Path

    from treadle.facts.fact import Fact

_SPAN = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_SPAN_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CONTRACT = re.compile(r"[A-Za-z0-9._-]{1,200}(@[A-Za-z0-9.+-]{1,64}(#[0-9a-f]{12})?)?")
_PSEUDONYM = re.compile(r"s_[0-9a-f]{16}")


@click.command(
    epilog="Works from the files of the workspace, whether or not the fabric runs. People's ids are never printed: a"
    " subject shows as its pseudonym."
)
@click.option("--subject", metavar="ID", default="", help="What is kept about one person: their id or pseudonym.")
@click.option("--contract", metavar="ID", default="", help="An id, id@version, or a whole stamp.")
@click.option("--since", metavar="TIME", default="", help="A span (30s, 15m, 1h, 7d, 2w) or an ISO 8601 date or time.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many, newest."
)
@workspace_option
@format_option("json")
def command(*, subject: str, contract: str, since: str, limit: int, workspace: str | None, format: str) -> None:
    """List facts, the newest last."""
    from treadle.facts.trail import Trail

    if contract and not _CONTRACT.fullmatch(contract):
        raise UsageError("invalid-contract-id", "this is not a contract's id", "for example sales.orders.v1")
    from_us = _since(since, time.time()) if since else None
    folder = state_of(workspace).facts
    pseudonym = _pseudonym(folder, subject) if subject else ""
    facts: Sequence[Fact] = ()
    if not subject or pseudonym:
        with Trail.of_folder(folder) as trail:
            facts = trail.search(subject=pseudonym, contract=contract, from_us=from_us, limit=limit)[::-1]
    if format == "json":
        from treadle.facts.line import as_json

        sys.stdout.buffer.write(as_json({"subject": pseudonym, "facts": facts}))
    else:
        _print(facts)
    if subject and not pseudonym:
        click.echo("No pseudonym is known for this subject: never seen here, or erased.", err=True)
    elif not facts:
        click.echo("No fact matches. Facts appear within a second of what they tell.", err=True)
    elif len(facts) == limit:
        click.echo(f"The newest {limit}; --limit or --since shows others.", err=True)


def _print(facts: Sequence[Fact]) -> None:
    from treadle.facts.tree import moment, words

    rows = [(moment(fact.at_us), *words(fact)[:4], fact.subject or "-", fact.trace_id or "-") for fact in facts]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(7)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _pseudonym(folder: Path, subject: str) -> str:
    """The pseudonym of an id; one that is given as such stands for itself."""
    from treadle.facts.subjects import SubjectBook

    path = folder / "subjects.sqlite"
    known = None
    if path.exists():
        with SubjectBook(path) as book:
            known = book.pseudonym(subject)
    return known or (subject if _PSEUDONYM.fullmatch(subject) else "")


def _since(text: str, now_s: float) -> int:
    """Unix time in microseconds. Raises UsageError `invalid-since`."""
    if span := _SPAN.fullmatch(text):
        return int((now_s - int(span[1]) * _SPAN_S[span[2]]) * 1e6)
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            "invalid-since", "this is neither a span nor a time", "for example 30s, 15m, 1h, 7d or 2026-11-22T12:00"
        ) from error
