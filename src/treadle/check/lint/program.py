"""A ruleset made ready to run: functions with their options, paths as two automata. Made once, for many documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from treadle.base.nearest import nearest
from treadle.check.lint.context import BadOptions, Check, Make
from treadle.check.lint.fields import Pick, pick
from treadle.check.lint.functions import FUNCTIONS, function
from treadle.check.lint.path.automaton import Automaton
from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.parse import Expression, parse_path
from treadle.check.lint.ruleset.alias import BadAlias, written_out
from treadle.check.lint.ruleset.model import Rule, Ruleset, Then
from treadle.check.lint.ruleset.problems import Problems

Find = Callable[[str], Make | None]
"""A function that somebody supplies in Python, by its name; None where nobody does."""


@dataclass(frozen=True, slots=True)
class Step:
    """One `then`, ready: what to look at, and what to ask of it."""

    check: Check
    pick: Pick | None


@dataclass(frozen=True, slots=True)
class Job:
    """One rule, ready."""

    rule: Rule
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One walk: an automaton, and the rules to run for each of its expressions."""

    automaton: Automaton
    jobs: tuple[tuple[Job, ...], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The walk over the document as written, and that over the document with its references written out."""

    written: Pass
    resolved: Pass


class Compiler:
    """Keeps what it made: functions by their `Then`, paths by their text."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._steps: dict[int, tuple[Then, Step | None]] = {}
        self._paths: dict[str, Expression | BadPath] = {}
        self.problems = Problems()

    def program(self, ruleset: Ruleset, formats: frozenset[str]) -> Program:
        """The rules that are on and for a document of these formats. Raises `BadRuleset` with every problem in them."""
        passes: dict[bool, dict[str, list[Job]]] = {True: {}, False: {}}
        for rule in ruleset.rules.values():
            if not rule.enabled or (rule.level is None and not rule.pointers):
                continue
            if rule.formats is not None and not rule.formats & formats:
                continue
            steps = [self._step(then) for then in rule.then]
            job = Job(rule, tuple(step for step in steps if step is not None))
            for given in rule.given:
                for path in self._written_out(rule, given, formats):
                    jobs = passes[rule.resolved].setdefault(path, [])
                    if job not in jobs:
                        jobs.append(job)
        made = {resolved: self._pass(paths) for resolved, paths in passes.items()}
        self.problems.check()
        return Program(made[False], made[True])

    def _pass(self, paths: Mapping[str, list[Job]]) -> Pass:
        expressions: list[Expression] = []
        jobs: list[tuple[Job, ...]] = []
        for text, each in paths.items():
            found = self._path(text, each[0].rule)
            if found is not None:
                expressions.append(found)
                jobs.append(tuple(each))
        return Pass(Automaton(expressions), tuple(jobs))

    def _path(self, text: str, rule: Rule) -> Expression | None:
        found = self._paths.get(text)
        if found is None:
            try:
                found = self._paths[text] = parse_path(text)
            except BadPath as error:
                found = self._paths[text] = error
        if isinstance(found, BadPath):
            message = f"rule `{rule.name}`: `{text}`, at character {found.at + 1}: {found.message}"
            self.problems.add("ruleset-path", rule.place, message, found.hint or "")
            return None
        return found

    def _written_out(self, rule: Rule, given: str, formats: frozenset[str]) -> list[str]:
        try:
            return written_out(given, rule.aliases, formats)
        except BadAlias as error:
            near = nearest(given[1:], rule.aliases)
            hint = f"did you mean `#{near}`?" if near else "aliases are written under `aliases:`, in the same ruleset"
            self.problems.add("ruleset-alias", rule.place, f"rule `{rule.name}`: {error}", hint)
            return []

    def _step(self, then: Then) -> Step | None:
        kept = self._steps.get(id(then))
        if kept is None:
            kept = self._steps[id(then)] = (then, self._made(then))
        return kept[1]

    def _made(self, then: Then) -> Step | None:
        make = function(then.function, shipped=then.shipped) or self._find(then.function)
        if make is None:
            self._unknown(then)
            return None
        try:
            return Step(make(then.options), None if then.field is None else pick(then.field))
        except BadOptions as error:
            self.problems.add("ruleset-options", then.place, f"`{then.function}`: {error}")
        except BadPath as error:
            self.problems.add("ruleset-path", then.place, f"`field`: {error.message}", error.hint or "")
        return None

    def _unknown(self, then: Then) -> None:
        near = nearest(then.function, FUNCTIONS)
        supply = (
            f"supply it in Python: an entry point `{then.function}` in the group `treadle.lint.functions` "
            "(docs/rulesets.md)"
        )
        hint = f"did you mean `{near}`? Else {supply}" if near else supply
        self.problems.add(
            "ruleset-function", then.place, f"there is no function `{then.function}`, and no JavaScript is run", hint
        )


def nobody(_: str) -> Make | None:
    """The `Find` of those who supply nothing."""
    return None
