"""What may be wrong with a path expression."""

from __future__ import annotations


class BadPath(Exception):  # noqa: N818 - the path is bad, the error is that
    """An expression cannot be run. `at` counts characters from 0; `hint` says what to write instead."""

    def __init__(self, message: str, at: int, hint: str | None = None) -> None:
        """Message: one sentence without its place."""
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint
