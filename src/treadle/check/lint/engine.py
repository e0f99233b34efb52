"""Runs a compiled ruleset over documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treadle.check.lint.context import Complaint, Context, Path
from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.walk import TooManyNodes, walk
from treadle.check.lint.printing import filled, path_text, property_text
from treadle.check.lint.program import Compiler, Find, Job, Pass, Program, nobody
from treadle.check.lint.reading import read_problems
from treadle.check.lint.references import Dangling, Resolution
from treadle.check.lint.result import Level, Result
from treadle.check.lint.ruleset.formats import FORMATS, formats_of
from treadle.check.lint.ruleset.load import load
from treadle.check.lint.ruleset.model import Rule, Ruleset
from treadle.check.lint.ruleset.override import for_file, level_at, touching
from treadle.check.lint.subject import Linted
from treadle.check.lint.targets import Targets
from treadle.contract.library import Library
from treadle.contract.parse import InvalidDocument
from treadle.contract.place import Json


class Linter:
    """A ruleset, ready for any number of documents: what a kind of document needs is compiled when it is first met."""

    def __init__(self, ruleset: Ruleset, find: Find = nobody) -> None:
        self.ruleset = ruleset
        self._compiler = Compiler(find)
        self._rulesets: dict[tuple[bool, ...], Ruleset] = {}
        self._programs: dict[tuple[tuple[bool, ...], frozenset[str]], Program] = {}

    def lint(self, library: Library, file: str) -> tuple[Result, ...]:
        """Everything that the rules say of one file of a tolerant library, each once, in no promised order.

        Raises KeyError where there is no such file, `BadRuleset` where a rule that it needs does not compile.
        """
        touched = touching(self.ruleset, file)
        if touched not in self._rulesets:
            self._rulesets[touched] = for_file(self.ruleset, file)
        ruleset = self._rulesets[touched]
        try:
            document = library.document(file)
        except InvalidDocument as broken:
            return tuple(read_problems(broken.findings, file, None, ruleset.parser_options))
        found = _Found(library, file, document.data)
        for result in read_problems(library.findings, file, document, ruleset.parser_options):
            found.add(result)
        found.dangling()
        formats = formats_of(document.data) & ruleset.formats
        if ruleset.formats and not formats:
            found.add(_unrecognized(file, ruleset))
        if (touched, formats) not in self._programs:
            self._programs[touched, formats] = self._compiler.program(ruleset, formats)
        program = self._programs[touched, formats]
        subject = Linted(document.data, formats, found.resolution)
        found.run(program.written, subject, resolved=False)
        found.run(program.resolved, subject, resolved=True)
        return tuple(found.results)


def linter(names: Sequence[str], files: Mapping[str, bytes], find: Find = nobody) -> Linter:
    """Load rulesets by the names of files or of shipped ones, and make them ready. Raises `BadRuleset`."""
    return Linter(load(names, files), find)


class _Found:
    """The results about one document."""

    def __init__(self, library: Library, file: str, data: Json) -> None:
        self.library = library
        self.file = file
        self.data = data
        self.results: dict[Result, None] = {}

        def read(name: str) -> Json:
            try:
                return library.document(name).data
            except InvalidDocument as broken:
                raise ValueError(broken.message) from None

        self.resolution = Resolution(Targets(read), file, data)

    def add(self, result: Result) -> None:
        """Keep a result, once."""
        self.results[result] = None

    def dangling(self) -> None:
        """References that lead nowhere; of several with the same to say the first."""
        said: dict[str, Dangling] = {}
        for each in self.resolution.dangling:
            said.setdefault(each.message, each)
        for each in said.values():
            self.add(Result(each.file, (*each.path, "$ref"), "invalid-ref", each.message, Level.ERROR))

    def run(self, walked: Pass, subject: Linted, *, resolved: bool) -> None:
        """One walk with every rule that is of it."""
        if not walked.jobs:
            return
        context = Context((), subject, resolved)
        jobs = walked.jobs

        def emit(number: int, path: list[str | int], value: Any) -> None:
            given = tuple(path)
            for job in jobs[number]:
                self._judge(job, given, value, context)

        shared = self.resolution.shared if resolved else None
        root = self.resolution.root if resolved else self.data
        try:
            walk(root, walked.automaton, emit, shared)
        except TooManyNodes:
            message = "with its references written out the document is too large for some of the rules"
            self.add(Result(self.file, (), "budget-nodes", message, Level.ERROR))

    def _judge(self, job: Job, given: Path, value: Any, context: Context) -> None:
        for step in job.steps:
            if step.pick is None:
                context.path = given
                self._ask(job, step.check, value, context)
                continue
            for below, picked in step.pick(value):
                context.path = given + below
                self._ask(job, step.check, picked, context)

    def _ask(self, job: Job, check: Callable[..., Any], value: Any, context: Context) -> None:
        try:
            for complaint in check(value, context) or ():
                self._complain(job, complaint, context)
        except (RecursionError, ValueError) as why:
            if isinstance(why, ValueError) and "Recursion limit" not in str(why):  # what jsonschema_rs says of depth
                raise
            locate = self.resolution.locate if context.resolved else self._locate
            file, at, _ = locate(context.path)
            self.add(Result(file, at, job.rule.name, "this is nested too deeply for the rule to judge", Level.ERROR))

    def _complain(self, job: Job, complaint: Complaint, context: Context) -> None:
        rule = job.rule
        path = context.path if complaint.path is None else complaint.path
        if not context.resolved:
            self._say(rule, complaint, self._locate(path))
            return
        everywhere = any(given.startswith("$..") for given in rule.given)
        for place in self.resolution.locate_all(path, everywhere=everywhere):
            self._say(rule, complaint, place)

    def _say(self, rule: Rule, complaint: Complaint, place: tuple[str, Path, Path]) -> None:
        file, at, missing = place
        level = level_at(rule, at) if rule.pointers and file == self.file else rule.level
        if level is None:
            return
        said, template = complaint.message, rule.message
        if "{{" in said or (template is not None and "{{" in template):
            words: dict[str, Callable[[], Any]] = {
                "property": lambda: property_text(at, missing),
                "path": lambda: path_text(at),
                "description": lambda: rule.description,
                "value": lambda: self._value(file, at),
                "error": lambda: complaint.message,
            }
            said = filled(said, words)
            words["error"] = lambda: said
            template = None if template is None else filled(template, words)
        message = rule.description if template is None else template
        self.add(Result(file, at, rule.name, (message or said).strip(), level))

    def _locate(self, path: Path) -> tuple[str, Path, Path]:
        node, at = self.data, 0
        for at, step in enumerate(path):
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and str(step).isdecimal() and int(step) < len(node):
                node = node[int(step)]
            else:
                return self.file, path[:at], path[at:]
        return self.file, path, ()

    def _value(self, file: str, path: Path) -> Any:
        node = self.data if file == self.file else self.library.document(file).data
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return MISSING
        return node


def _unrecognized(file: str, ruleset: Ruleset) -> Result:
    known = ", ".join(FORMATS[name] for name in sorted(ruleset.formats))
    message = f"the document has none of the formats that the rules are for: {known}"
    return Result(file, (), "unrecognized-format", message, Level.WARN)
