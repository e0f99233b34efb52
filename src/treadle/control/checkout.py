"""A workspace on disk: where it is, and its files as bytes. The only place that reads a user's folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from treadle.base.errors import InputError
from treadle.base.printable import printable
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.contract.read import guess_id
from treadle.control.sandbox import grant

ROOT = "treadle.yaml"
_FOLDERS = ("domains", "standards", "connectors", "environments")
_REAL_FOLDER = "put a real folder there"
_DOCUMENTS = frozenset({".yaml", ".yml", ".json"})
_SUFFIXES = _DOCUMENTS | {".pem"}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a checkout may cost to read. Single files have the budget of `contract.parse` too."""

    files_max: int = 10_000
    file_bytes_max: int = 32 * 1024 * 1024
    bytes_max: int = 256 * 1024 * 1024


def find_workspace(explicit: str | None, start: Path) -> Path:
    """The workspace: the one that is named, else TREADLE_WORKSPACE, else upwards from `start`.

    Raises InputError `no-workspace`.
    """
    for source, named in (("--workspace", explicit), ("TREADLE_WORKSPACE", os.environ.get("TREADLE_WORKSPACE"))):
        if named:
            folder = Path(named)
            if (folder / ROOT).is_file():
                return folder.resolve()
            raise InputError(
                "no-workspace", f"{source}: there is no {ROOT} in {named}", "name the folder that holds it"
            )
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / ROOT).is_file():
            return folder
    raise InputError(
        "no-workspace",
        f"there is no {ROOT} in {start} or above it",
        "make a workspace with `treadle init NAME`, or name one with --workspace",
    )


@dataclass(frozen=True, slots=True)
class Checkout:
    """What was read of a workspace, and what could not be: one finding for each file or folder that was left out."""

    files: dict[str, bytes]
    findings: tuple[Finding, ...] = ()


def read_checkout(root: Path, allowance: Allowance = Allowance()) -> Checkout:
    """The files that make up a workspace, by their path relative to it, with `/` as separator.

    Only `treadle.yaml` and YAML, JSON or PEM files under domains/, standards/, connectors/ and environments/; names
    that begin with a dot are skipped. What cannot be read is left out alone, with a finding (`symlink-escapes`,
    `not-a-file`, `file-too-big`, `unreadable`, `file-name-not-utf8`) that names the contract it would be. Raises
    InputError `checkout-too-big`, and any of these for `treadle.yaml` itself.
    """
    root = root.resolve()
    found: dict[str, bytes] = {}
    faults: list[Finding] = []
    total = 0
    for path in _candidates(root, faults):
        name = path.relative_to(root).as_posix()
        try:
            found[_sound(name)] = _read(path, name, root, allowance)
        except InputError as why:
            if name == ROOT:
                raise
            faults.append(_fault(name, why))
        total += len(found.get(name, b""))
        if len(found) + len(faults) > allowance.files_max or total > allowance.bytes_max:
            raise InputError(
                "checkout-too-big",
                f"{root} has more than {allowance.files_max} files or {allowance.bytes_max} bytes",
                "is this the right folder? Move what is no contract out of domains/",
            )
    return Checkout(found, tuple(sorted(faults)))


def read_overlays(paths: Iterable[Path]) -> list[tuple[str, bytes]]:
    """Overlays by name, in order. Raises InputError `no-such-file`."""
    try:
        return [(str(path), path.read_bytes()) for path in paths]
    except OSError as why:
        raise InputError(
            "no-such-file", f"the overlay {why.filename} cannot be read: {why.strerror}", "name a readable file"
        ) from None


def read_files(root: Path, allowance: Allowance = Allowance()) -> dict[str, bytes]:
    """The files of `read_checkout`, for those who need the settings only.

    Raises InputError too where something under environments/ was left out: settings without an overlay are others.
    """
    checkout = read_checkout(root, allowance)
    for each in checkout.findings:
        if each.place.file.partition("/")[0] == "environments":
            raise InputError(each.rule, each.message, each.hint)
    return checkout.files


def belongs(name: str) -> bool:
    """Whether a file, by its path relative to the root, belongs to the workspace."""
    parts = name.split("/")
    inside = parts[0] in _FOLDERS and len(parts) > 1 and PurePosixPath(name).suffix in _SUFFIXES
    return name == ROOT or (inside and not any(part.startswith(".") for part in parts))


def _fault(name: str, why: InputError) -> Finding:
    file = printable(name)
    contract = guess_id(file) if file == name else ""
    return Finding(Place(file), why.code, Severity.INVALID, why.message, why.hint, contract)


def _sound(name: str) -> str:
    """A name that can be a key of JSON. Raises InputError `file-name-not-utf8`."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError("file-name-not-utf8", f"the name {printable(name)} is not UTF-8", "rename the file") from None
    return name


def _candidates(root: Path, faults: list[Finding]) -> Iterator[Path]:
    """Every file that may belong to the workspace. Folders that cannot be entered become faults."""
    if os.path.lexists(root / ROOT):
        yield root / ROOT

    def refuse(path: str | Path, why: InputError) -> None:
        faults.append(_fault(Path(path).relative_to(root).as_posix(), why))

    def unreadable(error: OSError) -> None:
        path = Path(os.fsdecode(error.filename))
        if path != folder or folder.exists():
            name = path.relative_to(root).as_posix()
            refuse(path, InputError("unreadable", f"{printable(name)}: {error.strerror}", "check its permissions"))

    for top in _FOLDERS:
        folder = root / top
        if folder.is_symlink():
            try:
                _inside(folder, top, root)
            except InputError as why:
                refuse(folder, why)
                continue
        for base, folders, files in os.walk(folder, onerror=unreadable):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for each in folders:
                path = Path(base, each)
                if path.is_symlink():
                    # Not followed, even inside: a loop of links has no end.
                    name = printable(path.relative_to(root).as_posix())
                    refuse(path, InputError("symlink-escapes", f"{name} is a link to a folder", _REAL_FOLDER))
            for each in sorted(files):
                if not each.startswith(".") and PurePosixPath(each).suffix in _SUFFIXES:
                    yield Path(base, each)


def _read(path: Path, name: str, root: Path, allowance: Allowance) -> bytes:
    _inside(path, name, root)
    name = printable(name)
    try:
        # O_NONBLOCK: a pipe that was put in the place of a file must not hang us before fstat tells what it is.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise InputError("unreadable", f"{name}: {error.strerror}", "check its permissions") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not-a-file", f"{name} is no regular file", "replace it by a file")
        if status.st_size > allowance.file_bytes_max:
            raise InputError("file-too-big", f"{name} has more than {allowance.file_bytes_max} bytes", "split the file")
        data = file.read(allowance.file_bytes_max)
    grant(len(data))
    return data


def _inside(path: Path, name: str, root: Path) -> None:
    name = printable(name)
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise InputError("unreadable", f"{name} is a broken link", "remove it, or mend where it points") from None
    if not real.is_relative_to(root):
        raise InputError("symlink-escapes", f"{name} is a link that leaves the workspace", "copy the file into it")


class LooseFiles(Mapping[str, bytes]):
    """Files outside any workspace, read when they are asked for: those that were named, and what they refer to.

    Names are relative to `root`, and nothing outside of it is read. Iterating gives the names read so far.
    """

    def __init__(self, root: Path, allowance: Allowance = Allowance()) -> None:
        self._root = root.resolve()
        self._allowance = allowance
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            path = self._root / name
            if PurePosixPath(name).suffix not in _DOCUMENTS or not path.is_file():
                raise KeyError(name)
            self._read[name] = _read(path, name, self._root, self._allowance)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)
