"""Reads rulesets and merges what they extend, as Spectral does. Nothing is fetched, and no JavaScript is run.

A rule that is extended keeps its owner: the ruleset that defined it. Said again with `given` and `then` it gets these
anew; said again with a severity, `true` or `off` it only changes in that.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.ruleset.formats import canonical
from treadle.check.lint.ruleset.model import (
    Aliases,
    Change,
    Override,
    ParserOptions,
    Pointer,
    Rule,
    Ruleset,
    Target,
    Then,
)
from treadle.check.lint.ruleset.problems import Problems, place_of
from treadle.check.lint.ruleset.shape import LEVELS, Shape
from treadle.check.lint.ruleset.shipped import SHIPPED, shipped
from treadle.contract.parse import Document, parse_tolerant
from treadle.contract.place import Place

_SCRIPT = re.compile(r"\.(?:[cm]?js|tsx?)\Z")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATH = re.compile(r"^[./]|\.(?:ya?ml|json|[cm]?js|tsx?)\Z")
_VENDOR = "nothing is fetched: copy the ruleset's YAML or JSON beside yours and extend it by its relative path"
_PYTHON = "a Python function may take its place, by an entry point of that name in the group `treadle.lint.functions`"


def load(names: Sequence[str], files: Mapping[str, bytes]) -> Ruleset:
    """One ruleset out of several, each a file of `files` or the name of a shipped one; later ones win.

    Raises `BadRuleset` with every problem in every file.
    """
    loader = _Loader(files)
    loaded = [ruleset for name in names if (ruleset := loader.named(name, Place(name))) is not None]
    loader.problems.check()
    if len(loaded) == 1:
        return loaded[0]
    return Ruleset(
        " + ".join(each.name for each in loaded),
        {name: rule for each in loaded for name, rule in each.rules.items()},
        frozenset().union(*[each.formats for each in loaded]),
        tuple(override for each in loaded for override in each.overrides),
        loaded[-1].parser_options if loaded else ParserOptions(),
    )


class _Loader:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.problems = Problems()
        self._stack: list[str] = []

    def named(self, name: str, place: Place, selection: str | None = None) -> Ruleset | None:
        """Load by name, or None with a problem at `place`. `selection` is what the pair in `extends` says."""
        if name in self._stack:
            return None
        document = self._read(name, place)
        if document is None or not (name in SHIPPED or Shape(document, self.problems).ruleset()):
            return None
        self._stack.append(name)
        ruleset = _Reading(self, document, selection).ruleset()
        self._stack.pop()
        return ruleset

    def _read(self, name: str, place: Place) -> Document | None:
        if _SCRIPT.search(name):
            self.problems.add(
                "ruleset-javascript",
                place,
                f"`{name}` is a program, and none is run",
                "write the ruleset as YAML; what its functions do can be supplied in Python (docs/rulesets.md)",
            )
            return None
        if name in SHIPPED:
            document, _ = parse_tolerant(name, shipped(name))
            return document
        try:
            data = self.files[name]
        except KeyError:
            self._unknown(name, place)
            return None
        document, findings = parse_tolerant(name, data)
        if document is None:
            self.problems.findings += findings
        return document

    def _unknown(self, name: str, place: Place) -> None:
        if _URL.match(name):
            message, hint = f"`{name}` is not at hand", _VENDOR
        elif name.startswith(("spectral:", "treadle:")):
            near = nearest(name, SHIPPED)
            message, hint = f"there is no ruleset `{name}`", f"did you mean `{near}`?" if near else ""
        elif name.endswith((".yaml", ".yml", ".json")):
            message, hint = f"there is no file `{name}`", "the path is relative to the file that extends"
        else:
            message, hint = f"`{name}` looks like a package", _VENDOR
        self.problems.add("ruleset-extends", place, message, hint)


class _Reading:
    """One file on its way to a `Ruleset`. Its shape was checked."""

    def __init__(self, loader: _Loader, document: Document, selection: str | None) -> None:
        self.loader = loader
        self.document = document
        self.selection = selection
        self.is_shipped = document.file in SHIPPED

    def ruleset(self) -> Ruleset:
        data = self.document.data
        self._javascript(data)
        rules, formats = self._merged(data)
        overrides = [
            self._override(each, ("overrides", at), rules) for at, each in enumerate(data.get("overrides", ()))
        ]
        return Ruleset(self.document.file, rules, formats, tuple(overrides), self._parser_options(data))

    def _place(self, *path: str | int) -> Place:
        """Shipped rulesets are sound, so that nobody asks where in them something stands."""
        if self.is_shipped:
            return Place(self.document.file)
        return place_of(self.document, *path)

    def _javascript(self, data: dict[str, Any]) -> None:
        """A list of JavaScript functions is fine as long as Python has one of each name: see `functions`."""
        if "functionsDir" in data and "functions" not in data:
            self.loader.problems.add(
                "ruleset-javascript", self._place("functionsDir"), "functions in JavaScript are not run", _PYTHON
            )

    def _bases(self, data: dict[str, Any], at: tuple[str | int, ...]) -> tuple[dict[str, Rule], frozenset[str]]:
        """The rules that `extends` brings in, and the formats these are for."""
        rules: dict[str, Rule] = {}
        formats: frozenset[str] = frozenset()
        for name, selection, place in self._extended(data, at):
            base = self.loader.named(name, place, selection)
            if base is not None:
                formats |= base.formats
                rules.update(base.rules)
        return rules, formats

    def _merged(self, data: dict[str, Any]) -> tuple[dict[str, Rule], frozenset[str]]:
        rules, formats = self._bases(data, ())
        if self.selection is not None:
            rules = {name: replace(rule, enabled=self._selected(rule)) for name, rule in rules.items()}
        aliases = self._aliases(data.get("aliases", {}))
        own = self._formats(data.get("formats"))
        formats |= own or frozenset()
        for name, said in data.get("rules", {}).items():
            at = ("rules", name)
            rule = self._changed(rules.get(name), self._change(name, said, at, aliases), at)
            if rule is None:
                continue
            if rule.owner == self.document.file or self.selection is not None:
                rule = replace(rule, enabled=self._selected(rule))
            if rule.formats is not None:
                formats |= rule.formats
            elif rule.owner == self.document.file and own is not None:
                rule = replace(rule, formats=own)
            if rule.url is None and "documentationUrl" in data:
                rule = replace(rule, url=f"{data['documentationUrl']}#{name}")
            rules[name] = rule
        return rules, formats

    def _selected(self, rule: Rule) -> bool:
        selection = self.selection or "recommended"
        return selection == "all" or (selection == "recommended" and rule.recommended)

    def _extended(self, data: dict[str, Any], at: tuple[str | int, ...]) -> list[tuple[str, str | None, Place]]:
        said = data.get("extends", [])
        found = []
        for number, each in enumerate(said if isinstance(said, list) else [said]):
            name, selection = (each, None) if isinstance(each, str) else (each[0], each[1])
            if name not in SHIPPED and not _URL.match(name) and _PATH.search(name):
                name = posixpath.normpath(posixpath.join(posixpath.dirname(self.document.file), name))
            found.append((name, selection, self._place(*at, "extends", number)))
        return found

    def _formats(self, said: Any) -> frozenset[str] | None:
        return None if said is None else frozenset(name for each in said if (name := canonical(each)) is not None)

    def _aliases(self, said: dict[str, Any]) -> Aliases:
        found: dict[str, tuple[Target, ...]] = {}
        for name, value in said.items():
            if isinstance(value, list):
                found[name] = (Target(None, tuple(value)),)
            else:
                found[name] = tuple(
                    Target(self._formats(target["formats"]), tuple(target["given"])) for target in value["targets"]
                )
        return found

    def _change(self, name: str, said: Any, at: tuple[str | int, ...], aliases: Aliases) -> Change:
        if isinstance(said, bool):
            return Change({"enabled": said})
        if not isinstance(said, dict):
            return Change({"level": LEVELS[said], "enabled": LEVELS[said] is not None})
        given = said["given"]
        fields: dict[str, Any] = {
            "name": name,
            "owner": self.document.file,
            "place": self._place(*at),
            "given": tuple(given) if isinstance(given, list) else (given,),
            "then": self._then(said["then"], (*at, "then")),
            "aliases": aliases,
            "extra": {key: value for key, value in said.items() if key.startswith("x-")},
        }
        fields |= {key: said[key] for key in ("message", "description", "resolved", "recommended") if key in said}
        if "documentationUrl" in said:
            fields["url"] = said["documentationUrl"]
        if "severity" in said:
            fields["level"] = LEVELS[said["severity"]]
        if "formats" in said:
            fields["formats"] = self._formats(said["formats"])
        return Change(fields, whole=True)

    def _changed(self, base: Rule | None, change: Change, at: tuple[str | int, ...]) -> Rule | None:
        rule = change.applied(base)
        if rule is None:
            self.loader.problems.add(
                "ruleset-rule",
                self._place(*at),
                f"there is no rule `{at[-1]}` to change",
                "extend the ruleset that has it, or define it with `given` and `then`",
            )
        return rule

    def _then(self, said: Any, at: tuple[str | int, ...]) -> tuple[Then, ...]:
        found = []
        for number, each in enumerate(said if isinstance(said, list) else [said]):
            where = (*at, number) if isinstance(said, list) else at
            options = each.get("functionOptions")
            found.append(
                Then(
                    each["function"],
                    self._place(*where, "function"),
                    options or {},
                    each.get("field"),
                    self.is_shipped,
                )
            )
        return tuple(found)

    def _parser_options(self, data: dict[str, Any]) -> ParserOptions:
        said = data.get("parserOptions", {})
        return ParserOptions(
            LEVELS[said.get("duplicateKeys", "error")], LEVELS[said.get("incompatibleValues", "error")]
        )

    def _override(self, said: dict[str, Any], at: tuple[str | int, ...], rules: Mapping[str, Rule]) -> Override:
        folder = posixpath.dirname(self.document.file)
        place, extra = self._place(*at), {key: value for key, value in said.items() if key.startswith("x-")}
        globs = tuple(each for each in said["files"] if "#" not in each[1:])
        pointers: dict[str, tuple[Pointer, ...]] = {}
        for each in said["files"]:
            glob, mark, pointer = each.partition("#")
            for name, level in said.get("rules", {}).items() if mark and glob else ():
                if not isinstance(level, dict | bool):
                    pointers[name] = (*pointers.get(name, ()), Pointer(glob, pointer, LEVELS[level]))
        if not globs:
            return Override(folder, (), pointers=pointers, place=place, extra=extra)
        extended, formats = self._bases(said, at)
        aliases = {**self._aliases(self.document.data.get("aliases", {})), **self._aliases(said.get("aliases", {}))}
        changes = {
            name: self._change(name, each, (*at, "rules", name), aliases)
            for name, each in said.get("rules", {}).items()
        }
        known = {**extended, **rules}
        for name, change in changes.items():
            self._changed(known.get(name), change, (*at, "rules", name))
        options = self._parser_options(said) if "parserOptions" in said else None
        own = self._formats(said.get("formats", ())) or frozenset()
        return Override(folder, globs, changes, extended, pointers, formats | own, options, place, extra)
