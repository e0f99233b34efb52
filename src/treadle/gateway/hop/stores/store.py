"""The interface of a store of keys, and the words in which work is handed to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from treadle.base.errors import EngineError
from treadle.gateway.hop.idempotency import Claim, Judged, Outcome


class StoreAwayError(EngineError):
    """The store is full, locked or away. What was asked of it may or may not have happened."""

    def __init__(self, why: str) -> None:
        """Why: one sentence."""
        super().__init__("idempotency-store-away", f"the store of Idempotency-Keys does not answer: {why}", "try again")


@dataclass(frozen=True, slots=True)
class Settle:
    """How the claim of `owner` ended."""

    scope: bytes
    owner: bytes
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Sweep:
    """Forget what has expired."""

    now_ms: int


Work = Claim | Settle | Sweep


class Store(Protocol):
    """Keeps records. What it answers is durable: no crash of a process or machine takes it back.

    Every method raises StoreAwayError.
    """

    async def claim(self, claim: Claim) -> Judged:
        """Judge a claim; where it may be sent, its record is kept before this returns."""
        ...

    async def settle(self, settle: Settle) -> None:
        """Keep how a claim ended."""
        ...

    async def sweep(self, now_ms: int) -> int:
        """Forget some of what has expired; how many."""
        ...

    async def close(self) -> None:
        """Finish what was begun."""
        ...
