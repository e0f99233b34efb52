"""Overrides that turn rules off for some files are exceptions: they are counted, and those with a last day age.

An override says why, and until when, under `x-treadle: {reason, until}`. One that says neither still counts, for
rulesets are used as they are; it is reported so.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from treadle.check.lint.engine import Linter
from treadle.check.lint.program import Find, nobody
from treadle.check.lint.result import Result
from treadle.check.lint.ruleset.glob import matches
from treadle.check.lint.ruleset.model import Change, Override, Pointer, Ruleset
from treadle.check.report import Exemption
from treadle.contract.extension import own
from treadle.contract.finding import Finding, Severity
from treadle.contract.library import Library

ORIGIN = "ruleset"


@dataclass(frozen=True, slots=True)
class _Off:
    """One rule that one override turns off."""

    exemption: Exemption
    override: Override
    fault: str = ""


class ExceptingLinter(Linter):
    """A linter that knows which results overrides hold back, on one day."""

    def __init__(self, ruleset: Ruleset, find: Find, today: date) -> None:
        self._today = today
        self._offs = [_off(override, rule, today) for override in ruleset.overrides for rule in _rules_off(override)]
        expired = [each.override for each in self._offs if each.exemption.expired]
        overrides = tuple(_without_offs(each) if each in expired else each for each in ruleset.overrides)
        super().__init__(replace(ruleset, overrides=overrides), find)
        bare = tuple(_without_offs(each) for each in overrides)
        self._bare = Linter(replace(ruleset, overrides=bare), find)
        self._held: Counter[Exemption] = Counter()

    def lint(self, library: Library, file: str) -> tuple[Result, ...]:
        """As the ruleset says; what its overrides hold back is counted."""
        results = super().lint(library, file)
        offs = [each for each in self._offs if not each.exemption.expired and _is_about(each, file)]
        if offs:
            left = Counter((each.code, each.file, each.path) for each in results)
            for each in self._bare.lint(library, file):
                off = next((off for off in reversed(offs) if off.exemption.rule == each.code), None)
                if off is not None and not left[each.code, each.file, each.path]:
                    self._held[off.exemption] += 1
        return results

    def met(self) -> tuple[Exemption, ...]:
        """Every rule that an override turns off, with how many results it has held back so far."""
        return tuple(sorted(replace(each.exemption, count=self._held[each.exemption]) for each in self._offs))

    def faults(self) -> Iterator[Finding]:
        """What is wrong with the overrides as exceptions."""
        for each in self._offs:
            exemption = each.exemption
            if exemption.expired:
                message = f"the exception from {exemption.rule} expired on {exemption.until}"
                hint = f"mend what {exemption.rule} complains about, or say why it still stands and until when"
                yield Finding(exemption.place, "exemption-expired", Severity.WARN, message, hint)
            elif each.fault:
                message = f"the exception from {exemption.rule} {each.fault}"
                hint = "add to the override: x-treadle: {reason: …, until: 2026-12-31}"
                yield Finding(exemption.place, "exemption-incomplete", Severity.WARN, message, hint)


def excepting(linter: Linter, today: date, find: Find = nobody) -> Linter:
    """The same linter where its overrides turn nothing off; else one that counts."""
    if any(_rules_off(override) for override in linter.ruleset.overrides):
        return ExceptingLinter(linter.ruleset, find, today)
    return linter


def _rules_off(override: Override) -> tuple[str, ...]:
    changed = [name for name, change in override.changes.items() if _is_off(change)]
    below = [name for name, pointers in override.pointers.items() if any(each.level is None for each in pointers)]
    return tuple(dict.fromkeys((*changed, *below)))


def _is_off(change: Change) -> bool:
    fields = change.fields
    return fields.get("enabled") is False or ("level" in fields and fields["level"] is None)


def _without_offs(override: Override) -> Override:
    pointers: Mapping[str, tuple[Pointer, ...]] = {
        name: tuple(each for each in listed if each.level is not None) for name, listed in override.pointers.items()
    }
    changes = {name: change for name, change in override.changes.items() if not _is_off(change)}
    return replace(override, changes=changes, pointers=pointers)


def _off(override: Override, rule: str, today: date) -> _Off:
    said = {key: value.strip() for key, value in own(override.extra).items() if isinstance(value, str)}
    reason, until = said.get("reason", ""), said.get("until", "")
    exemption = Exemption(rule, override.place, reason, until, ORIGIN)
    lacking = [key for key, value in (("reason", reason), ("until", until)) if not value]
    if lacking:
        return _Off(exemption, override, f"says no {' and no '.join(lacking)}")
    try:
        expired = date.fromisoformat(until) < today
    except ValueError:
        return _Off(exemption, override, f"ends on `{until}`, which is no day")
    return _Off(replace(exemption, expired=expired), override)


def _is_about(off: _Off, file: str) -> bool:
    relative = posixpath.relpath(file, off.override.folder or ".")
    globs = (*off.override.globs, *(each.glob for each in off.override.pointers.get(off.exemption.rule, ())))
    return any(matches(relative, glob) for glob in globs)
