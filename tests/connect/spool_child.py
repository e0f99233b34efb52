"""A process to be killed: the door and the pump, publishing into a file. Prints its address when it listens.

python spool_child.py STATE BUS PUBLIC_KEY
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette

from treadle.connect.run import Connectors
from treadle.connect.source import Published
from treadle.contract.model import Connector, Place

STATE, BUS, PUBLIC_KEY = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
EMIT = {
    "event": "customer.profile.updated.v1",
    "entity": "customer",
    "id": "data.id",
    "version": "data.revision",
    "key": "data.id",
    "map": {"revision": "data.revision"},
}


async def publish(outgoing):
    """On the disk before the answer, as the real bus does it."""
    with BUS.open("ab") as out:  # noqa: ASYNC230  - the wait for the disk is what is wanted here
        out.write(orjson.dumps([outgoing.key, outgoing.event_id, outgoing.event["revision"]]) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    await asyncio.sleep(0.002)
    return Published()


async def quarantine(quarantined):
    raise AssertionError(quarantined.detail)


async def main():
    source = {"type": "webhook", "public_key": PUBLIC_KEY}
    settings = {"connector": "crm", "system": "CRM", "source": source, "emit": [EMIT]}
    connector = Connector("crm", "CRM", settings, Place("connectors/crm.yaml"))
    with Connectors(
        [connector], state_path=STATE, publish=publish, quarantine=quarantine, schema_version_of=lambda _: "1.0.0"
    ) as whole:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(Starlette(routes=whole.routes()), log_config=None, ws="none", lifespan="off")
        print(listener.getsockname()[1], flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(whole.run())
            group.create_task(uvicorn.Server(config).serve(sockets=[listener]))


asyncio.run(main())
