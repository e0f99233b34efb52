"""`treadle lint`: Spectral rulesets over documents, in a workspace or anywhere else."""

from __future__ import annotations

import contextlib
import datetime as dt
import posixpath
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.base.printable import printable
from treadle.cli.output import emit, output_options

if TYPE_CHECKING:
    from treadle.check.exemptions import Ignores
    from treadle.check.lint.order import Placed
    from treadle.check.lint.result import Result
    from treadle.check.report import Report
    from treadle.contract.library import Library
    from treadle.contract.place import Place

LEVELS = ("error", "warn", "info", "hint")
STOCK = ("spectral:oas", "spectral:asyncapi", "treadle:asyncapi", "treadle:jsonschema")
"""What is linted by where nobody says otherwise."""

_RULESETS = (".spectral.yaml", ".spectral.yml", ".spectral.json", "spectral.yaml", "spectral.yml", "spectral.json")
_SUFFIXES = (".yaml", ".yml", ".json")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "--ruleset",
    "-r",
    "rulesets",
    multiple=True,
    type=click.Path(readable=False),
    metavar="FILE|NAME",
    help="A Spectral ruleset (YAML or JSON), or one that ships: spectral:oas, spectral:asyncapi, treadle:api, … "
    "Several are merged, later ones win.",
)
@click.option(
    "--fail-severity",
    "-F",
    type=click.Choice(LEVELS),
    default="error",
    show_default=True,
    help="Exit with 1 from this severity on.",
)
@click.option("--baseline", metavar="REF", help="Say only what is new since a revision of git (a branch, a tag).")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend, before anything is said.")
@click.option("--dry-run", is_flag=True, help="With --fix: print what it would change, and change nothing.")
@click.option("--display-only-failures", "-D", is_flag=True, help="Leave out what is below --fail-severity.")
@output_options
def command(  # noqa: PLR0917 - an argument an option
    files: tuple[str, ...],
    rulesets: tuple[str, ...],
    fail_severity: str,
    baseline: str | None,
    fix: bool,
    dry_run: bool,
    display_only_failures: bool,
    format: str,
    outs: tuple[str, ...],
) -> None:
    """Lint FILES (globs and folders too) by Spectral rulesets, matching @stoplight/spectral-cli 6.16.3.

    Without --ruleset: the .spectral.yaml of this folder or one above; in a workspace standards/*.spectral.yaml; else
    the stock rulesets. JSON output is one array in Spectral's own shape. Nothing is fetched, and no JavaScript is run.
    Exits 0 where nothing reaches --fail-severity, 1 where something does, 3 where a file or ruleset cannot be read.
    """
    import orjson

    from treadle.check.exemptions import Ignores
    from treadle.check.lint.order import spectral_json
    from treadle.check.lint.ruleset.problems import BadRuleset
    from treadle.check.output.text import summary
    from treadle.contract.finding import Severity

    bound = LEVELS.index(fail_severity)
    names = [name for each in files for name in expand(each)]
    ignores = Ignores((), dt.datetime.now(tz=dt.UTC).date())
    try:
        if fix or dry_run:
            mend(names, rulesets, write=not dry_run)
        found = lint_files(names, rulesets, ignores)
        if baseline is not None:
            found = new_since(baseline, found, names, rulesets, ignores)
    except BadRuleset as bad:
        for problem in bad.findings if len(bad.findings) > 1 else ():
            click.echo(f"{problem}" + (f"\n    hint: {printable(problem.hint)}" if problem.hint else ""), err=True)
        raise
    shown = [each for each in found if each.result.level <= bound or not display_only_failures]
    report = _report(shown, ignores)
    failing = any(each.result.level <= bound for each in found)
    failing = failing or any(each.severity is Severity.BLOCK for each in report.findings)  # exceptions that are none

    def json() -> str:
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps([spectral_json(each) for each in shown], option=option).decode()

    emit(report, "lint", format, outs, json=json)
    count = len(set(names))
    click.echo(f"{count} file{'' if count == 1 else 's'} linted: {summary(report)}", err=True)
    sys.exit(1 if failing else 0)


