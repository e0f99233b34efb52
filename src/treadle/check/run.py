"""Runs the rules over contracts: rulesets in, findings out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache

from treadle.check.lint.engine import Linter, linter
from treadle.check.lint.excepting import excepting
from treadle.check.lint.program import Find, nobody
from treadle.check.lint.result import Level, Result
from treadle.contract.extension import KEY, own
from treadle.contract.finding import Finding, Severity
from treadle.contract.library import Library
from treadle.contract.model import Contract, Kind
from treadle.contract.parse import Document, parse
from treadle.contract.pointer import pointer

_EXIT_CODES = {Severity.INVALID: 3, Severity.BLOCK: 1, Severity.WARN: 0, Severity.INFO: 0}
_SEVERITIES = {
    Level.ERROR: Severity.BLOCK,
    Level.WARN: Severity.WARN,
    Level.INFO: Severity.INFO,
    Level.HINT: Severity.INFO,
}
_FOLDER, _SUFFIX = "standards", ".spectral.yaml"
_NAMED = {Kind.OPENAPI: "api", Kind.ASYNCAPI: "events"}
_SHIPPED = {Kind.OPENAPI: "treadle:api", Kind.ASYNCAPI: "treadle:events"}
_OF_OTHER_FORMAT = "unrecognized-format"

Rules = Mapping[Kind, tuple[Linter, ...]]
"""The rulesets for contracts of each kind, ready to run."""


@cache
def shipped_rules() -> Rules:
    """`treadle:api` for APIs, `treadle:events` for events."""
    return {kind: (linter([name], {}),) for kind, name in _SHIPPED.items()}


def rules_of(files: Mapping[str, bytes], today: date, find: Find = nobody) -> Rules:
    """The rules of a workspace: `standards/api.spectral.yaml` for APIs, `standards/events.spectral.yaml` for events,
    and every other `standards/*.spectral.yaml` for both. A kind without any has the shipped ruleset.

    `today` decides which exceptions that the rulesets make still count. Raises `BadRuleset`.
    """
    named = {file: posixpath.basename(file).removesuffix(_SUFFIX) for file in sorted(files) if is_ruleset(file)}
    made = {file: excepting(linter([file], files, find), today, find) for file in named}
    return {
        kind: tuple(made[file] for file, name in named.items() if name == _NAMED[kind] or name not in _NAMED.values())
        or shipped_rules()[kind]
        for kind in Kind
    }


def is_ruleset(file: str) -> bool:
    """Whether a file of a workspace is a ruleset that its contracts are checked by."""
    return posixpath.dirname(file) == _FOLDER and file.endswith(_SUFFIX)


def check_contract(contract: Contract, rules: Rules | None = None) -> tuple[Finding, ...]:
    """What the rules (the shipped ones, where none are given) say about one contract, in the order of its files."""
    documents = documents_of(contract)
    library = Library(contract.sources, [_as_in_its_domain(contract), *documents[1:]])
    found: dict[Finding, None] = {}
    for each in (rules or shipped_rules())[contract.kind]:
        for result in each.lint(library, contract.place.file):
            if result.code != _OF_OTHER_FORMAT:
                found[_finding(result, each, library, contract)] = None
    return tuple(sorted(found))


def documents_of(contract: Contract) -> tuple[Document, ...]:
    """Every file of a contract, parsed; its own comes first."""
    file = contract.place.file
    others = (_parsed(name, data) for name, data in contract.sources.items() if name != file)
    return (Document(file, contract.document, contract.places), *others)


def exit_code(findings: Iterable[Finding]) -> int:
    """3 where something is no valid contract, else 1 where a policy is violated, else 0."""
    return max((_EXIT_CODES[each.severity] for each in findings), default=0)


@lru_cache(maxsize=64)
def _parsed(file: str, data: bytes) -> Document:
    """Files that contracts share are parsed once."""
    return parse(file, data)


def _as_in_its_domain(contract: Contract) -> Document:
    """The document with what it inherits from its domain written out in `info`, so that rules need not know more."""
    data = contract.document
    said = {"domain": contract.domain, **contract.inherited, **own(data["info"])}
    data = {**data, "info": {**data["info"], KEY: said}}
    return Document(contract.place.file, data, contract.places)


def _finding(result: Result, linter: Linter, library: Library, contract: Contract) -> Finding:
    rule = linter.ruleset.rules.get(result.code)
    hint = own(rule.extra).get("fix", "") if rule else ""
    place = library.place_of(result.file, pointer(*result.path))
    return Finding(place, result.code, _SEVERITIES[result.level], result.message, str(hint), contract.id)
