"""A connector's settings, a bus that can be away, and a real HTTP server around an app."""

import asyncio
import contextlib
import socket
import time

import orjson
import pytest
import uvicorn

from treadle.base.errors import EngineError
from treadle.connect.source import Published, Refused
from treadle.connect.webhook import SigningKey
from treadle.contract.model import Connector, Place

PLACE = Place("connectors/crm.yaml", 3, 1)
EMIT = {
    "event": "customer.profile.updated.v1",
    "when": "type == 'customer.updated'",
    "entity": "customer",
    "id": "data.id",
    "version": "data.revision",
    "key": "data.id",
    "map": {"occurredAt": "iso(timestamp)", "customerId": "data.id", "email": "data.email"},
}


class Bus:
    """Keeps events by id, as the real one does; `away` makes it silent, `refuses` answers for some keys."""

    def __init__(self):
        self.events = []
        self.outgoing = []
        self.quarantined = []
        self.away = False
        self.refuses = set()
        self.attempts = 0

    async def publish(self, outgoing):
        self.attempts += 1
        await asyncio.sleep(0)
        if self.away:
            raise EngineError("bus-unreachable", "nobody there", "start it")
        if outgoing.key in self.refuses:
            return Refused("CONTRACT_VIOLATION", "/email: is not an email")
        duplicate = any(each["eventId"] == outgoing.event_id for each in self.events)
        if not duplicate:
            self.events.append(outgoing.event)
            self.outgoing.append(outgoing)
        return Published(duplicate)

    async def quarantine(self, quarantined):
        if self.away:
            raise EngineError("bus-unreachable", "nobody there", "start it")
        self.quarantined.append(quarantined)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def signing_key():
    return SigningKey.generate()


@pytest.fixture
def crm(signing_key):
    def make(**changes):
        settings = {
            "connector": "crm",
            "system": "CRM",
            "source": {"type": "webhook", "public_key": signing_key.public_text()},
            "emit": [EMIT | changes],
        }
        return Connector("crm", "CRM", settings, PLACE)

    return make


@pytest.fixture
def erp():
    def make(url, **source):
        settings = {
            "connector": "erp",
            "system": "ERP",
            "source": {
                "type": "poll",
                "url": url,
                "path": "/api/orders",
                "items": "records",
                "cursor": {"timestamp": "updated_at", "id": "id"},
                "every_s": 0.05,
            }
            | source,
            "emit": [
                {
                    "event": "sales.order.created.v1",
                    "when": "status == 'confirmed'",
                    "entity": "order",
                    "id": "id",
                    "version": "updated_at",
                    "key": "id",
                    "map": {"orderId": "id", "amount": "to_decimal(total)"},
                }
            ],
        }
        return Connector("erp", "ERP", settings, Place("connectors/erp.yaml"))

    return make


@contextlib.asynccontextmanager
async def _serving(app):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
def serving():
    """`async with serving(app) as url`: the app over real HTTP."""
    return _serving


async def _until(condition, timeout_s=20):
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  - what is waited for is often in another process
            await asyncio.sleep(0.01)


@pytest.fixture
def until():
    return _until


@pytest.fixture
def webhook(signing_key):
    """Body and headers of one signed delivery."""

    def make(message="msg_1", /, *, at=None, body=None, **data):
        record = {"id": "C-1", "revision": 1, "email": "a@b.example"} | data
        told = {"type": "customer.updated", "timestamp": "2026-03-01T09:30:00Z", "data": record}
        body = orjson.dumps(told) if body is None else body
        return body, signing_key.headers(message, int(time.time()) if at is None else at, body)

    return make
