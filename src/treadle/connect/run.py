"""Every connector of a workspace, each in a task of its own: one that fails is tried again alone."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from starlette.routing import Route

from treadle.base.errors import InputError, TreadleError
from treadle.connect.backoff import backoff_s
from treadle.connect.database import Database
from treadle.connect.deliver import Tally
from treadle.connect.door import routes as door_routes
from treadle.connect.mapping import Mapping as RecordMapping
from treadle.connect.poll import SourceBusyError, http_client, poller
from treadle.connect.position import SqlitePositions
from treadle.connect.pump import Pump
from treadle.connect.settings import ConnectorSettings, Poll, Webhook, read_settings
from treadle.connect.source import Publish, Quarantine, SchemaVersionOf
from treadle.connect.spool import Spool
from treadle.contract.model import Connector

_log = logging.getLogger(__name__)


class State(StrEnum):
    """How a connector fares: working, waiting to try again, or with settings that cannot be used."""

    RUNNING = "running"
    RETRYING = "retrying"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """One connector for people. `waiting` is how many webhooks are not published yet; `last_ok_s` is Unix time."""

    name: str
    system: str
    kind: str
    state: State
    detail: str
    read: int
    published: int
    refused: int
    quarantined: int
    waiting: int
    last_refusal: str
    last_ok_s: float


@dataclass(slots=True)
class _Runner:
    """One connector at work. `changed` wakes it before its pause is over."""

    connector: Connector
    settings: ConnectorSettings | None
    state: State = State.RUNNING
    detail: str = ""
    tally: Tally = field(default_factory=Tally)
    last_ok_s: float = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Connectors:
    """The connectors of one workspace. Use as a context manager: it owns a database.

    `run` works until it is cancelled; `update` may be called at any time; `routes` finds connectors when it is called.
    """

    def __init__(
        self,
        connectors: Sequence[Connector],
        *,
        state_path: Path,
        publish: Publish,
        quarantine: Quarantine,
        schema_version_of: SchemaVersionOf,
    ) -> None:
        """`state_path` is the SQLite file; its folder must be there."""
        self._publish = publish
        self._quarantine = quarantine
        self._schema_version_of = schema_version_of
        # Two connections: a webhook does not wait for the fsync of a poll's cursor.
        self._positions_database = Database(state_path)
        self._spool_database = Database(state_path)
        self._positions = SqlitePositions(self._positions_database)
        self._spool = Spool(self._spool_database)
        self._runners: dict[str, _Runner] = {}
        self._wanted = asyncio.Event()
        self.update(connectors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. `run` must have ended."""
        self._positions_database.close()
        self._spool_database.close()

    def update(self, connectors: Sequence[Connector]) -> None:
        """Go on with these. One whose settings did not change is not disturbed; a removed one ends."""
        wanted = {each.name: each for each in connectors}
        for name in [name for name, runner in self._runners.items() if wanted.get(name) != runner.connector]:
            runner = self._runners.pop(name)
            if runner.task is not None:
                runner.task.cancel()
        for name, connector in wanted.items():
            if name not in self._runners:
                self._runners[name] = _runner(connector)
        self._wanted.set()

    def routes(self) -> list[Route]:
        """`POST /v1/webhooks/{connector}`, to be mounted in the control process."""
        return door_routes(self._webhook_of, self._spool, self._wake)

    def status(self) -> tuple[ConnectorStatus, ...]:
        """How each connector fares, by name."""
        return tuple(self._status(name, runner) for name, runner in sorted(self._runners.items()))

    async def run(self) -> None:
        """Work until cancelled."""
        async with http_client() as client, asyncio.TaskGroup() as group:
            while True:
                self._wanted.clear()
                for name, runner in self._runners.items():
                    if runner.task is None and runner.settings is not None:
                        runner.task = group.create_task(
                            self._keep_running(runner, runner.settings, client), name=f"connector {name}"
                        )
                await self._wanted.wait()

    async def _keep_running(self, runner: _Runner, settings: ConnectorSettings, client: httpx.AsyncClient) -> None:
        round, pause_s = self._work(settings, client)
        failures = 0
        while True:
            # Cleared before the work, so that what comes during it is not slept over.
            runner.changed.clear()
            try:
                refused = runner.tally.refused
                more = await round(runner.tally)
            except Exception as error:  # noqa: BLE001  - whatever it is, the other connectors go on
                failures += 1
                wait_s = max(backoff_s(failures, random.random()), getattr(error, "retry_after_s", 0.0))  # noqa: S311  - jitter
                self._failed(runner, error, wait_s)
                await asyncio.sleep(wait_s)
                continue
            failures = 0
            runner.state, runner.detail, runner.last_ok_s = State.RUNNING, "", time.time()
            if runner.tally.refused > refused:
                _log.warning("%s: the bus refused events, the last: %s", settings.name, runner.tally.last_refusal)
            if not more or isinstance(settings.source, Poll):
                await _first(runner.changed.wait(), pause_s)

    def _work(
        self, settings: ConnectorSettings, client: httpx.AsyncClient
    ) -> tuple[Callable[[Tally], Awaitable[bool]], float]:
        """One round of the connector's work, and the seconds to pause when there was none."""
        mapping = RecordMapping(settings)
        if isinstance(settings.source, Poll):
            poll = poller(
                mapping,
                settings.source,
                client=client,
                publish=self._publish,
                quarantine=self._quarantine,
                schema_version_of=self._schema_version_of,
                positions=self._positions,
            )
            return poll.round, settings.source.every_s
        pump = Pump(mapping, self._spool, self._publish, self._quarantine, self._schema_version_of)
        return pump.round, 30.0

    def _failed(self, runner: _Runner, error: Exception, wait_s: float) -> None:
        expected = isinstance(error, TreadleError | OSError)
        text = str(error) or type(error).__name__
        runner.state, runner.detail = State.RETRYING, text.splitlines()[0]
        if expected:
            level = logging.INFO if isinstance(error, SourceBusyError) else logging.WARNING
            _log.log(level, "%s: %s; next try in %.1f s", runner.connector.name, runner.detail, wait_s)
        else:
            _log.error("%s failed; next try in %.1f s", runner.connector.name, wait_s, exc_info=error)

    def _webhook_of(self, name: str) -> Webhook | None:
        runner = self._runners.get(name)
        source = runner.settings.source if runner and runner.settings else None
        return source if isinstance(source, Webhook) else None

    def _wake(self, name: str) -> None:
        if runner := self._runners.get(name):
            runner.changed.set()

    def _status(self, name: str, runner: _Runner) -> ConnectorStatus:
        source = runner.settings.source if runner.settings else None
        tally = runner.tally
        return ConnectorStatus(
            name=name,
            system=runner.connector.system,
            kind="poll" if isinstance(source, Poll) else "webhook" if isinstance(source, Webhook) else "",
            state=runner.state,
            detail=runner.detail,
            read=tally.read,
            published=tally.published,
            refused=tally.refused,
            quarantined=tally.quarantined,
            waiting=self._spool.depth(name) if isinstance(source, Webhook) else 0,
            last_refusal=tally.last_refusal,
            last_ok_s=runner.last_ok_s,
        )


def _runner(connector: Connector) -> _Runner:
    try:
        return _Runner(connector, read_settings(connector))
    except InputError as error:
        _log.error("%s", error)
        return _Runner(connector, None, State.BROKEN, error.message)


async def _first(waiting: Awaitable[object], pause_s: float) -> None:
    """Wait for it, but not longer than the pause."""
    try:
        async with asyncio.timeout(pause_s):
            await waiting
    except TimeoutError:
        return
