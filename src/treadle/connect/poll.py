"""Poll a REST list without losing a record: fetch, map, publish, and only then advance.

`Poller.round` is the whole protocol and knows no network; `HttpSource` asks over HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx
import orjson

from treadle.base.canon import canonical
from treadle.base.errors import EngineError
from treadle.base.ids import new_trace
from treadle.connect.cursor import (
    EPOCH,
    SECOND_US,
    Cursor,
    Mark,
    Page,
    Query,
    Reading,
    Row,
    first_disorder,
    instant_us,
)
from treadle.connect.deliver import Tally, Unanswered, UnansweredError, deliver, first_unanswered
from treadle.connect.expression import UnmappableError
from treadle.connect.mapping import Mapping, Occurrence
from treadle.connect.position import Positions
from treadle.connect.settings import Poll
from treadle.connect.source import Outgoing, Publish, Quarantine, Quarantined, SchemaVersionOf

RESPONSE_BYTES_MAX = 8 * 1024 * 1024
RESPONSE_TIME_S = 15.0
RETRY_AFTER_S_MAX = 600.0
_RUN = uuid4().hex
"""Names this process, within which the steady clock can be compared."""

Fetch = Callable[[Query], Awaitable[Page]]


class SourceBusyError(EngineError):
    """The source asks us to come back later. `retry_after_s` is 0 where it does not say when."""

    def __init__(self, message: str, retry_after_s: float = 0) -> None:
        super().__init__("source-busy", message, "it is asked again by itself; see 'treadle status'")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Clocks:
    """Our clocks in seconds, as arguments so that tests can set them."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    run: str = _RUN

    def read(self, source_us: int | None) -> Reading:
        """Our clocks beside the source's."""
        return Reading(source_us, int(self.wall() * SECOND_US), int(self.steady() * SECOND_US), self.run)


@dataclass(frozen=True, slots=True)
class Poller:
    """One source, read in rounds. A round can be cut off anywhere and loses nothing."""

    mapping: Mapping
    page_size: int
    overlap_us: int
    fetch: Fetch
    publish: Publish
    quarantine: Quarantine
    schema_version_of: SchemaVersionOf
    positions: Positions
    clocks: Clocks = Clocks()

    async def round(self, tally: Tally) -> bool:
        """Read all that is new, and count it; True if there was any.

        Raises EngineError where the source or the bus is away; then call it again.
        """
        before = tally.handled
        cursor, seen = await self.positions.load(self.mapping.settings.name)
        query = cursor.query(self.overlap_us, self.page_size)
        page = await self.fetch(query)
        begun = cursor.at_clock(self.clocks.read(page.source_us), self.overlap_us)
        if begun.at_us < cursor.at_us:
            query = begun.query(self.overlap_us, self.page_size)
            page = await self.fetch(query)
        cursor = begun
        while True:
            if disorder := first_disorder(page.rows, query.after):
                raise EngineError(
                    "source-disordered",
                    f"the source of '{self.mapping.settings.name}' does not list by (timestamp, id): {disorder}",
                    "its list must honour updated_since, after and limit",
                )
            cursor = await self._page(page, cursor, seen, tally)
            if not page.full:
                return tally.handled > before
            if not page.rows:
                raise EngineError(
                    "source-disordered",
                    f"no record of a full page of '{self.mapping.settings.name}' has a timestamp and an id",
                    "check source.cursor in the connector's file",
                )
            query = Query(query.since, page.rows[-1].mark, self.page_size)
            page = await self.fetch(query)

    async def _page(self, page: Page, cursor: Cursor, seen: dict[str, int], tally: Tally) -> Cursor:
        """Publish what is new in a page, then remember it and advance. Raises UnansweredError; then no advance."""
        batch, still_misplaced = self._new(page, seen)
        tally.read += len(page.rows) + len(page.misplaced)
        ends = await deliver([each for each, _ in batch], self.publish, self.quarantine)
        handled = still_misplaced | {
            _identity(each): at_us
            for (each, at_us), end in zip(batch, ends, strict=True)
            if not isinstance(end, Unanswered)
        }
        tally.count(ends)
        lost = first_unanswered(ends)
        if lost is None:
            cursor = cursor.past(page.rows)
        seen.update(handled)
        if handled or lost is None:
            await self.positions.save(
                self.mapping.settings.name, cursor, handled, cursor.forget_before_us(self.overlap_us)
            )
        if lost is not None:
            raise UnansweredError(lost.why)
        return cursor

    def _new(self, page: Page, seen: dict[str, int]) -> tuple[list[tuple[Outgoing | Quarantined, int]], dict[str, int]]:
        """What a page asks to be published or kept, with its time, without what was seen before.

        The second part is what has no place in the source's order and was seen before: it comes with every page, so
        it is remembered for as long as it does.
        """
        now = datetime.fromtimestamp(self.clocks.wall(), UTC)
        now_us = int(self.clocks.wall() * SECOND_US)
        still_misplaced: dict[str, int] = {}
        batch: list[tuple[Outgoing | Quarantined, int]] = []
        fresh: set[str] = set()
        for row in page.rows:
            trace = new_trace()
            for each in self.mapping.occurrences(row.record, observed_at=now, trace=trace):
                if each.identity in seen or each.identity in fresh:
                    continue
                fresh.add(each.identity)
                made = (
                    self.mapping.outgoing(each, trace=trace, schema_version_of=self.schema_version_of)
                    if isinstance(each, Occurrence)
                    else each
                )
                batch.append((made, row.at_us))
        for record in page.misplaced:
            kept = self.mapping.unreadable(
                canonical(record), "no usable timestamp or id", observed_at=now, trace=new_trace()
            )
            if kept.identity in seen:
                still_misplaced[kept.identity] = now_us
            elif kept.identity not in fresh:
                fresh.add(kept.identity)
                batch.append((kept, now_us))
        return batch, still_misplaced


