"""The example that teams copy from is without a complaint, and its stories are about what they say."""

import datetime as dt

import orjson

from treadle.bus.build import build
from treadle.bus.guard import Accepted, compile_guard
from treadle.check.conflicts import conflicts
from treadle.check.diff import compare
from treadle.check.run import check_contract
from treadle.connect.settings import read_settings
from treadle.connect.webhook import SigningKey
from treadle.contract.read import read_contract
from treadle.contract.workspace import read_workspace

BREAK = "stories/break/customers.v1.openapi.yaml"
PLACE = "domains/customer/customers.v1.openapi.yaml"


def test_there_is_no_finding(acme):
    workspace, findings = acme
    assert findings == ()
    assert [str(each) for contract in workspace.contracts for each in check_contract(contract)] == []
    assert [str(each) for each in conflicts(workspace.contracts, workspace.settings)] == []


def test_it_holds_what_the_demo_shows(acme):
    workspace, _ = acme
    assert [each.id for each in workspace.contracts] == [
        "customer.customers.v0",
        "customer.customers.v1",
        "customer.profile.v1",
        "itsm.incident.v1",
        "sales.order.v1",
        "sales.orders.v1",
    ]
    subjects = {channel.name: channel.subject_pointer for each in workspace.contracts for channel in each.channels}
    assert subjects == {
        "customer.profile.updated.v1": "/customerId",
        "itsm.incident.raised.v1": "/reportedBy",
        "sales.order.created.v1": "/customerId",
    }
    bus = build(workspace.contracts, workspace.settings)
    assert {(each.id, each.channel) for each in bus.groups} == {
        ("customers-api", "customer.profile.updated.v1"),
        ("customers-next", "customer.profile.updated.v1"),
        ("orders-api", "sales.order.created.v1"),
        ("billing", "sales.order.created.v1"),
    }
    assert {each.client: each.domains for each in bus.producers} == {
        "crm": ("customer",),
        "demo-app": ("sales",),
        "erp": ("sales",),
        "itsm": ("itsm",),
    }


def test_every_example_of_an_event_is_taken_by_the_guard(acme):
    workspace, _ = acme
    guard, problems = compile_guard(build(workspace.contracts, workspace.settings))
    assert problems == ()
    seen = 0
    for contract in workspace.contracts:
        for channel in contract.channels:
            message = contract.document["components"]["messages"][channel.message]
            for example in message["examples"]:
                event = example["payload"]
                subject = f"{channel.name}.{event['partitionKey']}"
                assert isinstance(guard.judge(subject, {}, orjson.dumps(event)), Accepted)
                seen += 1
    assert seen == 3


def test_every_connector_is_usable_once_its_environment_gives_its_key(acme_files):
    overlay = orjson.dumps(
        {"connectors": {name: {"public_key": SigningKey.generate().public_text()} for name in ("crm", "itsm")}}
    )
    workspace, findings = read_workspace(acme_files, overlays=[("demo", overlay)])
    assert findings == ()
    channels = {channel.name for contract in workspace.contracts for channel in contract.channels}
    emitted = {emit.event for each in workspace.settings.connectors for emit in read_settings(each).emits}
    assert emitted == channels
    for each in workspace.settings.connectors:
        domain = read_settings(each).emits[0].event.partition(".")[0]
        assert f"{domain}.events:publish" in workspace.settings.consumers[each.name].scopes


def test_the_breaking_story_breaks(acme, acme_files):
    workspace, _ = acme
    broken, findings = read_contract(PLACE, {**acme_files, PLACE: acme_files[BREAK]})
    assert findings == ()
    assert broken.version == "1.1.0"
    said = [str(each) for each in compare(workspace.contract("customer.customers.v1"), broken, dt.date(2026, 1, 1))]
    assert any("email" in each for each in said)
    assert any("region" in each for each in said)


def test_the_dlq_story_is_refused_and_its_twin_is_not(acme, acme_files):
    workspace, _ = acme
    guard, _ = compile_guard(build(workspace.contracts, workspace.settings))
    bad, mended = (acme_files[f"stories/dlq/{name}.json"] for name in ("bad", "mended"))
    subject = "sales.order.created.v1.O-9999"
    refused = guard.judge(subject, {}, bad)
    assert refused.text == 'CONTRACT_VIOLATION /amount: "twelve" is not of type "number"'
    assert isinstance(guard.judge(subject, {}, mended), Accepted)
    differing = {key for key, value in orjson.loads(bad).items() if orjson.loads(mended)[key] != value}
    assert differing == {"amount"}
