"""A workspace as it was at a revision of git: its files, and which of them have another name by now.

Everything comes out of the repository's own store, by the `git` of the machine. Nothing is checked out or fetched.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from treadle.base.errors import InputError
from treadle.base.printable import printable
from treadle.control.checkout import Allowance, belongs
from treadle.control.git import RevisionFiles, is_revision, top_of

_PATIENCE_S = 60


def files_at(root: Path, revision: str, allowance: Allowance = Allowance()) -> dict[str, bytes]:  # noqa: B008 - frozen
    """The files of a workspace at a revision, by their path relative to `root`.

    Raises InputError `no-revision` where there is no such revision or no repository, `checkout-too-big`, `no-git`.
    """
    listed = _git(root, "ls-tree", "-r", "-z", "-l", "--end-of-options", f"{revision}^{{commit}}", ".")
    if listed is None:
        raise _unknown(root, revision)
    wanted: dict[str, str] = {}
    total = 0
    for line in listed.decode(errors="replace").split("\0"):
        about, _, name = line.partition("\t")
        mode, kind, object, size = (*about.split(), "", "", "", "")[:4]
        if kind == "blob" and mode.startswith("100") and belongs(name):
            wanted[name] = object
            total += int(size)
    if len(wanted) > allowance.files_max or total > allowance.bytes_max:
        raise InputError("checkout-too-big", f"{printable(revision)} has too many files", "name a smaller workspace")
    return dict(zip(wanted, _blobs(root, list(wanted.values())), strict=True))


def renamed_since(root: Path, revision: str, then: Mapping[str, bytes], now: Mapping[str, bytes]) -> dict[str, str]:
    """What files are called now, by their name then: as git tells, and those that were moved without telling git."""
    found = {old: new for old, new in _renames(root, revision) if new in now}
    gone = {data: name for name, data in then.items() if name not in now}
    moved = {gone[data]: name for name, data in now.items() if name not in then and data in gone}
    return {**moved, **found}


class LooseFilesAt(Mapping[str, bytes]):
    """Files outside any workspace as they were, read when they are asked for; names are relative to `root`."""

    def __init__(self, root: Path, revision: str) -> None:
        """Raises InputError `no-revision`, `no-git`."""
        top = top_of(root)
        if top is None or not is_revision(root, revision):
            raise _unknown(root, revision)
        self._files = RevisionFiles(top, revision)
        self._below = root.resolve().relative_to(top.resolve()).as_posix()

    def __getitem__(self, name: str) -> bytes:
        return self._files[f"{self._below}/{name}"]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class DocumentsAt(Mapping[str, bytes]):
    """Documents by the absolute path that they have now, as they were; those that git knows as renamed too."""

    def __init__(self, root: Path, revision: str) -> None:
        """Raises InputError `no-revision`, `no-git`."""
        top = top_of(root)
        if top is None or not is_revision(root, revision):
            raise _unknown(root, revision)
        self._top = top.resolve()
        self._files = RevisionFiles(top, revision)
        self._then = {new: old for old, new in _renames(top, revision)}

    def __getitem__(self, name: str) -> bytes:
        path = Path(name).resolve()
        if not path.is_relative_to(self._top):
            raise KeyError(name)
        inside = path.relative_to(self._top).as_posix()
        return self._files[self._then.get(inside, inside)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _renames(folder: Path, revision: str) -> list[tuple[str, str]]:
    """(name then, name now) of what git takes for renamed below a folder, relative to it."""
    wanted = ("--name-status", "-M", "-z", "--relative", "--diff-filter=R", "--end-of-options", revision, "--", ".")
    names = (_git(folder, "diff", *wanted) or b"").decode(errors="replace").split("\0")
    return list(zip(names[1::3], names[2::3], strict=False))


def _unknown(root: Path, revision: str) -> InputError:
    return InputError(
        "no-revision",
        f"git knows no revision {printable(revision)} of {printable(str(root))}",
        "name a branch, a tag or a commit, as in --baseline origin/main; a shallow clone lacks older ones",
    )


def _blobs(root: Path, objects: list[str]) -> list[bytes]:
    if not objects:
        return []
    answer = _git(root, "cat-file", "--batch", input="\n".join(objects).encode() + b"\n")
    if answer is None:
        raise InputError("no-revision", "git could not read the files of that revision", "run `git fsck`")
    found: list[bytes] = []
    at = 0
    for _ in objects:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        found.append(answer[end + 1 : end + 1 + size])
        at = end + size + 2
    return found


def _git(folder: Path, *arguments: str, input: bytes = b"") -> bytes | None:
    """What git answers, or None where it refuses. Raises InputError `no-git` where there is none, or it hangs."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, input=input, capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        raise InputError("no-git", f"git cannot be run: {why}", "install git, or leave --baseline out") from None
    return done.stdout if done.returncode == 0 else None
