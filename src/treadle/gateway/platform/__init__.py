"""The contract of treadle's own doors: events over HTTP, and webhooks of systems of record."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from treadle.contract.model import Contract
from treadle.contract.read import read_contract

FILE = "platform.v1.openapi.yaml"


@cache
def platform_contract() -> Contract:
    """The contract as this release ships it; it is compiled like any other."""
    contract, findings = read_contract(FILE, {FILE: (files(__name__) / FILE).read_bytes()})
    if contract is None:
        raise AssertionError(f"the shipped contract is not valid: {[str(finding) for finding in findings]}")
    return contract
