"""The document under the rules, as functions see it."""

from __future__ import annotations

from collections.abc import Container

from treadle.check.lint.context import Path
from treadle.check.lint.references import Resolution
from treadle.contract.place import Json


class Linted:
    """A `Subject`: see there."""

    def __init__(self, data: Json, formats: frozenset[str], resolution: Resolution) -> None:
        self.data = data
        self.formats = formats
        self._resolution = resolution
        self._targets: frozenset[Path] | None = None

    @property
    def targets(self) -> frozenset[Path]:
        """The nodes of this file that some `$ref` names, by their path in it."""
        if self._targets is None:
            self._targets = self._resolution.targets
        return self._targets

    @property
    def shared(self) -> Container[int]:
        """The `id` of each node of the resolved document that more than one way leads to."""
        return self._resolution.shared

    def follow(self, value: Json) -> Json:
        """What a chain of `$ref` ends at."""
        return self._resolution.follow(value)

    def inlined(self, value: Json) -> Json:
        """It with every `$ref` written out."""
        return self._resolution.inlined(value)
