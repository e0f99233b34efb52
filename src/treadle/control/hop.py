"""The guard hop's process: `python -m treadle.control.hop --workspace DIR`.

Keys are kept in a file of the workspace, or in PostgreSQL where TREADLE_IDEMPOTENCY_URL (libpq) names a database: a
fleet whose gateways share the calls of one consumer must share its keys.
"""

from __future__ import annotations

import gc
import os

from treadle.control.process import main
from treadle.control.state import State
from treadle.gateway.hop.process import run_hop
from treadle.gateway.hop.stores.store import Store

DATABASE = "TREADLE_IDEMPOTENCY_URL"


async def hop(state: State) -> None:
    """Guard the calls of a fabric until SIGTERM."""
    # What is loaded now stays for good, and a call leaves no cycles behind: looking for them more seldom costs nothing.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    await run_hop(socket=state.hop_socket, onward=state.onward_socket, table=state.hop_table, store=_store(state))


def _store(state: State) -> Store:
    url = os.environ.get(DATABASE)
    if url:
        from treadle.gateway.hop.stores.postgres import postgres_store

        return postgres_store(url)
    from treadle.gateway.hop.stores.sqlite import sqlite_store

    return sqlite_store(state.idempotency)


if __name__ == "__main__":
    main(hop)
