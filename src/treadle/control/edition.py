"""An edition of a document: a file, a file at a revision of git (`HEAD~1:api.yaml`), or standard input (`-`)."""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from treadle.base.errors import InputError
from treadle.base.printable import printable
from treadle.control.checkout import LooseFiles
from treadle.control.git import BYTES_MAX, RevisionFiles, top_of
from treadle.control.sandbox import grant

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Edition:
    """Where a document stands: `file` among `files`. `shown` plus the name of a file is how people know it."""

    file: str
    files: Mapping[str, bytes]
    shown: str = ""


def read_edition(text: str, here: Path) -> Edition:
    """What a person means by a name. A file of that name comes before a revision.

    Raises InputError `no-such-file`, `file-too-big`, `no-git`.
    """
    if text == STDIN:
        return _stdin()
    path = here / text
    if path.is_file():
        return _file(path, text, here)
    if path.is_dir():
        raise InputError("no-such-file", f"{printable(text)} is a folder", "name one document of it")
    if "://" in text:
        raise _absent(text, "nothing is fetched: download it, and name the file")
    revision, colon, name = text.partition(":")
    if colon and revision and name:
        return at_revision(revision, name, here)
    raise _absent(text, "name a file, REVISION:FILE of git, or - for standard input")


def at_revision(revision: str, name: str, here: Path) -> Edition:
    """A file as it was. As in git, its name counts from the root of the repository, or from here where it begins with
    a dot; one that is not found from the root is looked for from here. Raises InputError `no-such-file`.
    """
    top = top_of(here)
    if revision.startswith("-"):  # git would take it for an option
        raise _absent(f"{revision}:{name}", "a revision is a commit, a branch or a tag")
    if top is None:
        raise _absent(f"{revision}:{name}", f"{here} lies in no git repository")
    files = RevisionFiles(top, revision)
    below = posixpath.normpath(posixpath.join(Path(os.path.relpath(here.resolve(), top.resolve())).as_posix(), name))
    for file in (below,) if name.startswith(".") else (posixpath.normpath(name), below):
        if not file.startswith("../") and file in files:
            return Edition(file, files, f"{revision}:")
    raise _absent(f"{revision}:{name}", "see `git log -- FILE` for the revisions that have it")


def _file(path: Path, text: str, here: Path) -> Edition:
    """Files that it refers to are looked for below the folder that one stands in, else below its own."""
    found, here = path.resolve(), here.resolve()
    if found.is_relative_to(here):
        name, shown, root = found.relative_to(here).as_posix(), "", here
    else:
        name, root = found.name, found.parent
        shown = text[: len(text) - len(Path(text).name)]
    files = LooseFiles(root)
    if name not in files:
        raise InputError(
            "no-such-file", f"{printable(text)} is no YAML or JSON", "a document ends in .yaml, .yml or .json"
        )
    return Edition(name, files, shown)


def _stdin() -> Edition:
    if sys.stdin is None:  # how Python says that it is closed
        raise InputError("no-such-file", "standard input is closed", "name a file, or pipe a document in")
    data = sys.stdin.buffer.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise InputError("file-too-big", f"standard input has more than {BYTES_MAX} bytes", "split the document")
    grant(len(data))
    grant(len(data))
    return Edition("stdin", {"stdin": data})


def _absent(text: str, hint: str) -> InputError:
    return InputError("no-such-file", f"there is no {printable(text)}", hint)