def expand(name: str) -> list[str]:
    """The files that one argument names: itself, those that a glob matches, or those below a folder.

    Raises InputError `no-such-file`.
    """
    from treadle.base.errors import InputError

    path = Path(name)
    if path.is_file():
        return [name]
    found = []
    if path.is_dir():
        found = [each for each in path.rglob("*") if not any(part.startswith(".") for part in each.parts[:-1])]
    elif any(mark in name for mark in "*?["):
        found = list(Path(path.anchor or ".").glob(name.removeprefix(path.anchor)))
    chosen = sorted(str(each) for each in found if each.suffix in _SUFFIXES and each.is_file())
    if not chosen:
        raise InputError(
            "no-such-file",
            f"no YAML or JSON is in {printable(name)}" if found or path.is_dir() else f"there is no {printable(name)}",
            "nothing is fetched: download it, and name the file"
            if "://" in name
            else "name a document, a folder with some, or a quoted glob",
        )
    return chosen


def lint_files(
    names: Sequence[str], rulesets: Sequence[str] = (), ignores: Ignores | None = None, revision: str | None = None
) -> list[Placed]:
    """Every result of every file, in Spectral's order. Files go by their absolute path.

    `ignores` takes the exceptions of the documents in, and holds back what they cover. With a `revision` of git files
    are read as they were, and those that were not there are passed over.

    Raises `BadRuleset`, and InputError where a file cannot be read.
    """
    from treadle.check.lint.engine import linter
    from treadle.check.lint.excepting import ExceptingLinter, excepting
    from treadle.check.lint.order import placed
    from treadle.contract.library import Library
    from treadle.control.documents import Documents, root_of
    from treadle.control.functions import python_function

    here = Path.cwd()
    files = tuple(sorted({_absolute(each) for each in names}))
    ready = linter(*_rulesets(rulesets or default_rulesets(here), here), python_function)
    if ignores is not None:
        ready = excepting(ready, ignores.today, python_function)
        if isinstance(ready, ExceptingLinter):
            ignores.also(ready)
    libraries: dict[Path, Library] = {}
    found: list[Placed] = []
    for file in files:
        root = root_of(Path(file), here)
        if root not in libraries:
            documents = Documents(root, files) if revision is None else _documents_at(root, revision)
            libraries[root] = Library(documents, tolerant=True)
        try:
            results: Iterable[Result] = ready.lint(libraries[root], file)
        except KeyError:
            if revision is not None:
                continue
            raise _unreadable(file) from None
        if ignores is not None:
            results = uncovered(results, libraries[root], ignores)
        found += placed(results, libraries[root])
    return found


def new_since(
    revision: str, found: Sequence[Placed], names: Sequence[str], rulesets: Sequence[str], ignores: Ignores
) -> list[Placed]:
    """The results that were not there at a revision; `ignores` reports the others."""
    from treadle.check.baseline import KnownBefore, print_of

    known = KnownBefore(
        revision, Counter(print_of(each.result) for each in lint_files(names, rulesets, None, revision))
    )
    new = {id(each) for each in known.new(each.result for each in found)}
    ignores.also(known)
    return [each for each in found if id(each.result) in new]


def _documents_at(root: Path, revision: str) -> Mapping[str, bytes]:
    from treadle.control.history import DocumentsAt

    return DocumentsAt(root, revision)


def uncovered(results: Iterable[Result], library: Library, ignores: Ignores) -> list[Result]:
    """The results that no exception in the files read so far covers."""
    from treadle.check.exemptions import may_ignore
    from treadle.contract.parse import InvalidDocument
    from treadle.contract.pointer import pointer

    excepting = [file for file, data in library.files.items() if may_ignore(data)]
    for file in excepting:
        with contextlib.suppress(InvalidDocument):
            ignores.add(library.document(file))
    if not excepting:
        return list(results)
    return [each for each in results if not ignores.covers(each.file, each.code, pointer(*each.path))]


