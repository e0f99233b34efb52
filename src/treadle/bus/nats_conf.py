"""A bus -> the configuration file of its NATS server.

Two accounts. BUS holds the streams, the guard, control and the producers; a producer may publish its domains and read
only its own inbox, so `bus.>` is the guard's alone. GROUPS holds the consumer groups: whoever may *ask* JetStream for
something also chooses where the answer goes, and inside one account that may be `bus.…` (a pull whose reply is a log
subject writes there without any permission to publish). Between accounts an answer can only come back.

Permissions are checked after the mapping, so a producer needs `ingress.*.<domain>.>` as well, and could name a
partition by hand: the guard computes it again. Source: https://docs.nats.io/running-a-nats-service/configuration
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from treadle.base.errors import InputError
from treadle.bus.budget import PAYLOAD_BYTES_MAX
from treadle.bus.ir import Bus, Topic
from treadle.bus.subjects import (
    CONTROL,
    GUARD,
    RESERVED_DOMAINS,
    channel_stream,
    delivery_facts,
)

_SYNC = re.compile(r"always|[1-9][0-9]*(?:ms|s|m)")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_DOMAIN = re.compile(r"[a-z][a-z0-9-]*")
_SUBJECT = re.compile(r"[A-Za-z0-9_$*>.{}(),-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Server:
    """Where one server listens and keeps its data.

    `sync` is when a stored message reaches the disk: `always` (before it is acknowledged) or an interval such as `1s`.
    """

    name: str
    port: int
    monitor_port: int
    store: str
    host: str = "127.0.0.1"
    sync: str = "always"
    memory_bytes_max: int = 64 * 1024 * 1024
    store_bytes_max: int = 4 * 1024 * 1024 * 1024


def group_user(group: str) -> str:
    """The user of a consumer group. The underscore keeps it apart from every producer's name."""
    return f"group_{group}"


def users(bus: Bus) -> tuple[str, ...]:
    """Every user the server knows: one password is needed for each."""
    groups = sorted({group_user(group.id) for group in bus.groups})
    return (CONTROL, GUARD, *(producer.client for producer in bus.producers), *groups)


