"""Rows about the version itself: whether it says what the changes are."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.contract.version import Bump

_VERSION = (Direction.NONE, "info", "version", "change")

VERSIONS: tuple[Rule, ...] = (
    row("version-too-low", _VERSION, None, "{old} -> {new} declares {declared}; the changes ask for {required}",
        "A version is a promise: major breaks, minor adds, patch mends.", level=Level.ERROR, bump=Bump.NONE),
    row("version-not-raised", _VERSION, None, "the contract changed and is still version {old}",
        "Two contracts of one version cannot be told apart in facts, caches and registries.",
        level=Level.ERROR, bump=Bump.PATCH),
    row("version-went-back", _VERSION, None, "version {old} went back to {new}",
        "Versions only grow. To return to an old state, release it under a new version.",
        level=Level.ERROR, bump=Bump.NONE),
    row("version-without-place", _VERSION, None, "{new} is of major {name}, and `{old}` still says v{declared}",
        "Both majors run side by side, so the new one needs paths or channels of its own.",
        level=Level.WARNING, bump=Bump.NONE),
)  # fmt: skip
