"""Contracts and settings become a bus, and the bus a configuration that a real server takes."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from treadle.base.errors import EngineError, InputError
from treadle.bus.build import build
from treadle.bus.ir import Group, Producer
from treadle.bus.nats_conf import Server, render, users
from treadle.bus.server import NatsEngine
from treadle.bus.snapshot import decode
from treadle.contract.model import (
    Channel,
    Consumer,
    Contract,
    Enforcement,
    Enforcements,
    Kind,
    Place,
    Settings,
    Subscription,
)

CASE = Path(__file__).parents[1] / "cases" / "bus" / "nats-conf.case"
HERE = Place("treadle.yaml")


def contract(domain="sales", channels=("sales.order.created.v1",), **changes):
    made = Contract(
        id=f"{domain}.order.v1",
        kind=Kind.ASYNCAPI,
        domain=domain,
        name="order",
        major=1,
        version="1.2.0",
        title="Orders",
        digest="sha256:" + "0123456789abcdef" * 4,
        place=HERE,
        channels=tuple(Channel(name=name, message="m", payload={"type": "object"}, place=HERE) for name in channels),
    )
    return replace(made, **changes)


def settings(consumers=(), subscriptions=()):
    return Settings(
        name="acme",
        environment="local",
        audience="",
        tiers={},
        consumers={id: Consumer(id, "team", "gold", HERE, scopes) for id, scopes in consumers},
        domains={},
        services=(),
        subscriptions=tuple(Subscription(id, channel, HERE) for id, channel in subscriptions),
        connectors=(),
        ports={},
        engines={},
    )


def test_build():
    made = build(
        [contract(), contract("customer", ("customer.profile.updated.v2",))],
        settings(
            [
                ("demo-app", ("orders:read", "sales.events:publish", "customer.events:publish")),
                ("partner", ("orders:read", "sales.events:publish.not")),
            ],
            [("billing", "sales.order.created.v1"), ("lost", "sales.nothing.v1")],
        ),
    )
    assert [topic.channel for topic in made.topics] == ["customer.profile.updated.v2", "sales.order.created.v1"]
    assert made.topics[1].stamp == "sales.order.v1@1.2.0#0123456789ab"
    assert made.groups == (Group("billing", "sales.order.created.v1", 5),)
    assert made.producers == (Producer("demo-app", ("customer", "sales")),)


def test_a_channel_is_enforced_no_harder_than_its_contract():
    (topic,) = build([contract(enforcement=Enforcements.all(Enforcement.OBSERVE))], settings()).topics
    assert topic.enforcement is Enforcement.OBSERVE


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((contract("bus", ("bus.order.created.v1",)),), "domain-reserved"),
        ((contract("sales", ("customer.order.created.v1",)),), "channel-outside-domain"),
        ((contract("sales", ('sales.x"}: {.v1',)),), "channel-outside-domain"),
        ((contract("sales", ("sales.a.b.v1", "sales.a_b.v1")),), "stream-taken"),
    ],
)
def test_names_that_cannot_be_carried(given, code):
    with pytest.raises(InputError) as refused:
        build(given, settings())
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["guard", "control", "a b", 'x"', "group_x", "a.b", "*", ""])
def test_names_that_cannot_be_users(name):
    with pytest.raises(InputError) as refused:
        build([contract()], settings([(name, ("sales.events:publish",))]))
    assert refused.value.code == "bus-name-refused"


def conf(text):
    given = orjson.loads(text)
    made = decode(orjson.dumps({"format": "treadle.bus/1", **given["bus"]}))
    return render(made, Server(**given["server"]), {user: f"pw-{user}" for user in users(made)})


def test_configuration(check_case):
    check_case(CASE, conf)


@pytest.mark.engine
def test_a_real_server_takes_strange_but_legal_settings(tmp_path, small):
    folder = tmp_path / 'a "b" \\ $HOME #c ü'
    folder.mkdir()
    file = folder / "nats.conf"
    passwords = dict.fromkeys(users(small.bus()), 'p"w\\ $x #y {z} ü')
    file.write_text(render(small.bus(), Server("n$1", 4222, 8222, str(folder / "js"), sync="250ms"), passwords))
    NatsEngine.find({}).validate(file)
    file.write_text(file.read_text() + "\nno_such_setting { \n")
    with pytest.raises(InputError) as refused:
        NatsEngine.find({}).validate(file)
    assert refused.value.code == "nats-conf-refused"


@pytest.mark.parametrize(
    ("server", "passwords", "code"),
    [
        ({"sync": "sometimes"}, {}, "nats-sync-refused"),
        ({"sync": "1s\njetstream: false"}, {}, "nats-sync-refused"),
        ({"store": "/tmp/x\x00y"}, {}, "nats-setting-refused"),
        ({}, {"guard": ""}, "bus-password-missing"),
        ({}, {"guard": "$2a$10$abcdefghijklmnopqrstuv"}, "bus-password-missing"),
    ],
)
def test_settings_that_cannot_be_said_safely(small, server, passwords, code):
    given = {**dict.fromkeys(users(small.bus()), "pw"), **passwords}
    with pytest.raises(InputError) as refused:
        render(small.bus(), replace(Server("n", 1, 2, "/tmp/js"), **server), given)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("domain", "code"),
    [("bus", "domain-reserved"), ("dlq", "domain-reserved"), ("*", "bus-name-refused"), (">", "bus-name-refused")],
)
def test_no_scope_opens_the_log(small, domain, code):
    made = small.bus(producers=(Producer("demo-app", (domain,)),))
    with pytest.raises(InputError) as refused:
        render(made, Server("n", 1, 2, "/tmp/js"), dict.fromkeys(users(made), "pw"))
    assert refused.value.code == code


@pytest.mark.engine
def test_the_wheel_brings_a_server():
    engine = NatsEngine.find({})
    assert engine.version.startswith("2.")
    assert engine.argv(Path("/w/bus"))[1:] == ["-c", "/w/bus/nats.conf"]


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ("nats-server: v2.9.1", "engine-wrong-version"),
        ("v3.0.0", "engine-wrong-version"),
        ("hello", "engine-wrong-version"),
    ],
)
def test_wrong_version(tmp_path, says, code):
    binary = tmp_path / "nats-server"
    binary.write_text(f"#!/bin/sh\necho '{says}'\n")
    binary.chmod(0o755)
    with pytest.raises(EngineError) as refused:
        NatsEngine.find({"binary": str(binary)})
    assert refused.value.code == code


def test_no_server_where_it_should_be(tmp_path):
    with pytest.raises(EngineError) as refused:
        NatsEngine.find({"binary": str(tmp_path / "nothing")})
    assert refused.value.code == "engine-missing"
