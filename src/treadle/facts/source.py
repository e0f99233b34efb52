"""Where facts come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, TypeAlias

from treadle.facts.fact import Fact

Json: TypeAlias = Any
"""A value that JSON can hold; its reader validates it."""


class Source(Protocol):
    """Something that is read in order and can be taken up again where it was left.

    A batch is facts with the offset after them. The collector stores both in one step and asks for the next batch only
    then, so a source needs no memory of its own. A batch without facts says that there is nothing more for now; its
    offset is stored if it differs from the one before.
    """

    @property
    def name(self) -> str:
        """Unique and stable: the offset is kept under it."""
        ...

    def batches(self, offset: Json) -> AsyncIterator[tuple[Sequence[Fact], Json]]:
        """Facts after `offset`, which is None at first and else one that this source gave out."""
        ...
