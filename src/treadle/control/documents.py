"""Documents on disk by their absolute path, read when they are asked for. Light: linting a small file is a matter of
milliseconds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from treadle.control.sandbox import grant

FILE_BYTES_MAX = 32 * 1024 * 1024
SUFFIXES = (".yaml", ".yml", ".json")


class Documents(Mapping[str, bytes]):
    """Those that were named, and YAML and JSON files below `root` that they refer to.

    Names are absolute, with `/` as separator. Iterating gives the names read so far. `instead` holds what some files
    are taken to say.
    """

    def __init__(self, root: Path, named: tuple[str, ...] = (), instead: Mapping[str, bytes] | None = None) -> None:
        self._root = root.resolve()
        self._named = named
        self._read: dict[str, bytes] = dict(instead or {})

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> bytes:
        path = Path(name)
        if name not in self._named:
            inside = PurePosixPath(name).suffix in SUFFIXES and path.resolve().is_relative_to(self._root)
            if not inside:
                raise KeyError(name)
        try:
            # O_NONBLOCK: a pipe that was put in the place of a file must not hang us before fstat tells what it is.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            raise KeyError(name) from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_BYTES_MAX:
                raise KeyError(name)
            data = file.read(FILE_BYTES_MAX)
        grant(len(data))
        return data

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def root_of(file: Path, here: Path) -> Path:
    """How far a document's references may reach: its git checkout, else `here` where it lies below, else its folder."""
    folder = file.resolve().parent
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return here.resolve() if folder.is_relative_to(here.resolve()) else folder
