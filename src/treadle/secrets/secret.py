"""A secret that cannot be printed, logged, formatted or pickled by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn

REDACTED = "[redacted]"


class Secret:
    """Bytes that show themselves only to `reveal` and `text`. Two secrets are compared in constant time."""

    __slots__ = ("_value",)
    # Not hashable: a secret is no key of anything, and equality in constant time is no use in a table.
    __hash__ = None  # type: ignore[assignment]  # the documented way to say so

    def __init__(self, value: bytes) -> None:
        """The bytes to keep."""
        self._value = value

    def reveal(self) -> bytes:
        """The bytes. The only other way to them is `text`, so a search for both finds every use."""
        return self._value

    def text(self) -> str:
        """The bytes as UTF-8 text."""
        return self._value.decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
