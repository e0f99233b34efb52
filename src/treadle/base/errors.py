"""One error tree. Every error has a kebab-case code, one sentence of what happened, and what to do next.

The class decides the exit code of the command line (`docs/errors.md` lists every code; `treadle explain CODE`
says more). A traceback that reaches a user is a bug.
"""

from __future__ import annotations

import errno


class TreadleError(Exception):
    """The root. Raise a subclass: it carries the exit code."""

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        """Code: kebab-case and stable. Message: one sentence. Hint: what to do next."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f"\n  hint: {self.hint}" if self.hint else "")


class PolicyError(TreadleError):
    """The input was read, and a policy says no."""

    exit_code = 1


class UsageError(TreadleError):
    """The command was asked for something that it does not offer."""

    exit_code = 2


class InputError(TreadleError):
    """A file cannot be read, or is not a valid contract or setting."""

    exit_code = 3


class EngineError(TreadleError):
    """An engine or a remote is missing, unreachable, of a wrong version, or a port is taken."""

    exit_code = 4


def disk_full(why: OSError) -> EngineError | None:
    """EngineError `disk-full` for an error that says so, None for another one."""
    if why.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    where = f" at {why.filename}" if why.filename else ""
    return EngineError(
        "disk-full", f"there is no room on the disk{where}", "make room, then try again; nothing is lost"
    )