def _identity(each: Outgoing | Quarantined) -> str:
    return each.event_id if isinstance(each, Outgoing) else each.identity


class HttpSource:
    """Asks one URL, and no other: no redirect is followed and no proxy is taken from the environment."""

    def __init__(self, settings: Poll, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def fetch(self, query: Query) -> Page:
        """One page. Raises SourceBusyError for 429 and 5xx, EngineError for what a retry will hardly mend."""
        params: dict[str, Any] = {"updated_since": query.since, "limit": query.limit}
        if query.after is not None:
            params["after"] = str(query.after)
        try:
            async with (
                asyncio.timeout(RESPONSE_TIME_S),
                self._client.stream("GET", self._settings.url, params=params) as response,
            ):
                _check_status(response)
                body = await _read(response)
        except TimeoutError as error:
            raise SourceBusyError(f"{self._settings.url} took longer than {RESPONSE_TIME_S:g} s") from error
        except httpx.TransportError as error:
            raise SourceBusyError(f"{self._settings.url} is not reachable: {type(error).__name__}") from error
        return self._page(body, query.limit, _date_us(response.headers.get("date")))

    def _page(self, body: bytes, limit: int, source_us: int | None) -> Page:
        try:
            items = self._settings.items.evaluate(orjson.loads(body))
        except (orjson.JSONDecodeError, UnmappableError) as error:
            raise _unusable(self._settings.url, "is not JSON with the list that source.items names") from error
        if not isinstance(items, list):
            raise _unusable(self._settings.url, f"has no list at '{self._settings.items.text}'")
        rows, misplaced = [], []
        for record in items:
            try:
                timestamp = self._settings.timestamp.evaluate(record)
                mark = Mark(timestamp, _id_text(self._settings.id.evaluate(record)))
                rows.append(Row(instant_us(timestamp), mark, record))
            except (UnmappableError, ValueError, OverflowError):
                misplaced.append(record)
        return Page(tuple(rows), tuple(misplaced), len(items) >= limit, source_us)


def http_client() -> httpx.AsyncClient:
    """The client that every poll shares."""
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(RESPONSE_TIME_S, connect=5.0),
        headers={"user-agent": "treadle-connect", "accept": "application/json", "accept-encoding": "identity"},
    )


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    url = response.request.url.copy_with(query=None)
    if status == 429 or status >= 500:
        raise SourceBusyError(f"{url} answers {status}", _retry_after_s(response.headers.get("retry-after")))
    raise _unusable(str(url), f"has status {status}" + (" (redirects are not followed)" if 300 <= status < 400 else ""))


async def _read(response: httpx.Response) -> bytes:
    chunks, size = [], 0
    url = str(response.request.url.copy_with(query=None))
    # We ask for none: a small compressed answer may be a huge one.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _unusable(url, "is compressed though we did not ask for it")
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > RESPONSE_BYTES_MAX:
            raise _unusable(url, f"is over {RESPONSE_BYTES_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _retry_after_s(header: str | None) -> float:
    """Seconds; a date is taken as "we do not know", for its clock is not ours."""
    if header is None or not header.isascii() or not header.isdigit():
        return 0.0
    return min(float(header), RETRY_AFTER_S_MAX)


def _date_us(header: str | None) -> int | None:
    try:
        return None if header is None else int((parsedate_to_datetime(header) - EPOCH).total_seconds()) * SECOND_US
    except (ValueError, TypeError):
        return None


def _id_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError("no id")
    return str(value)


def _unusable(url: str, why: str) -> EngineError:
    return EngineError("source-unusable", f"the answer of {url} {why}", "check source in the connector's file")


def poller(
    mapping: Mapping,
    settings: Poll,
    *,
    client: httpx.AsyncClient,
    publish: Publish,
    quarantine: Quarantine,
    schema_version_of: SchemaVersionOf,
    positions: Positions,
) -> Poller:
    """The poller of one connector over HTTP."""
    return Poller(
        mapping=mapping,
        page_size=settings.page_size,
        overlap_us=int(settings.overlap_s * SECOND_US),
        fetch=HttpSource(settings, client).fetch,
        publish=publish,
        quarantine=quarantine,
        schema_version_of=schema_version_of,
        positions=positions,
    )
