"""`treadle bundle`: one self-contained document from a file and the files that it refers to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.base.printable import printable

if TYPE_CHECKING:
    from treadle.contract.library import Library


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")
@click.option(
    "--format",
    "format",
    type=click.Choice(("yaml", "json")),
    help="Else what the name of the output says, else the format of FILE.",
)
def command(file: Path, output: Path | None, format: str | None) -> None:
    """Put FILE and whatever it refers to together in one document, which means the same.

    References to other files become references to reusable objects of the document. Files are looked for in the
    workspace that FILE lies in, else below the current folder; nothing is fetched. What is self-contained comes out as
    it is. Exits 3, and writes nothing, where a reference leads nowhere.
    """
    from treadle.contract.bundle import bundle
    from treadle.contract.parse import InvalidDocument
    from treadle.contract.problems import Problems

    name, library = library_of(file)
    problems = Problems()
    try:
        data = bundle(name, library, problems)
    except InvalidDocument as error:
        problems.extend(error.findings)
        data = None
    for finding in sorted({*problems.all(), *library.findings}):
        click.echo(str(finding), err=True)
        if finding.hint:
            click.echo(f"    hint: {printable(finding.hint)}", err=True)
    if problems.fatal:
        sys.exit(3)
    wanted = format or _format_of(output or file)
    whole = data is library.document(name).data
    text = library.files[name] if whole and wanted == _format_of(file) else _written(data, wanted)
    if output is None:
        sys.stdout.buffer.write(text)
    else:
        from treadle.base.files import write_atomically

        write_atomically(output, text, durable=False)


def library_of(file: Path) -> tuple[str, Library]:
    """A file's name in the workspace or folder that it is read with, and the tolerant library of that."""
    from treadle.base.errors import InputError
    from treadle.contract.library import Library
    from treadle.control.checkout import LooseFiles, find_workspace

    if not file.is_file():
        raise InputError("no-such-file", f"there is no file {printable(str(file))}", "name a YAML or JSON file")
    path = file.resolve()
    try:
        root = find_workspace(None, path.parent).resolve()
    except InputError:
        root = Path.cwd().resolve()
    if not path.is_relative_to(root):
        root = path.parent
    name = path.relative_to(root).as_posix()
    files = LooseFiles(root)
    if name not in files:
        raise InputError(
            "no-such-file", f"{printable(name)} is no YAML or JSON", "its name ends in .yaml, .yml or .json"
        )
    return name, Library(files, tolerant=True)


def _format_of(path: Path) -> str:
    return "json" if path.suffix == ".json" else "yaml"


def _written(data: Any, format: str) -> bytes:
    if format == "yaml":
        from treadle.contract.yaml_text import write_yaml

        return write_yaml(data).encode()
    import orjson

    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
