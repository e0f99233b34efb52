"""Which semantic version a set of changes asks for, which one was declared, and what to write.

Source: https://semver.org/spec/v2.0.0.html. Below 1.0.0 nothing was promised: there each change asks for one step less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treadle.contract.model import Json
from treadle.contract.version import Bump, Version, bump_between, read_version

_WORDS = {Bump.NONE: "unchanged", Bump.PATCH: "words only", Bump.MINOR: "additive", Bump.MAJOR: "breaking"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`asked` is the bump that the changes ask for, `required` the same in view of the old version (0.x).

    `declared` is None where a version is missing or no semantic one; `old` and `new` are the versions as written.
    """

    asked: Bump
    required: Bump
    declared: Bump | None
    old: str
    new: str

    @property
    def suffices(self) -> bool:
        """Whether the declared version says enough; what declares nothing is not held to it."""
        return self.declared is None or (self.declared >= self.required and not self.went_back)

    @property
    def understated(self) -> bool:
        """Whether a version was declared that says too little. One that was not touched yet declares nothing."""
        return not self.suffices and (self.declared is not Bump.NONE or self.went_back)

    @property
    def went_back(self) -> bool:
        """Whether the new version is lower than the old one."""
        before, after = read_version(self.old), read_version(self.new)
        return before is not None and after is not None and after < before

    @property
    def to_write(self) -> str:
        """The lowest version that says enough; empty where the old one is unknown."""
        before = read_version(self.old)
        if before is None:
            return ""
        return raised(before, self.required)

    def __str__(self) -> str:
        """In one line: `breaking: needs 2.0.0, declared 1.3.0`."""
        word = _WORDS[self.asked]
        if self.required is Bump.NONE:
            return f"{word}: needs no new version" + (f", declared {self.new}" if self.new != self.old else "")
        needs = self.to_write or f"a {self.required.name.lower()} version"
        said = f"declared {self.new}" if self.new else "declared none"
        return f"{word}: needs {needs}, {said}"


def verdict(bumps: Iterable[Bump], old: str, new: str) -> Verdict:
    """From the bump of each change, and both versions as written; empty where there is none."""
    asked = max(bumps, default=Bump.NONE)
    before, after = read_version(old), read_version(new)
    young = before is not None and before.major == 0
    required = max(Bump.PATCH, Bump(asked - 1)) if young and asked > Bump.NONE else asked
    declared = bump_between(before, after) if before is not None and after is not None else None
    return Verdict(asked, required, declared, old, new)


def raised(version: Version, bump: Bump) -> str:
    """The next version after a bump."""
    if bump is Bump.MAJOR:
        return f"{version.major + 1}.0.0"
    if bump is Bump.MINOR:
        return f"{version.major}.{version.minor + 1}.0"
    if bump is Bump.PATCH:
        return f"{version.major}.{version.minor}.{version.patch + 1}"
    return f"{version.major}.{version.minor}.{version.patch}"


def version_of(document: Json) -> str:
    """`info.version` as written, or empty."""
    info = document.get("info") if isinstance(document, dict) else None
    version = info.get("version") if isinstance(info, dict) else None
    return str(version) if isinstance(version, str | int | float) and not isinstance(version, bool) else ""
