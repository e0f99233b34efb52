from datetime import UTC, datetime

import orjson
import pytest

from treadle.base.errors import EngineError, InputError
from treadle.base.ids import new_trace
from treadle.connect.mapping import EVENT_BYTES_MAX, Mapping, event_id
from treadle.connect.settings import Poll, Webhook, read_settings
from treadle.connect.source import Change, Outgoing, Quarantined
from treadle.contract.model import Connector, Place

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACE = new_trace()


def record(**data):
    whole = {"id": "C-1", "revision": 3, "email": "ada@example.com"} | data
    return {"type": "customer.updated", "timestamp": "2026-03-01T09:30:00Z", "data": whole}


def made(connector, given, version="1.2.0"):
    mapping = Mapping(read_settings(connector))
    return [
        each
        if isinstance(each, Quarantined)
        else mapping.outgoing(each, trace=TRACE, schema_version_of=lambda _: version)
        for each in mapping.occurrences(given, observed_at=SEEN, trace=TRACE)
    ]


def test_metadata_is_filled_in(crm):
    (out,) = made(crm(), record())
    assert isinstance(out, Outgoing)
    assert out.event == {
        "eventId": out.event_id,
        "occurredAt": "2026-03-01T09:30:00.000000Z",
        "partitionKey": "C-1",
        "schemaVersion": "1.2.0",
        "customerId": "C-1",
        "email": "ada@example.com",
    }
    assert (out.channel, out.key, out.connector, out.trace) == ("customer.profile.updated.v1", "C-1", "crm", TRACE)


def test_the_same_change_is_the_same_event_and_another_is_not(crm):
    ids = [
        made(crm(), each)[0].event_id for each in (record(), record(email="new"), record(revision=4), record(id="C-2"))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_event_ids_never_change():
    # Consumers have these in their inboxes: a new way of making them would send every event again.
    change = Change("order", "O-1", "7", None, SEEN)
    assert event_id("erp", "sales.order.created.v1", change) == "f5de26b2-4c6f-5ae5-aa55-4cab70267d86"


def test_parts_of_an_identity_do_not_run_into_each_other():
    one = event_id("erp", "c", Change("order", "a/b", "c", None, SEEN))
    other = event_id("erp", "c", Change("order", "a", "b/c", None, SEEN))
    assert one != other


def test_what_is_not_wanted_makes_no_event(crm):
    assert made(crm(), record() | {"type": "customer.deleted"}) == []


def test_missing_values_are_left_out_and_time_falls_back_to_when_it_was_seen(crm):
    (out,) = made(crm(map={"email": "data.nothing"}), record())
    assert "email" not in out.event
    assert out.event["occurredAt"] == "2026-03-01T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("changes", "given", "says"),
    [
        ({"map": {"email": "to_decimal(data.email)"}}, record(), "map.email: to_decimal(): not a number"),
        ({}, record(id=None), "id 'data.id' gives neither"),
        ({}, record(revision=True), "version 'data.revision' gives neither"),
        ({"key": "data.email"}, record(email="ä" * 129), "more than 256 bytes"),
        ({"when": "length(data.id)"}, record(id=7), "length() cannot take a number"),
        ({"map": {"email": "data"}}, record(email="x" * EVENT_BYTES_MAX), "larger than"),
        ({"map": {"email": "&data"}}, record(), "no JSON value"),
        ({}, ["not", "an", "object"], None),
    ],
)
def test_what_cannot_be_mapped_is_quarantined_without_quoting_it(crm, changes, given, says):
    found = made(crm(**changes), given)
    if says is None:
        assert found == []
        return
    (kept,) = found
    assert isinstance(kept, Quarantined)
    assert says in kept.detail
    assert "ada@example.com" not in kept.detail
    assert orjson.loads(kept.record) == given
    assert kept.identity == made(crm(**changes), given)[0].identity


def test_a_channel_without_a_contract_waits(crm):
    with pytest.raises(EngineError) as seen:
        made(crm(), record(), version=None)
    assert seen.value.code == "no-contract-in-force"


def test_settings_of_both_kinds(crm, erp):
    assert isinstance(read_settings(crm()).source, Webhook)
    source = read_settings(erp("http://127.0.0.1:1/")).source
    assert isinstance(source, Poll)
    assert (source.url, source.overlap_s, source.page_size) == ("http://127.0.0.1:1/api/orders", 60, 100)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("source", "type"), "ftp", "'ftp' is no kind of source"),
        (("source", "url"), "file:///etc/passwd", "source.url must be http"),
        (("source", "url"), "http://user:pw@h", "source.url must be http"),
        (("source", "path"), "api", "source.path must begin with /"),
        (("source", "page_size"), 0, "source.page_size must be a number from 1"),
        (("source", "overlap_s"), "60", "source.overlap_s must be a number"),
        (("source", "evry_s"), 1, "did you mean 'every_s'"),
        (("source", "cursor"), {"timestamp": "a."}, "source.cursor.timestamp: 'a.'"),
        (("emit",), [], "emit must name at least one"),
        (("emit", 0, "map"), {"eventId": "id"}, "emit[0].map.eventId is filled in by treadle"),
        (("emit", 0, "when"), "status ==", "emit[0].when: 'status =='"),
        (("emit", 0, "key"), 7, "emit[0].key must be text"),
    ],
)
def test_bad_settings_name_the_file_and_the_key(erp, path, value, says):
    settings = orjson.loads(orjson.dumps(erp("http://127.0.0.1:1").settings))
    place = settings
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InputError) as seen:
        read_settings(Connector("erp", "ERP", settings, Place("connectors/erp.yaml", 2, 1)))
    assert seen.value.message.startswith("connectors/erp.yaml:2:1: ")
    assert says in seen.value.message


@pytest.mark.parametrize("key", [None, "", "whpk_", "whpk_AAAA", "whsec_" + "A" * 44, "nonsense"])
def test_a_webhook_without_a_good_key_is_refused(key):
    source = {"type": "webhook"} | ({} if key is None else {"public_key": key})
    emit = {"event": "a.b.c.v1", "entity": "e", "id": "i", "version": "v", "key": "k", "map": {}}
    settings = {"connector": "x", "system": "X", "source": source, "emit": [emit]}
    with pytest.raises(InputError):
        read_settings(Connector("x", "X", settings, Place("connectors/x.yaml")))
