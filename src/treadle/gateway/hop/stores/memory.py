"""Records in memory: the pure law and nothing else, for tests of what stands on a store."""

from __future__ import annotations

from treadle.gateway.hop.idempotency import Claim, Judged, Record, Verdict, claimed, judge, settle
from treadle.gateway.hop.stores.store import Settle


class MemoryStore:
    """Keeps nothing beyond its own life."""

    def __init__(self) -> None:
        """Empty."""
        self.records: dict[bytes, Record] = {}

    async def claim(self, claim: Claim) -> Judged:
        """Judge a claim."""
        judged = judge(self.records.get(claim.scope), claim)
        if judged.verdict is Verdict.SEND:
            self.records[claim.scope] = claimed(claim)
        return judged

    async def settle(self, said: Settle) -> None:
        """Keep how a claim ended."""
        record = settle(self.records.get(said.scope), said.owner, said.outcome)
        if record is None:
            self.records.pop(said.scope, None)
        else:
            self.records[said.scope] = record

    async def sweep(self, now_ms: int) -> int:
        """Forget what has expired."""
        gone = [scope for scope, record in self.records.items() if record.expires_ms <= now_ms]
        for scope in gone:
            del self.records[scope]
        return len(gone)

    async def close(self) -> None:
        """Nothing is open."""
