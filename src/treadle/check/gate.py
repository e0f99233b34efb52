"""Everything that can be said of a workspace offline: reading, rules, conflicts, compatibility, exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from treadle.check.baseline import fingerprints, since
from treadle.check.conflicts import conflicts
from treadle.check.judge import Judge
from treadle.check.lint.program import Find, nobody
from treadle.check.report import Report
from treadle.check.run import documents_of, rules_of, shipped_rules
from treadle.contract.finding import Finding
from treadle.contract.model import Contract
from treadle.contract.parse import Document
from treadle.contract.read import read_contract
from treadle.contract.workspace import read_workspace


@dataclass(frozen=True, slots=True)
class Checked:
    """The contracts that could be read, and what is to be said of them and of the rest."""

    contracts: tuple[Contract, ...]
    report: Report

    @property
    def documents(self) -> tuple[Document, ...]:
        """Every document of every contract, each once."""
        return tuple({each.file: each for contract in self.contracts for each in documents_of(contract)}.values())


def check_workspace(
    files: Mapping[str, bytes],
    today: date,
    *,
    environment: str,
    live: Iterable[Contract] = (),
    unread: Sequence[Finding] = (),
    find: Find = nobody,
) -> Checked:
    """The verdict on a workspace, by its own rulesets, against the contracts that are live.

    Raises InputError where its settings cannot be read, `BadRuleset` where a ruleset cannot.
    """
    workspace, findings = read_workspace(files, environment=environment, unread=unread)
    serving = {each.id: each for each in live}
    judge = Judge(rules_of(files, today, find), today)
    found = [*findings, *conflicts(workspace.contracts, workspace.settings, serving=serving)]
    for contract in workspace.contracts:
        found += _judged(contract, judge, serving)
    found += judge.faults()
    return Checked(workspace.contracts, Report(tuple(sorted(found)), judge.exemptions))


def check_loose(
    sources: Iterable[tuple[str, Mapping[str, bytes]]], today: date, *, live: Iterable[Contract] = ()
) -> Checked:
    """The verdict on contracts outside of any workspace, each with the files that it may refer to."""
    judge = Judge(shipped_rules(), today)
    serving = {each.id: each for each in live}
    contracts: list[Contract] = []
    found: list[Finding] = []
    for file, files in sources:
        contract, findings = read_contract(file, files)
        found += findings
        if contract is not None:
            contracts.append(contract)
            found += _judged(contract, judge, serving)
    found += conflicts(contracts)
    return Checked(tuple(contracts), Report(tuple(sorted(found)), judge.exemptions))


def _judged(contract: Contract, judge: Judge, serving: Mapping[str, Contract]) -> Iterator[Finding]:
    """What the rules say of a contract, and what the step from the version that serves to this one does to others."""
    yield from judge.judge(contract)
    old = serving.get(contract.id)
    if old is not None and old.digest != contract.digest:
        yield from judge.compare(old, contract)


def only_new(now: Checked, before: Checked, ref: str, renamed: Mapping[str, str]) -> Checked:
    """Without the findings that were there at `ref`. `renamed` says what a file is called now, by its name then."""
    known = fingerprints(before.report.findings, before.documents, renamed)
    return Checked(now.contracts, since(now.report, now.documents, known, ref))
