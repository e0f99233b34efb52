"""Whether a file has the shape of a ruleset at all: keys, types and severities, each fault at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.result import Level
from treadle.check.lint.ruleset.formats import FORMATS, canonical
from treadle.check.lint.ruleset.problems import Problems, place_of
from treadle.contract.parse import Document

LEVELS: dict[Any, Level | None] = {
    "error": Level.ERROR,
    "warn": Level.WARN,
    "info": Level.INFO,
    "hint": Level.HINT,
    "off": None,
    **{int(level): level for level in Level},
    -1: None,
}
"""Every way to write a severity; None is off."""

_RULESET = frozenset(
    (
        "extends", "rules", "formats", "aliases", "overrides", "parserOptions", "functions", "functionsDir",
        "documentationUrl", "description",
    )
)  # fmt: skip
_RULE = frozenset(
    (
        "description", "documentationUrl", "recommended", "given", "resolved", "severity", "message", "tags", "formats",
        "then", "type", "extensions", "enabled",
    )
)  # fmt: skip
_THEN = frozenset(("field", "function", "functionOptions"))
_OVERRIDE = frozenset(("files", "rules", "extends", "formats", "aliases", "parserOptions"))
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_SEVERITY_HINT = "write error, warn, info, hint or off"


def is_level(value: Any) -> bool:
    """Whether a value is a severity. `True` equals 1 in Python, and is none."""
    return isinstance(value, str | int) and not isinstance(value, bool) and value in LEVELS


class Shape:
    """Checks one file. What it complains about is left out by the loader, which goes on to gather more."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems

    def fault(self, path: tuple[str | int, ...], message: str, hint: str = "") -> bool:
        """Note a fault; always False."""
        self.problems.add("ruleset-shape", place_of(self.document, *path), message, hint)
        return False

    def ruleset(self) -> bool:
        """The whole file. True where nothing is wrong."""
        data = self.document.data
        if not isinstance(data, dict):
            return self.fault((), "a ruleset is a mapping", "start with `rules:` or `extends:`")
        before = len(self.problems.findings)
        self._keys(data, _RULESET, ())
        if not {"extends", "rules", "overrides"} & data.keys():
            self.fault((), "a ruleset has at least one of `extends`, `rules` and `overrides`")
        self._body(data, ())
        if "overrides" in data:
            self._each(data["overrides"], ("overrides",), "overrides", self._override)
        return len(self.problems.findings) == before

    def _body(self, data: dict[str, Any], at: tuple[str | int, ...]) -> None:
        if "extends" in data:
            self._extends(data["extends"], (*at, "extends"))
        if "formats" in data:
            self._formats(data["formats"], (*at, "formats"))
        for name, alias in self._mapping(data, "aliases", at):
            self._alias(name, alias, (*at, "aliases", name))
        for name, rule in self._mapping(data, "rules", at):
            self._rule(rule, (*at, "rules", name))
        for name, level in self._mapping(data, "parserOptions", at):
            if name not in ("duplicateKeys", "incompatibleValues"):
                self.fault((*at, "parserOptions", name), f"`{name}` is no option of the parser")
            elif not is_level(level):
                self.fault((*at, "parserOptions", name), f"`{level}` is no severity", _SEVERITY_HINT)

    def _mapping(self, data: dict[str, Any], key: str, at: tuple[str | int, ...]) -> Iterable[tuple[str, Any]]:
        value = data.get(key, {})
        if isinstance(value, dict):
            return value.items()
        self.fault((*at, key), f"`{key}` is a mapping")
        return ()

    def _keys(self, data: dict[str, Any], known: frozenset[str], at: tuple[str | int, ...]) -> None:
        for key in data:
            if key not in known and not key.startswith("x-"):
                near = nearest(key, known)
                self.fault((*at, key), f"`{key}` means nothing here", f"did you mean `{near}`?" if near else "")

    def _each(
        self, value: Any, at: tuple[str | int, ...], what: str, check: Callable[[Any, tuple[str | int, ...]], Any]
    ) -> None:
        if not isinstance(value, list) or not value:
            self.fault(at, f"`{what}` is a list of at least one")
            return
        for number, each in enumerate(value):
            check(each, (*at, number))

    def _extends(self, value: Any, at: tuple[str | int, ...]) -> None:
        for number, each in enumerate(value if isinstance(value, list) else [value]):
            where = (*at, number) if isinstance(value, list) else at
            if isinstance(each, str):
                continue
            if not (isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)):
                self.fault(where, "a ruleset is extended by its name, or by a pair of name and selection")
            elif each[1] not in ("recommended", "all", "off"):
                self.fault(where, f"`{each[1]}` selects nothing", "write recommended, all or off")

    def _formats(self, value: Any, at: tuple[str | int, ...]) -> None:
        if not isinstance(value, list):
            self.fault(at, "`formats` is a list")
            return
        for number, each in enumerate(value):
            if not isinstance(each, str) or canonical(each) is None:
                near = nearest(each, FORMATS) if isinstance(each, str) else None
                self.fault((*at, number), f"`{each}` is no format", f"did you mean `{near}`?" if near else "")

    def _alias(self, name: str, value: Any, at: tuple[str | int, ...]) -> None:
        if not _ALIAS.match(name):
            self.fault(at, f"`{name}` cannot name an alias", "letters, digits, `_` and `-`, a letter first")
        if not isinstance(value, dict):
            self._each(value, at, name, self._path)
            return
        targets = value.get("targets")
        if not isinstance(targets, list) or not targets:
            self.fault(at, "an alias is a list of paths, or has `targets`")
            return
        for number, target in enumerate(targets):
            where = (*at, "targets", number)
            if not isinstance(target, dict) or not {"formats", "given"} <= target.keys():
                self.fault(where, "a target of an alias has `formats` and `given`")
                continue
            self._formats(target["formats"], (*where, "formats"))
            self._each(target["given"], (*where, "given"), "given", self._path)

    def _path(self, value: Any, at: tuple[str | int, ...]) -> None:
        if not isinstance(value, str) or value[:1] not in ("$", "#"):
            self.fault(at, f"`{value}` is no path", "a path starts with `$`, or with `#` and the name of an alias")

    def _rule(self, rule: Any, at: tuple[str | int, ...]) -> None:
        if not isinstance(rule, dict):
            if not isinstance(rule, bool) and not is_level(rule):
                self.fault(at, f"`{rule}` is neither a rule nor a severity", _SEVERITY_HINT)
            return
        self._keys(rule, _RULE, at)
        if not {"given", "then"} <= rule.keys():
            self.fault(at, "a rule has at least `given` and `then`")
        if "given" in rule:
            given = rule["given"]
            if isinstance(given, list):
                self._each(given, (*at, "given"), "given", self._path)
            else:
                self._path(given, (*at, "given"))
        for number, then in enumerate(rule["then"] if isinstance(rule.get("then"), list) else [rule.get("then", {})]):
            if "then" in rule:
                self._then(then, (*at, "then", number) if isinstance(rule["then"], list) else (*at, "then"))
        if "severity" in rule and not is_level(rule["severity"]):
            self.fault((*at, "severity"), f"`{rule['severity']}` is no severity", _SEVERITY_HINT)
        if "formats" in rule:
            self._formats(rule["formats"], (*at, "formats"))
        for key in ("description", "message", "documentationUrl"):
            if key in rule and not isinstance(rule[key], str):
                self.fault((*at, key), f"`{key}` is text")
        for key in ("recommended", "resolved"):
            if key in rule and not isinstance(rule[key], bool):
                self.fault((*at, key), f"`{key}` is true or false")

    def _then(self, then: Any, at: tuple[str | int, ...]) -> None:
        if not isinstance(then, dict) or not isinstance(then.get("function"), str):
            self.fault(at, "`then` names a `function`")
            return
        self._keys(then, _THEN, at)
        if "field" in then and not isinstance(then["field"], str):
            self.fault((*at, "field"), "`field` is text")
        if not isinstance(then.get("functionOptions"), dict | None):
            self.fault((*at, "functionOptions"), "`functionOptions` is a mapping")

    def _override(self, override: Any, at: tuple[str | int, ...]) -> None:
        if not isinstance(override, dict):
            self.fault(at, "an override has `files`, and `rules` or `extends`")
            return
        files = override.get("files")
        if not isinstance(files, list) or not files or not all(isinstance(each, str) and each for each in files):
            self.fault((*at, "files"), "`files` is a list of at least one glob")
            return
        self._keys(override, _OVERRIDE, at)
        if all("#" in each[1:] for each in files):
            self._pointers(override, at)
            return
        if not {"rules", "extends"} & override.keys():
            self.fault(at, "an override has `rules` or `extends`")
        self._body(override, at)

    def _pointers(self, override: dict[str, Any], at: tuple[str | int, ...]) -> None:
        for key in sorted(key for key in override.keys() - {"files", "rules"} if not key.startswith("x-")):
            self.fault((*at, key), f"`{key}` cannot be overridden below a JSON pointer", "only severities can")
        if not override.get("rules"):
            self.fault(at, "an override below a JSON pointer has `rules`")
        for name, level in self._mapping(override, "rules", at):
            if not is_level(level):
                self.fault((*at, "rules", name), f"`{name}` can only get another severity here", _SEVERITY_HINT)
