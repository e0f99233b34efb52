"""The verdict on contracts: what rules and comparisons say, less what is excepted for a while; all is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from treadle.check.diff import compare
from treadle.check.exemptions import Ignores, may_ignore
from treadle.check.lint.excepting import ExceptingLinter
from treadle.check.report import Exemption
from treadle.check.run import Rules, check_contract, documents_of
from treadle.contract.finding import Finding
from treadle.contract.model import Contract


class Judge:
    """Judges the contracts of one run by the rules of their workspace, on one day."""

    def __init__(self, rules: Rules, today: date) -> None:
        self.rules = rules
        self.today = today
        self._ignores = Ignores((), today)
        for each in {id(one): one for listed in rules.values() for one in listed}.values():
            if isinstance(each, ExceptingLinter):
                self._ignores.also(each)

    def judge(self, contract: Contract) -> tuple[Finding, ...]:
        """What the rules say of a contract, and what is wrong with its exceptions."""
        self._take(contract)
        faults = (replace(each, contract=contract.id) for each in self._ignores.faults_in(contract.sources))
        return tuple(sorted([*self._ignores.hold(check_contract(contract, self.rules)), *faults]))

    def compare(self, old: Contract, new: Contract) -> tuple[Finding, ...]:
        """What the step from the old version to the new one does to others. Exceptions are those of the new one."""
        self._take(new)
        return tuple(self._ignores.hold(compare(old, new, self.today)))

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """Every exception that was met so far, in contracts and in rulesets."""
        return self._ignores.met()

    def faults(self) -> tuple[Finding, ...]:
        """What is wrong with the exceptions that rulesets make."""
        return tuple(self._ignores.other_faults())

    def _take(self, contract: Contract) -> None:
        files = [file for file, data in contract.sources.items() if may_ignore(data)]
        for document in documents_of(contract) if files else ():
            if document.file in files:
                self._ignores.add(document)
