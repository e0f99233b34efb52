"""Somebody answers for every contract."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract


@rule("owner-declared")
def owner_declared(contract: Contract) -> Iterator[Complaint]:
    """Every contract has an owner: its own, or the one of its domain.

    Why: at three in the morning, somebody must be asked. A contract without an owner cannot be changed, deprecated or
    paid for.

    Bad:   info: {title: Orders, version: 1.0.0}      and no domains/sales/domain.yaml
    Good:  info: {…, x-treadle: {owner: sales-team}}   or `owner: sales-team` in domains/sales/domain.yaml

    Mend it: name the team in domain.yaml; name another one in the contract only where it differs.
    """
    if not contract.owner:
        yield (
            contract.at("/info"),
            f"nobody owns {contract.id}",
            f"add `owner:` to domains/{contract.domain}/domain.yaml, or to x-treadle in `info`",
        )
