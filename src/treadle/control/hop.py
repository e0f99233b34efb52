"""The guard hop's process: `python -m treadle.control.hop --workspace DIR`, or `--node DIR` beside a fleet's node.

Keys are kept in a file of the workspace, or in PostgreSQL where TREADLE_IDEMPOTENCY_URL (libpq) names a database: a
fleet whose gateways share the calls of one consumer must share its keys.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from treadle.control.process import main
from treadle.control.state import State
from treadle.gateway.hop.process import run_hop
from treadle.gateway.hop.stores.store import Store

DATABASE = "TREADLE_IDEMPOTENCY_URL"
SOCKET, TABLE = "hop.sock", "hop.json"
"""Of a node of a fleet, in its folder."""


async def hop(state: State) -> None:
    """Guard the calls of a fabric until SIGTERM."""
    await _guard(state.hop_socket, state.onward_socket, state.hop_table, state.idempotency)


async def node_hop(state: State) -> None:
    """Guard the calls of a node of a fleet until SIGTERM; everything is in its folder."""
    at = state.root
    await _guard(at / SOCKET, at / "onward.sock", at / TABLE, at / "idempotency.sqlite")


async def _guard(socket: Path, onward: Path, table: Path, keys: Path) -> None:
    # What is loaded now stays for good, and a call leaves no cycles behind: looking for them more seldom costs nothing.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    await run_hop(socket=socket, onward=onward, table=table, store=_store(keys))


def _store(keys: Path) -> Store:
    url = os.environ.get(DATABASE)
    if url:
        from treadle.gateway.hop.stores.postgres import postgres_store

        return postgres_store(url)
    from treadle.gateway.hop.stores.sqlite import sqlite_store

    return sqlite_store(keys)


if __name__ == "__main__":
    main(node_hop if sys.argv[1] == "--node" else hop)
