"""Which version of each contract goes live: the newcomer if it passes, else the last-good one. Pure.

A contract is refused alone. Nothing that is wrong with one contract touches another, and a refused version never
unloads the version that serves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Workspace

Judge = Callable[[Contract], Iterable[Finding]]
Compare = Callable[[Contract, Contract], Iterable[Finding]]
Conflicts = Callable[[Sequence[Contract]], Iterable[Finding]]


class Action(StrEnum):
    """What happens to one contract."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    REFUSE = "refuse"

    @property
    def past(self) -> str:
        """`refused`, `kept`: for counting what was done."""
        return {"keep": "kept"}.get(self.value, self.value.removesuffix("e") + "ed")


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one contract. `live` is the stamp that serves now, `wanted` the stamp in the workspace."""

    contract: str
    action: Action
    live: str
    wanted: str
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that refuse it."""
        return tuple(each for each in self.findings if each.severity not in (Severity.WARN, Severity.INFO))


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be live: one version of each contract, and why. `findings` belong to no contract."""

    workspace: Workspace
    contracts: tuple[Contract, ...]
    decisions: tuple[Decision, ...]
    findings: tuple[Finding, ...] = ()


def decide(
    workspace: Workspace,
    findings: Sequence[Finding],
    live: Sequence[Contract],
    files: Iterable[str],
    *,
    judge: Judge,
    compare: Compare,
    conflicts: Conflicts,
) -> Desired:
    """Fold what was read, what is live and what the rules say into one decision for each contract.

    `findings` come from reading; `files` are the files of the workspace, so that a contract that can no longer be
    read (its last-good stays) is told from one whose file is gone (it is removed).
    """
    serving = {each.id: each for each in live}
    present = set(files)
    unread = _unread(findings, workspace, live)
    complaints: dict[str, list[Finding]] = defaultdict(list, unread)
    for contract in workspace.contracts:
        complaints[contract.id] += judge(contract)
        old = serving.get(contract.id)
        if old is not None and old.digest != contract.digest:
            complaints[contract.id] += compare(old, contract)
    wanted = {each.id: each for each in workspace.contracts}
    laid = {each for said in unread.values() for each in said}
    loose = [each for each in findings if not each.contract and each not in laid]
    # Conflicts are between what would be live: who was refused already claims nothing anew.
    standing = [
        serving.get(id) if id not in wanted or _blocks(complaints.get(id, ())) else wanted[id]
        for id in sorted({*serving, *wanted})
        if id in wanted or id in unread
    ]
    for each in conflicts([contract for contract in standing if contract]):
        (complaints[each.contract] if each.contract else loose).append(each)

    chosen: list[Contract] = []
    decisions: list[Decision] = []
    for id in sorted({*serving, *wanted, *complaints}):
        old, new, said = serving.get(id), wanted.get(id), tuple(sorted(complaints.get(id, ())))
        refused = _blocks(said)
        action = _action(old, new, refused=refused, gone=old is not None and old.place.file not in present)
        winner = new if action in (Action.ADD, Action.CHANGE, Action.KEEP) else old
        if winner is not None and action is not Action.REMOVE:
            chosen.append(winner)
        decisions.append(Decision(id, action, old.stamp if old else "", new.stamp if new else "", said))
    return Desired(workspace, tuple(chosen), tuple(decisions), tuple(sorted(loose)))


def refuse(desired: Desired, faults: Mapping[str, Finding], live: Sequence[Contract]) -> Desired:
    """The same after an engine refused some contracts: each falls back to its last-good, or stays out.

    A version that serves and can no longer be served (its upstream is gone, say) stays out as well.
    """
    serving = {each.id: each for each in live}
    contracts: list[Contract] = []
    for each in desired.contracts:
        good = serving.get(each.id) if each.id in faults else each
        if good is not None and (each.id not in faults or good.digest != each.digest):
            contracts.append(good)
    decisions = tuple(
        Decision(each.contract, Action.REFUSE, each.live, each.wanted, (*each.findings, faults[each.contract]))
        if each.contract in faults
        else each
        for each in desired.decisions
    )
    return Desired(desired.workspace, tuple(contracts), decisions, desired.findings)


def _blocks(findings: Iterable[Finding]) -> bool:
    return any(each.severity not in (Severity.WARN, Severity.INFO) for each in findings)


def _action(old: Contract | None, new: Contract | None, *, refused: bool, gone: bool) -> Action:
    if new is None:
        return Action.REMOVE if gone and not refused else Action.REFUSE
    if refused:
        return Action.REFUSE
    if old is None:
        return Action.ADD
    return Action.KEEP if old.digest == new.digest else Action.CHANGE


def _unread(findings: Sequence[Finding], workspace: Workspace, live: Sequence[Contract]) -> dict[str, list[Finding]]:
    """Findings by contract: those that name one, and those in the file of a contract that was live."""
    contracts = {each.id: each for each in (*live, *workspace.contracts)}.values()
    complaints: dict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        if each.contract:
            complaints[each.contract].append(each)
            continue
        for contract in contracts:
            file = contract.place.file
            # A folder that cannot be entered hides every contract below it.
            if file == each.place.file or file.startswith(each.place.file + "/"):
                complaints[contract.id].append(each)
    return complaints
