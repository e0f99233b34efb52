"""`--format` and `--out`: where a report goes, and in which form; several at once."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle import __version__

if TYPE_CHECKING:
    from treadle.check.report import Report

FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--format` for stdout and `--out FORMAT=FILE`, any number of times; both go to `emit`."""
    command = click.option(
        "--out",
        "outs",
        multiple=True,
        metavar="FORMAT=FILE",
        help="Write the report to a file too, in any format: --out sarif=treadle.sarif",
    )(command)
    return click.option("--format", "format", type=click.Choice(FORMATS), default="text", show_default=True)(command)


def emit(
    report: Report, verb: str, format: str, outs: tuple[str, ...], *, json: Callable[[], str], text: str | None = None
) -> None:
    """Write the report to stdout and to each file. `json` makes the verb's own JSON, `text` its text where it has one.

    Raises UsageError `bad-output` for an unknown format, and where a file cannot be written.
    """
    targets = [_target(each) for each in outs]
    made: dict[str, str] = {}

    def rendered(name: str, colour: bool) -> str:
        if name == "text" and text is not None:
            return text
        if name == "json":
            return made.setdefault(name, json())
        return _render(name, report, verb, colour=colour)

    for name, file in targets:
        _write(file, rendered(name, colour=False))
    click.echo(rendered(format, colour=coloured()), nl=False)


def coloured() -> bool:
    """Whether stdout is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _render(format: str, report: Report, verb: str, *, colour: bool) -> str:
    from treadle.check.output import Tool, render

    return render(format, report, Tool(verb, __version__, _texts() if format == "sarif" else {}, colour=colour))


def _texts() -> Mapping[str, str]:
    from treadle.cli.explain import texts_by_id

    return texts_by_id()


def _target(out: str) -> tuple[str, Path]:
    from treadle.base.errors import UsageError

    name, _, file = out.partition("=")
    if name not in FORMATS or not file:
        raise UsageError(
            "bad-output", f"--out {out} names no format and file", f"FORMAT is one of {', '.join(FORMATS)}"
        )
    return name, Path(file)


def _write(file: Path, text: str) -> None:
    from treadle.base.errors import UsageError
    from treadle.base.files import write_atomically

    try:
        if not file.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if file.is_file() or not file.exists():
            write_atomically(file, text.encode(), durable=False)  # a full disk leaves the last report as it was
        else:
            file.write_text(text, encoding="utf-8")  # a pipe or a device
    except OSError as why:
        raise UsageError(
            "bad-output", f"{file}: {why.strerror}", "name a file in a folder that you may write"
        ) from None
