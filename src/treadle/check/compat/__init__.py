"""Two versions of one contract -> what breaks whom, and whether the version says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from treadle.check.compat.channels import compare_channels
from treadle.check.compat.edit import Edit, Spot
from treadle.check.compat.operations import compare_operations
from treadle.check.compat.verdicts import BY_ID, Level, Verdict
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Kind, Place
from treadle.contract.refs import Origins
from treadle.contract.version import Bump, Version, bump_between, read_version

__all__ = ["compare", "edits", "required_bump"]


def compare(old: Contract, new: Contract) -> tuple[Finding, ...]:
    """What releasing `new` in the place of `old` does to those who keep to `old`.

    Every finding stands at its place in the new file and names the place in the old one. Below 1.0.0 nothing was
    promised: there a breaking change warns, and asks for a minor version.
    """
    if old.digest == new.digest:
        return ()
    changes = edits(old, new)
    return tuple(sorted({*_judged(changes, old, new), *_version(required_bump(changes, old), old, new)}))


def edits(old: Contract, new: Contract) -> tuple[Edit, ...]:
    """Every difference that the table knows, also those that need no word."""
    both = compare_operations if new.kind is Kind.OPENAPI else compare_channels
    return tuple(both(old, new))


def required_bump(changes: Iterable[Edit], old: Contract) -> Bump:
    """The bump that changes ask for: at least a patch, for the text did change. Before 1.0.0 one step less."""
    bump = max((BY_ID[each.id].bump for each in changes), default=Bump.PATCH)
    return max(Bump.PATCH, Bump(bump - 1)) if old.major == 0 else max(Bump.PATCH, bump)


class _Finder:
    """Finds places in one version, and reads its files again only when the first one is asked for."""

    def __init__(self, contract: Contract) -> None:
        self._file = contract.place.file
        self._origins = Origins.of(contract)

    def place(self, spot: Spot | Place) -> Place:
        return spot if isinstance(spot, Place) else self._origins.place(self._file, spot.pointer, spot.path)


def _judged(changes: Iterable[Edit], old: Contract, new: Contract) -> Iterator[Finding]:
    told = [(edit, BY_ID[edit.id]) for edit in changes if BY_ID[edit.id].level is not Level.NOTE]
    if not told:
        return
    before_at, after_at = _Finder(old), _Finder(new)
    for edit, verdict in told:
        breaking = verdict.level is Level.BLOCK and old.major > 0
        yield Finding(
            after_at.place(edit.new),
            verdict.id,
            Severity.BLOCK if breaking else Severity.WARN,
            f"{verdict.message.format_map(edit.words)} (version {old.version}: {before_at.place(edit.old)})",
            _way_on(new) if breaking else verdict.why,
            new.id,
        )


def _way_on(new: Contract) -> str:
    """How to make a breaking change all the same."""
    major = new.major + 1
    return (
        f"undo it here; write {new.name}.v{major}.{new.kind}.yaml with version {major}.0.0 next to this file, "
        f"run both, and deprecate v{new.major} once its users have moved"
    )


def _version(required: Bump, old: Contract, new: Contract) -> Iterator[Finding]:
    place = new.at("/info/version")
    before, after = read_version(old.version), read_version(new.version)
    if before is None or after is None:  # a contract without a version was not read
        return
    words = {"old": old.version, "new": new.version, "required": required.name.lower()}
    hint = _way_on(new) if required is Bump.MAJOR else f"set info.version to {_raised(before, required)}"
    if after == before:
        yield _about_version(BY_ID["version-not-raised"], place, words, hint, new)
    elif after < before:
        yield _about_version(BY_ID["version-went-back"], place, words, hint, new)
    elif bump_between(before, after) < required:
        words["declared"] = bump_between(before, after).name.lower()
        yield _about_version(BY_ID["version-too-low"], place, words, hint, new)


def _raised(version: Version, bump: Bump) -> str:
    """The next version in the same file; a major is another file."""
    if bump is Bump.MINOR:
        return f"{version.major}.{version.minor + 1}.0"
    return f"{version.major}.{version.minor}.{version.patch + 1}"


def _about_version(verdict: Verdict, place: Place, words: dict[str, str], hint: str, new: Contract) -> Finding:
    return Finding(place, verdict.id, Severity.BLOCK, verdict.message.format_map(words), hint, new.id)
