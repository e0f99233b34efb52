"""Secrets as files: a folder only its owner may enter, a file each, written whole or not at all.

For one machine and one user; the keys of an organisation belong into a vault.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from treadle.base.errors import EngineError, UsageError
from treadle.base.files import sync_folder, write_atomically
from treadle.secrets.secret import Secret

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class FileSecrets:
    """The secrets in one folder. Several processes may use it at once.

    Names are file names: letters, digits, `.`, `_` and `-`, 128 characters at most.
    """

    folder: Path

    def get(self, name: str) -> Secret | None:
        """The secret of that name, or None."""
        path = self._path(name)
        try:
            return Secret(path.read_bytes())
        except FileNotFoundError:
            return None

    def put(self, name: str, value: bytes) -> None:
        """Keep a secret, in the place of an older one."""
        write_atomically(self._path(name), value, mode=0o600)

    def get_or_create(self, name: str, make: Callable[[], bytes]) -> Secret:
        """The secret of that name, made by `make` where there is none. Of two processes that make it, one wins."""
        if found := self.get(name):
            return found
        path = self._path(name)
        mine = path.with_name(f".{name}.{secrets.token_hex(8)}.tmp")
        write_atomically(mine, make(), mode=0o600)
        try:
            os.link(mine, path)  # unlike rename, this fails where the name is there already
            sync_folder(self.folder)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        return Secret(path.read_bytes())

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(
                "secret-name-invalid",
                f"{name!r} cannot name a secret",
                "use letters, digits, '.', '_' and '-', not beginning with '.' or '-'",
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = self.folder.stat()
        if info.st_uid != os.getuid() or info.st_mode & 0o077:
            raise EngineError(
                "folder-not-private",
                f"{self.folder} belongs to somebody else or is open to others",
                f"remove it, or run: chmod 700 {self.folder}",
            )
        return self.folder / name