def render(bus: Bus, server: Server, passwords: Mapping[str, str]) -> str:
    """The whole file. It holds passwords: write it with mode 0600. Raises InputError for what cannot be said safely."""
    if not _SYNC.fullmatch(server.sync):
        raise InputError(
            "nats-sync-refused",
            f"engines.nats.sync is {server.sync!r}",
            "use always, or an interval such as 250ms or 1s",
        )
    lines = [
        "# Written by treadle from the contracts; changes made here are lost.",
        f"server_name: {_quoted(server.name)}",
        f"listen: {_quoted(f'{server.host}:{server.port}')}",
        f"http: {_quoted(f'127.0.0.1:{server.monitor_port}')}",
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        "max_control_line: 4096",
        "max_connections: 1024",
        "jetstream {",
        f"  store_dir: {_quoted(server.store)}",
        f"  max_mem: {server.memory_bytes_max}",
        f"  max_file: {server.store_bytes_max}",
        f"  sync_interval: {_quoted(server.sync)}",
        "}",
        "accounts {",
        "  BUS {",
        "    jetstream: enabled",
        *_block("mappings", (_mapping(topic) for topic in bus.topics), "{}"),
        *_block("exports", _exports(), "[]"),
        *_block("users", _bus_users(bus, passwords), "[]"),
        "  }",
        "  GROUPS {",
        *_block("imports", _imports(), "[]"),
        *_block("users", _group_users(bus, passwords), "[]"),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _mapping(topic: Topic) -> str:
    to = f"ingress.{{{{partition({topic.partitions},1)}}}}.{topic.channel}.{{{{wildcard(1)}}}}"
    return f"{_subject(f'{topic.channel}.*')}: {_subject(to)}"


_SERVICES = (
    # (subject in BUS, what a group calls it, more of the export)
    ("$JS.API.CONSUMER.MSG.NEXT.*.*", "", ", response_type: stream"),
    ("$JS.ACK.>", "", ""),
    # Under its own name the server would look the consumer up in the account of the asker.
    ("$JS.API.CONSUMER.INFO.*.*", "group.info.*.*", ""),
    ("dlq.>", "", ""),
    ("facts.delivery.*", "", ""),
)


def _exports() -> Iterator[str]:
    for subject, _, more in _SERVICES:
        yield f"{{service: {_subject(subject)}{more}, accounts: [GROUPS]}}"


def _imports() -> Iterator[str]:
    for subject, to, _ in _SERVICES:
        yield f"{{service: {{account: BUS, subject: {_subject(subject)}}}{f', to: {_subject(to)}' if to else ''}}}"


def _bus_users(bus: Bus, passwords: Mapping[str, str]) -> Iterator[str]:
    domains = sorted({topic.domain for topic in bus.topics} | {d for each in bus.producers for d in each.domains})
    if taken := RESERVED_DOMAINS.intersection(domains):
        # `bus.events:publish` in a consumer's scopes must not open the log.
        raise InputError("domain-reserved", f"the bus uses the name {min(taken)} itself", "rename the domain")
    everything = [f"{domain}.>" for domain in domains]
    control = ["$JS.API.>", "$JS.ACK.>", "dlq.>", "ingress.>", *everything]
    yield _user(CONTROL, passwords, control, [_inbox(CONTROL)])
    yield _user(GUARD, passwords, ["bus.>", "dlq.>", "_INBOX.>"], [_inbox(GUARD), "ingress.>", *everything])
    for producer in bus.producers:
        if not all(_DOMAIN.fullmatch(domain) for domain in producer.domains):
            raise InputError("bus-name-refused", f"a domain of {producer.client} is no name", "use letters and hyphens")
        may = [subject for domain in producer.domains for subject in (f"{domain}.>", f"ingress.*.{domain}.>")]
        yield _user(producer.client, passwords, may, [_inbox(producer.client)])


def _group_users(bus: Bus, passwords: Mapping[str, str]) -> Iterator[str]:
    domain_of = {topic.channel: topic.domain for topic in bus.topics}
    for id in sorted({group.id for group in bus.groups}):
        may = [delivery_facts(id)]
        for channel in (group.channel for group in bus.groups if group.id == id):
            name = f"{channel_stream(channel)}.{id}"
            may += [f"$JS.API.CONSUMER.MSG.NEXT.{name}", f"group.info.{name}", f"$JS.ACK.{name}.>"]
            may.append(f"dlq.{domain_of[channel]}.{channel}.{id}.*")
        yield _user(group_user(id), passwords, may, [_inbox(group_user(id))])


def _inbox(user: str) -> str:
    return f"_INBOX.{user}.>"


def _user(name: str, passwords: Mapping[str, str], publish: Iterable[str], subscribe: Iterable[str]) -> str:
    if not _TOKEN.fullmatch(name):
        raise InputError("bus-name-refused", f"{name!r} cannot be a user of the bus", "use letters, digits and hyphens")
    password = passwords.get(name, "")
    if not password or password.startswith("$"):  # "$2a$…" would be taken for a hash
        raise InputError(
            "bus-password-missing", f"user {name} of the bus has no usable password", "make one for each user"
        )
    may, hear = (", ".join(_subject(each) for each in subjects) for subjects in (publish, subscribe))
    rights = f"{{publish: [{may}], subscribe: [{hear}]}}"
    return f"{{user: {_quoted(name)}, password: {_quoted(password)}, permissions: {rights}}}"


def _block(name: str, entries: Iterable[str], brackets: str) -> list[str]:
    return [f"    {name}: {brackets[0]}", *(f"      {each}" for each in entries), f"    {brackets[1]}"]


def _subject(subject: str) -> str:
    if not _SUBJECT.fullmatch(subject):
        raise InputError(
            "bus-name-refused", f"{subject!r} cannot be a subject", "use letters, digits, dots and hyphens"
        )
    return _quoted(subject)


def _quoted(text: str) -> str:
    """A string of the NATS configuration language; within quotes nothing is a variable, a comment or an include."""
    if any(ord(each) < 32 and each not in _ESCAPES for each in text):
        raise InputError("nats-setting-refused", f"{text!r} has control characters", "remove them")
    return '"' + "".join(_ESCAPES.get(each, each) for each in text) + '"'
