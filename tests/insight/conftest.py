"""A small workspace of values, and facts by one word each."""

from dataclasses import replace

import pytest

from treadle.contract.model import (
    Channel,
    Connector,
    Consumer,
    Contract,
    Kind,
    Operation,
    Place,
    Service,
    Settings,
    Slo,
    Subscription,
    Workspace,
)
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight.rollup import Rollup
from treadle.insight.sight import groups_of, look
from treadle.insight.state import Engine, Run

HERE = Place("somewhere.yaml")
NOW_US = 1_800_000_000_000_000
ENGINES = tuple(Engine(name, Run.UP, NOW_US - 900_000_000) for name in ("envoy", "nats", "guard"))


class Facts:
    """Facts of the little world, dated in seconds before now."""

    now_us = NOW_US
    engines = ENGINES

    @staticmethod
    def call(ago_s=5.0, *, contract="sales.orders.v1", ms=50, outcome=Outcome.OK, consumer="app", operation="getOrder"):
        at_us = NOW_US - int(ago_s * 1e6) - ms * 1_000
        return Fact(
            FactKind.CALL,
            at_us,
            outcome,
            contract=f"{contract}@1.0.0#0",
            operation=operation,
            consumer=consumer,
            duration_us=ms * 1_000,
        )

    @staticmethod
    def event(id, ago_s=5.0, *, channel="sales.order.created.v1", consumer="erp"):
        return Fact(
            FactKind.EVENT,
            NOW_US - int(ago_s * 1e6),
            Outcome.OK,
            event_id=id,
            contract="sales.order.v1@1.0.0#0",
            operation=channel,
            consumer=consumer,
        )

    @staticmethod
    def delivery(id, ago_s=5.0, *, group="billing", ms=10, outcome=Outcome.OK, channel="sales.order.created.v1"):
        return Fact(
            FactKind.DELIVERY,
            NOW_US - int(ago_s * 1e6) - ms * 1_000,
            outcome,
            event_id=id,
            operation=channel,
            contract="sales.order.v1@1.0.0#0",
            consumer=group,
            duration_us=ms * 1_000,
        )

    @staticmethod
    def refusal(id="", ago_s=5.0, *, consumer="erp", code="CONTRACT_VIOLATION", channel="sales.order.created.v1"):
        return Fact(
            FactKind.REFUSAL,
            NOW_US - int(ago_s * 1e6),
            Outcome.REFUSED,
            event_id=id,
            operation=channel,
            contract="sales.order.v1@1.0.0#0",
            consumer=consumer,
            code=code,
            detail="/amount: not a number",
            trace_id="ab" * 16,
        )


@pytest.fixture
def facts():
    return Facts


def api(id, **more):
    domain, name, _ = id.split(".")
    operations = (
        Operation("getOrder", "get", "/v1/orders", HERE, scopes=("orders:read",)),
        Operation("ping", "get", "/v1/ping", HERE, public=True),
    )
    return Contract(id, Kind.OPENAPI, domain, name, 1, "1.0.0", id, "sha256:0", HERE, operations=operations, **more)


def topic(id, channels, **more):
    domain, name, _ = id.split(".")
    held = tuple(Channel(each, "Message", {}, HERE) for each in channels)
    return Contract(id, Kind.ASYNCAPI, domain, name, 1, "1.0.0", id, "sha256:0", HERE, channels=held, **more)


@pytest.fixture
def workspace():
    """Two APIs and one channel; a connector feeds it, one group is an API's service, one is a consumer."""
    settings = Settings(
        name="little",
        environment="test",
        audience="",
        tiers={},
        consumers={
            each.id: each
            for each in (
                Consumer("app", "apps", "gold", HERE, ("orders:read", "sales.events:publish")),
                Consumer("billing", "finance", "gold", HERE),
                Consumer("erp", "sales", "gold", HERE, ("sales.events:publish",)),
            )
        },
        domains={},
        services=(Service("orders-api", "sales.orders.v1", "http://127.0.0.1:1", HERE),),
        subscriptions=(
            Subscription("billing", "sales.order.created.v1", HERE),
            Subscription("orders-api", "sales.order.created.v1", HERE),
        ),
        connectors=(Connector("erp", "ERP", {"emit": [{"event": "sales.order.created.v1"}]}, HERE),),
        ports={},
        engines={},
    )
    contracts = (
        api("sales.orders.v1", owner="sales-team"),
        api("sales.prices.v1"),
        topic("sales.order.v1", ["sales.order.created.v1"], owner="sales-team"),
    )
    return Workspace(settings, contracts)


@pytest.fixture
def with_slo():
    """The same workspace with another objective for one contract."""

    def change(workspace, id, **slo):
        changed = [replace(each, slo=Slo(**slo)) if each.id == id else each for each in workspace.contracts]
        return replace(workspace, contracts=tuple(changed))

    return change


@pytest.fixture
def see(workspace):
    """Count some facts, and look at them."""

    def seen(given=(), *, engines=ENGINES, of=workspace):
        rollup = Rollup()
        rollup.expect(groups_of(of))
        rollup.add(given, NOW_US)
        return look(of, rollup, engines, NOW_US)

    return seen


@pytest.fixture
def many_contracts():
    """A workspace too large for one map: 40 channels and 60 APIs in three domains."""

    def made(workspace):
        contracts = []
        for domain in ("finance", "retail", "supply"):
            contracts += [api(f"{domain}.api{n}.v1") for n in range(20)]
            contracts += [topic(f"{domain}.events{n}.v1", [f"{domain}.thing{n}.changed.v1"]) for n in range(13)]
        return replace(workspace, contracts=tuple(contracts))

    return made
