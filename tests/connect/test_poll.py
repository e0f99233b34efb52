"""Rounds over what the property test leaves out: settings, contracts, quarantine and the database."""

import asyncio

import pytest

from treadle.base.errors import EngineError
from treadle.connect.cursor import Mark, Page, Row, instant_us
from treadle.connect.database import Database
from treadle.connect.deliver import Tally
from treadle.connect.mapping import Mapping
from treadle.connect.poll import Poller
from treadle.connect.position import SqlitePositions
from treadle.connect.settings import read_settings

T1, T2 = "2026-03-01T09:30:00Z", "2026-03-01T09:31:00Z"


def row(id, at, **fields):
    record = {"id": id, "updated_at": at, "status": "confirmed", "total": "5"} | fields
    return Row(instant_us(at), Mark(at, id), record)


class Source:
    def __init__(self, *pages):
        self.pages = list(pages)
        self.queries = []

    async def fetch(self, query):
        self.queries.append(query)
        return self.pages.pop(0)


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "connect.sqlite")
    yield opened
    opened.close()


def poller(erp, bus, database, source, version="1.0.0"):
    return Poller(
        mapping=Mapping(read_settings(erp("http://erp.example"))),
        page_size=2,
        overlap_us=60_000_000,
        fetch=source.fetch,
        publish=bus.publish,
        quarantine=bus.quarantine,
        schema_version_of=lambda _: version,
        positions=SqlitePositions(database),
    )


def page(*rows, full=False, misplaced=(), source_us=None):
    return Page(rows, misplaced, full, source_us)


def test_pages_are_followed_and_the_next_round_begins_an_overlap_earlier(erp, bus, database):
    source = Source(page(row("O-1", T1), row("O-2", T1), full=True), page(row("O-3", T2)), page(row("O-3", T2)))
    tally = Tally()
    whole = poller(erp, bus, database, source)
    assert asyncio.run(whole.round(tally))
    assert not asyncio.run(whole.round(tally))
    assert [each["orderId"] for each in bus.events] == ["O-1", "O-2", "O-3"]
    assert (tally.read, tally.published) == (4, 3)
    assert [(query.since, query.after) for query in source.queries] == [
        ("1970-01-01T00:00:00.000000Z", None),
        ("1970-01-01T00:00:00.000000Z", Mark(T1, "O-2")),
        ("2026-03-01T09:30:00.000000Z", None),
    ]


def test_nothing_advances_while_the_bus_is_away(erp, bus, database):
    source = Source(page(row("O-1", T1)), page(row("O-1", T1)))
    whole = poller(erp, bus, database, source)
    bus.away = True
    with pytest.raises(EngineError, match="did not answer"):
        asyncio.run(whole.round(Tally()))
    bus.away = False
    asyncio.run(whole.round(Tally()))
    assert [query.since for query in source.queries] == ["1970-01-01T00:00:00.000000Z"] * 2
    assert len(bus.events) == 1


def test_a_refused_event_is_handled_and_told(erp, bus, database):
    bus.refuses.add("O-1")
    source = Source(page(row("O-1", T1), row("O-2", T1)), page(row("O-1", T1), row("O-2", T1)))
    tally = Tally()
    whole = poller(erp, bus, database, source)
    asyncio.run(whole.round(tally))
    asyncio.run(whole.round(tally))
    assert (tally.published, tally.refused, bus.attempts) == (1, 1, 2)
    assert tally.last_refusal == "CONTRACT_VIOLATION /email: is not an email"


def test_what_cannot_be_mapped_or_placed_is_kept_once(erp, bus, database):
    odd = {"id": "O-9", "updated_at": None}
    pages = [page(row("O-1", T1, total="twelve"), row("O-2", T1), misplaced=(odd,)) for _ in range(3)]
    whole = poller(erp, bus, database, Source(*pages))
    tally = Tally()
    for _ in range(3):
        asyncio.run(whole.round(tally))
    assert [each.detail for each in bus.quarantined] == [
        "map.amount: to_decimal(): not a number",
        "no usable timestamp or id",
    ]
    assert (tally.published, tally.quarantined) == (1, 2)


def test_a_channel_without_a_contract_holds_the_source_up(erp, bus, database):
    source = Source(page(row("O-1", T1)), page(row("O-1", T1)))
    with pytest.raises(EngineError, match="no contract for it is live"):
        asyncio.run(poller(erp, bus, database, source, version=None).round(Tally()))
    asyncio.run(poller(erp, bus, database, source).round(Tally()))
    assert len(bus.events) == 1


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ([page(row("O-1", T2), row("O-2", T1))], "older than the one before"),
        ([page(row("O-1", T1), row("O-2", T1), full=True)] * 2, "after which the page was asked"),
        ([page(misplaced=({}, {}), full=True)], "no record of a full page"),
    ],
)
def test_a_source_that_does_not_keep_its_order_is_found_out(erp, bus, database, pages, says):
    with pytest.raises(EngineError, match=says) as seen:
        asyncio.run(poller(erp, bus, database, Source(*pages)).round(Tally()))
    assert seen.value.code == "source-disordered"


def test_a_position_survives_and_forgets(database):
    positions = SqlitePositions(database)

    async def play():
        from treadle.connect.cursor import Cursor, Hold, Reading

        whole = Cursor(50, Reading(60, 70, 80, "run"), Hold(40, 90))
        await positions.save("erp", whole, {"a": 10, "b": 30}, 0)
        await positions.save("other", Cursor(1), {"z": 1}, 0)
        await positions.save("erp", whole, {"c": 31}, 20)
        return await positions.load("erp"), await positions.load("none"), whole

    loaded, none, whole = asyncio.run(play())
    assert loaded == (whole, {"b": 30, "c": 31})
    assert none[0].at_us == 0
    assert none[1] == {}
