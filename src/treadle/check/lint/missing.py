"""JavaScript's `undefined`, for values that are not there (`null` is one that is)."""

from __future__ import annotations

from typing import Any, Final


class _Missing:
    """Falsy, equal to nothing but itself."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()
"""What a function gets where the `field` of a rule is absent."""
