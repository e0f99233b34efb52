"""Who would be refused, were each contract enforced: what was observed, by contract, aspect and caller. Pure.

A contract that observes or warns lets every call through, and each call's fact says with which code it would have been
refused. What is enforced already refuses by itself and is no question here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treadle.base.printable import printable
from treadle.contract.model import Contract, Enforcement, Enforcements, Kind
from treadle.facts.trail import Observed
from treadle.facts.tree import moment
from treadle.insight.figure import many

DAYS = 7
DAY_US = 86_400_000_000
ASPECTS = ("auth", "limits", "validation")
WHO_MAX = 20
"""A text names so many callers of an aspect; JSON has them all."""
_CODES = {
    "UNAUTHENTICATED": "auth",
    "FORBIDDEN": "auth",
    "RATE_LIMIT": "limits",
    "QUOTA_EXCEEDED": "limits",
    "THROTTLED": "limits",
}


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect of a contract that is not enforced: how it stands `now`, and who would have been refused."""

    name: str
    now: Enforcement
    who: tuple[Observed, ...]

    @property
    def calls(self) -> int:
        """How many calls would have been refused."""
        return sum(each.calls for each in self.who)


@dataclass(frozen=True, slots=True)
class Adoption:
    """A contract that is not enforced in every aspect, and how many calls it had in the time that was asked for."""

    contract: str
    calls: int
    aspects: tuple[Aspect, ...]

    @property
    def refused(self) -> int:
        """How many of the calls would have been refused; each has one reason, the first that it meets."""
        return sum(each.calls for each in self.aspects)


def aspect_of(code: str) -> str:
    """Which aspect of a contract refuses with a code."""
    return _CODES.get(code, "validation")


def is_enforced(contract: Contract) -> bool:
    """Whether a contract is enforced in every aspect, or no API at all."""
    return contract.kind is not Kind.OPENAPI or contract.enforcement == Enforcements()


def adoptions(
    contracts: Iterable[Contract], observed: Sequence[Observed], calls: Callable[[str], int]
) -> tuple[Adoption, ...]:
    """Each API that is not enforced in every aspect, by id. `calls` tells how many calls a contract had."""
    found: dict[tuple[str, str], list[Observed]] = {}
    for each in observed:
        found.setdefault((each.contract, aspect_of(each.code)), []).append(each)
    rows = []
    for contract in sorted(contracts, key=lambda each: each.id):
        if is_enforced(contract):
            continue
        stands = [(name, getattr(contract.enforcement, name)) for name in ASPECTS]
        aspects = tuple(
            Aspect(name, now, tuple(found.get((contract.id, name), ())))
            for name, now in stands
            if now is not Enforcement.ENFORCE
        )
        rows.append(Adoption(contract.id, calls(contract.id), aspects))
    return tuple(rows)


def report(rows: Sequence[Adoption], *, days: int, missing: int) -> dict[str, Any]:
    """Everything as JSON. `missing` facts were lost in that time: the counts are lower bounds."""
    return {
        "days": days,
        "missing": missing,
        "refused": sum(each.refused for each in rows),
        "contracts": [
            {
                "contract": row.contract,
                "calls": row.calls,
                "refused": row.refused,
                "aspects": [
                    {
                        "aspect": aspect.name,
                        "now": aspect.now.value,
                        "refused": aspect.calls,
                        "who": [_who(each) for each in aspect.who],
                    }
                    for aspect in row.aspects
                ],
            }
            for row in rows
        ],
    }


def _who(each: Observed) -> dict[str, Any]:
    return {
        "code": each.code,
        "operation": each.operation,
        "consumer": each.consumer,
        "peer": each.peer,
        "calls": each.calls,
        "last_us": each.last_us,
    }


def lines(found: Mapping[str, Any]) -> Iterable[str]:
    """A report for people."""
    days = many(found["days"], "day")
    for row in found["contracts"]:
        yield f"{printable(row['contract'])}: {many(row['calls'], 'call')} in {days}"
        for aspect in row["aspects"]:
            yield from _aspect(aspect)


def _aspect(aspect: Mapping[str, Any]) -> Iterable[str]:
    head = f"  {aspect['aspect']} {aspect['now']} -> enforce: "
    if not aspect["who"]:
        yield head + "nobody would be refused"
        return
    callers = {_name(each) for each in aspect["who"]}
    yield head + f"{many(aspect['refused'], 'call')} of {many(len(callers), 'caller')} would be refused"
    rows = [
        (_name(each), each["code"], each["operation"] or "-", many(each["calls"], "call")) for each in aspect["who"]
    ]
    widths = [max(len(row[column]) for row in rows[:WHO_MAX]) for column in range(4)]
    for row, each in zip(rows[:WHO_MAX], aspect["who"], strict=False):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"      {cells}  last {moment(each['last_us'])}"
    if len(rows) > WHO_MAX:
        yield f"      and {len(rows) - WHO_MAX} more: --format json has them all"


def _name(each: Mapping[str, Any]) -> str:
    return printable(each["consumer"] or each["peer"] or "(nobody known)")


def summary(found: Mapping[str, Any]) -> str:
    """One line: the answer."""
    rows, days = found["contracts"], many(found["days"], "day")
    if not rows:
        return "every contract is enforced in every aspect: there is nothing to ask"
    seen = sum(row["calls"] for row in rows)
    if found["refused"]:
        hit = sum(bool(row["refused"]) for row in rows)
        of = many(len(rows), "contract")
        said = f"{many(found['refused'], 'call')} in {days} would have been refused, in {hit} of {of}"
    elif seen:
        said = f"0 of {many(seen, 'call')} in {days}: nobody would be refused"
    else:
        said = f"0 calls in {days}: nobody would be refused, and nothing was seen that could tell"
    lost = found["missing"]
    return said + (
        f"; at least {many(lost, 'fact')} of that time {'is' if lost == 1 else 'are'} missing" if lost else ""
    )
