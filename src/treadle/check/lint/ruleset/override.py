"""The ruleset as it holds for one file: its overrides applied."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from treadle.check.lint.context import Path
from treadle.check.lint.result import Level
from treadle.check.lint.ruleset.glob import matches
from treadle.check.lint.ruleset.model import Change, Pointer, Rule, Ruleset
from treadle.contract.pointer import pointer


def touching(ruleset: Ruleset, file: str) -> tuple[bool, ...]:
    """Which globs of the overrides mean a file. Files of which the same do share what `for_file` gives."""
    found: list[bool] = []
    for override in ruleset.overrides:
        relative = posixpath.relpath(file, override.folder or ".")
        found.append(any(matches(relative, glob) for glob in override.globs))
        found += [matches(relative, each.glob) for said in override.pointers.values() for each in said]
    return tuple(found)


def for_file(ruleset: Ruleset, file: str) -> Ruleset:
    """Apply what the overrides say of a file; the same ruleset where they say nothing."""
    changes: dict[str, Change] = {}
    extended: dict[str, Rule] = {}
    pointers: dict[str, tuple[Pointer, ...]] = {}
    formats, options = ruleset.formats, ruleset.parser_options
    for override in ruleset.overrides:
        relative = posixpath.relpath(file, override.folder or ".")
        if any(matches(relative, glob) for glob in override.globs):
            changes.update(override.changes)
            extended.update(override.extended)
            formats |= override.formats
            options = override.parser_options or options
        for name, said in override.pointers.items():
            near = tuple(replace(each, glob="") for each in said if matches(relative, each.glob))
            pointers[name] = (*pointers.get(name, ()), *near)
    if not changes and not extended and not any(pointers.values()):
        return ruleset
    rules = {**extended, **ruleset.rules}
    for name, change in changes.items():
        rule = change.applied(rules.get(name))
        if rule is not None:
            rules[name] = rule
    for name, near in pointers.items():
        if name in rules and near:
            rules[name] = replace(rules[name], pointers=near, enabled=True)
    return replace(ruleset, rules=rules, formats=formats, overrides=(), parser_options=options)


def level_at(rule: Rule, path: Path) -> Level | None:
    """The severity of a rule at a path of the file that its pointers are about: that of the longest pointer above."""
    level, longest, here = rule.level, "", pointer(*path)
    for each in rule.pointers:
        if len(each.pointer) >= len(longest) and (here == each.pointer or here.startswith(f"{each.pointer}/")):
            level, longest = each.level, each.pointer
    return level