def mend(names: Sequence[str], rulesets: Sequence[str], *, write: bool) -> None:
    """`--fix`: mend each file as far as that is safe; show the difference where nothing is to be written."""
    import difflib

    from treadle.base.files import write_atomically
    from treadle.check.lint.engine import linter
    from treadle.check.lint.fix import fix
    from treadle.contract.library import Library
    from treadle.control.documents import Documents, root_of
    from treadle.control.functions import python_function

    here = Path.cwd()
    ready = linter(*_rulesets(rulesets or default_rulesets(here), here), python_function)
    for file in sorted({_absolute(each) for each in names}):
        root = root_of(Path(file), here)

        def lint(data: bytes, file: str = file, root: Path = root) -> Sequence[Result]:
            return ready.lint(Library(Documents(root, (file,), {file: data}), tolerant=True), file)

        try:
            data = Documents(root, (file,))[file]
        except KeyError:
            raise _unreadable(file) from None
        fixed = fix(file, data, lint)
        for each in fixed.mended:
            said = each.replace(file, _shown(file))
            click.echo(printable(f"{'mended' if write else 'would mend'} {said}"), err=True)
        if not write:
            before, after = (text.decode(errors="replace").splitlines() for text in (data, fixed.data))
            for line in difflib.unified_diff(before, after, _shown(file), _shown(file), lineterm=""):
                click.echo(printable(line))
        elif fixed.data != data:
            write_atomically(Path(file).resolve(), fixed.data, mode=stat.S_IMODE(Path(file).stat().st_mode))


def default_rulesets(here: Path) -> tuple[str, ...]:
    """What to lint by in a folder where nobody says."""
    for folder in (here, *here.parents):
        for name in _RULESETS:
            if (folder / name).is_file():
                return (str(folder / name),)
        if (folder / "treadle.yaml").is_file():
            own = sorted(str(each) for each in (folder / "standards").glob("*.spectral.yaml"))
            return tuple(own) or STOCK
    return STOCK


def _rulesets(names: Sequence[str], here: Path) -> tuple[list[str], Mapping[str, bytes]]:
    """Rulesets by absolute path or shipped name, and where to read them and what they extend.

    Raises InputError `no-such-file`.
    """
    from treadle.base.errors import InputError
    from treadle.base.nearest import nearest
    from treadle.check.lint.ruleset.shipped import SHIPPED
    from treadle.control.documents import Documents

    for name in names:
        if name.partition(":")[0] in ("spectral", "treadle") and name not in SHIPPED and not Path(name).is_file():
            meant = nearest(name, SHIPPED) or "one of " + ", ".join(SHIPPED)
            raise InputError(
                "no-such-file", f"no ruleset {printable(name)} ships with treadle", f"did you mean {meant}?"
            )
    absolute = [name if name in SHIPPED or "://" in name else _absolute(name) for name in names]
    return absolute, Documents(Path(here.anchor), tuple(absolute))


def _absolute(name: str) -> str:
    """Without `..`, and with links as they are: results name a file as it was asked for."""
    return posixpath.normpath(Path(name).absolute().as_posix())


def _unreadable(file: str) -> Exception:
    from treadle.base.errors import InputError

    return InputError("no-such-file", f"{printable(file)} cannot be read", "name a regular file of at most 32 MB")


def _report(found: Sequence[Placed], ignores: Ignores) -> Report:
    """As findings, for the formats that are not Spectral's own, with the exceptions. Names are shown from here."""
    from treadle.check.lint.result import Level
    from treadle.check.report import Report
    from treadle.contract.finding import Finding, Severity
    from treadle.contract.place import Place

    severities = {Level.ERROR: Severity.BLOCK, Level.WARN: Severity.WARN}
    shown = {file: _shown(file) for file in {each.result.file for each in found}}
    findings = [
        Finding(
            Place(shown[each.result.file], each.range[0][0] + 1, each.range[0][1] + 1),
            each.result.code,
            severities.get(each.result.level, Severity.INFO),
            each.result.message,
        )
        for each in found
    ]
    faults = (replace(each, place=_near(each.place)) for each in ignores.faults())
    exemptions = (replace(each, place=_near(each.place)) for each in ignores.met())
    return Report((*findings, *faults), tuple(exemptions))


def _near(place: Place) -> Place:
    return replace(place, file=_shown(place.file))


def _shown(file: str) -> str:
    here = Path.cwd().as_posix()
    return file.removeprefix(f"{here}/")
