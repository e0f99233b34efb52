"""Files as they were at a revision, read through the `git` of the machine; nothing is written, nothing fetched."""

from __future__ import annotations

import posixpath
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from treadle.base.errors import InputError
from treadle.base.printable import printable
from treadle.control.sandbox import grant

BYTES_MAX = 32 * 1024 * 1024
_PATIENCE_S = 30


def top_of(folder: Path) -> Path | None:
    """The root of the checkout that a folder lies in, or None."""
    answer = _git(folder, "rev-parse", "--show-toplevel")
    return Path(answer.decode().rstrip("\n")) if answer else None


def is_revision(folder: Path, revision: str) -> bool:
    """Whether the repository of a folder knows a commit by that name."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") is not None


class RevisionFiles(Mapping[str, bytes]):
    """The files of one revision by their path from the root of the repository, read when they are asked for.

    Iterating gives the names read so far.
    """

    def __init__(self, top: Path, revision: str) -> None:
        self._top = top
        self._revision = revision
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            object = f"{self._revision}:{posixpath.normpath(name)}"
            size = _git(self._top, "cat-file", "-s", object)
            if size is None or not size.strip().isdigit():
                raise KeyError(name)
            if int(size) > BYTES_MAX:
                raise InputError(
                    "file-too-big", f"{printable(object)} has more than {BYTES_MAX} bytes", "split the file"
                )
            data = _git(self._top, "cat-file", "blob", object)
            if data is None:
                raise KeyError(name)
            grant(len(data))
            grant(len(data))
            self._read[name] = data
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git answers, or None where it refuses. Raises InputError `no-git` where there is none, or it hangs."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as why:
        raise InputError("no-git", f"git cannot be run: {why}", "install git, or name a file") from None
    return done.stdout if done.returncode == 0 else None
