"""The law of the bus, as a pure judgement: one message in, accepted or refused out.

What takes memory, that an `eventId` is not used again for something else, is judged by the intake after all of this.

In this order, and the first complaint is the one that counts:

1. the subject names a known channel and one well-spelled key                     UNKNOWN_CHANNEL, BAD_SUBJECT
2. body and headers are within their budgets, the body is a JSON object           TOO_LARGE, NOT_JSON
3. the partition is the key's own                                                 WRONG_PARTITION
4. `schemaVersion` has the channel's major                                        VERSION_MISMATCH
5. the body agrees with the channel's schema and with the metadata of any event   CONTRACT_VIOLATION
6. the key is the one that the body names                                         KEY_MISMATCH
7. `Nats-Msg-Id`, where given, is the `eventId`                                   ID_MISMATCH

From 4 on, a contract that is only observed or warned about lets the event pass and marks it: those mend a producer, the
first three keep the log itself in order. Schemas come from many teams: they compile on an engine whose time is linear
in the input, and nothing they refer to is fetched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import jsonschema_rs
import orjson

from treadle.base.nearest import nearest
from treadle.bus import headers as h
from treadle.bus.budget import EVENT_BYTES_MAX
from treadle.bus.ir import Bus, Topic
from treadle.bus.partition import decode_key, partition_of
from treadle.bus.pointer import pointer_of, text_at, value_at
from treadle.bus.reason import Reason, Refused
from treadle.bus.subjects import CONTROL, UNROUTED, logged
from treadle.contract.model import Enforcement, Json

EXCERPT_MAX = 80
"""The most characters of an event's own value that a refusal quotes."""

ALL_ERRORS_BYTES_MAX = 16 * 1024
"""Up to this size every violation is weighed to name the outermost one; above it the first one found is named.

A megabyte can hold hundreds of thousands of violations, and listing them takes seconds.
"""

CHANNEL_MAX = 128
"""The longest channel name that is worth a suggestion."""

_MASK = "\ue000"
_OF_THE_ATTEMPT = frozenset({"occurredAt", "schemaVersion"})
"""Metadata that a door or a connector fills in anew, where the producer leaves it out, whenever it tries again."""
_METADATA = {
    "type": "object",
    "required": ["eventId", "occurredAt", "partitionKey", "schemaVersion"],
    "properties": {
        "eventId": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[\\x21-\\x7e]+$"},
        "occurredAt": {"type": "string", "format": "date-time"},
        "partitionKey": {"type": "string", "minLength": 1},
        "schemaVersion": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+){0,2}$"},
    },
}
_MAJOR = re.compile(r"([0-9]+)(?:\.[0-9]+){0,2}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where an event goes and with which headers (those of trace and time are added by who knows them).

    `digest` is the same for two events of one key that say the same, whatever the order of their members and whenever
    they were sent (`occurredAt` and `schemaVersion` are left out).
    """

    topic: Topic
    subject: str
    key: str
    event_id: str
    headers: Mapping[str, str]
    violation: Refused | None = None
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class _Law:
    """A topic with its compiled schema."""

    topic: Topic
    validator: jsonschema_rs.Draft202012Validator
    major: str


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A subject, taken apart: `partition` is None where it did not come through the broker's mapping."""

    law: _Law
    partition: int | None
    token: str
    key: str


@dataclass(frozen=True, slots=True)
class Guard:
    """All laws in force. Build it with `compile_guard`; swap it as one value."""

    laws: Mapping[str, _Law]
    clients: Mapping[str, frozenset[str]]
    """Which domains each client publishes to."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Every domain whose names a producer may try."""
        mine = {law.topic.domain for law in self.laws.values()}
        return tuple(sorted(mine.union(*self.clients.values())))

    def topic(self, channel: str) -> Topic | None:
        """The topic of a channel, if the bus has one."""
        return self.laws[channel].topic if channel in self.laws else None

    def caller(self, reply: str) -> str:
        """Who asks for an answer at this subject, or empty where it is not the inbox of a client of this bus.

        A message of anyone else goes on without a reply: an answer to `bus.…` or `$JS.API.…` would be a way to write
        there with our rights.
        """
        head, _, rest = reply.partition(".")
        client, _, token = rest.partition(".")
        return client if head == "_INBOX" and token and (client in self.clients or client == CONTROL) else ""

    def domain_of(self, channel: str) -> str:
        """The domain that a channel's dead letters belong to."""
        domain = channel.partition(".")[0]
        return domain if domain in self.domains else UNROUTED

    def judge(self, subject: str, headers: h.Headers, body: bytes) -> Accepted | Refused:
        """Judge one message by the subject it arrived on."""
        arrival = self._arrival(subject)
        if isinstance(arrival, Refused):
            return arrival
        topic = arrival.law.topic
        broken = self._broken_envelope(arrival, headers, body)
        if broken:
            return broken
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return _refused(topic, Reason.NOT_JSON, "", f"the body is not JSON: {error}")
        if not isinstance(document, dict):
            return _refused(topic, Reason.NOT_JSON, "", "the body is not a JSON object")
        violation = _violation(arrival, headers, document, len(body))
        if violation and topic.enforcement is Enforcement.ENFORCE:
            return violation
        given = h.clean(h.find(headers, h.MSG_ID) or "", 128)
        event_id = h.clean(text_at(document, "/eventId"), 128) or given
        out = h.kept(headers)
        if given or event_id:
            out[h.MSG_ID] = given or event_id
        out[h.CONTRACT] = topic.stamp
        if violation:
            out[h.VIOLATION] = h.clean(f"{violation.reason} {violation.pointer}: {violation.detail}")
        partition = partition_of(arrival.token, topic.partitions)
        subject = logged(topic.channel, partition, arrival.token)
        return Accepted(topic, subject, arrival.key, event_id, out, violation, _digest(arrival.key, document, body))

    def _arrival(self, subject: str) -> _Arrival | Refused:
        """Take `ingress.<p>.<channel>.<key>` apart, or `<channel>.<key>` where nothing is mapped."""
        partition: int | None = None
        head, _, rest = subject.partition(".")
        if head == "ingress":
            number, _, rest = rest.partition(".")
            if not (number.isascii() and number.isdecimal()) or len(number) > 6:
                named = rest.rpartition(".")[0]
                return _unnamed(named, Reason.BAD_SUBJECT, "the partition is not a number")
            partition = int(number)
        else:
            rest = subject
        channel, _, token = rest.rpartition(".")
        law = self.laws.get(channel)
        if law is None:
            return self._nothing_named(rest, channel)
        try:
            key = decode_key(token)
        except ValueError as error:
            return _refused(law.topic, Reason.BAD_SUBJECT, "", f"the last token of the subject is no key: {error}")
        return _Arrival(law, partition, token, key)

    def _nothing_named(self, rest: str, channel: str) -> Refused:
        if rest in self.laws:
            return _refused(
                self.laws[rest].topic, Reason.BAD_SUBJECT, "", "publish to <channel>.<key>, not to the channel"
            )
        longer = next((each for each in self.laws if rest.startswith(each + ".")), None)
        if longer:
            return _refused(self.laws[longer].topic, Reason.BAD_SUBJECT, "", "the key is one token: percent-encode it")
        near = nearest(channel, self.laws) if len(channel) <= CHANNEL_MAX else None
        said = h.clean(channel, EXCERPT_MAX)
        return _unnamed(
            channel,
            Reason.UNKNOWN_CHANNEL,
            f"no contract has the channel {said}" + (f"; did you mean {near}?" if near else ""),
        )

    @staticmethod
    def _broken_envelope(arrival: _Arrival, headers: h.Headers, body: bytes) -> Refused | None:
        topic = arrival.law.topic
        if len(body) > EVENT_BYTES_MAX:
            return _refused(
                topic, Reason.TOO_LARGE, "", f"the body has {len(body)} bytes, at most {EVENT_BYTES_MAX} are taken"
            )
        if len(headers) > h.HEADERS_MAX or h.size_of(headers) > h.HEADER_BYTES_MAX:
            return _refused(
                topic,
                Reason.TOO_LARGE,
                "",
                f"at most {h.HEADERS_MAX} headers with {h.HEADER_BYTES_MAX} bytes are taken",
            )
        right = partition_of(arrival.token, topic.partitions)
        if arrival.partition is not None and arrival.partition != right:
            return _refused(
                topic, Reason.WRONG_PARTITION, "", f"this key belongs to partition {right}: publish to <channel>.<key>"
            )
        return None


def id_reused(accepted: Accepted) -> Refused:
    """The refusal of an event that has the id of another one."""
    text = f"{_MASK} was the id of another event shortly before"
    return _refused(accepted.topic, Reason.ID_REUSED, "/eventId", text, accepted.headers.get(h.MSG_ID))


def compile_guard(bus: Bus, previous: Guard | None = None) -> tuple[Guard, tuple[str, ...]]:
    """Compile a snapshot. What did not change is taken from `previous`.

    One schema that cannot be compiled does not hold up the others: its channel keeps the law it had, or has none. The
    second value says so, one sentence each.
    """
    laws: dict[str, _Law] = {}
    problems: list[str] = []
    for topic in bus.topics:
        old = previous.laws.get(topic.channel) if previous else None
        if old and old.topic.schema == topic.schema:
            laws[topic.channel] = _Law(topic, old.validator, old.major)
            continue
        try:
            laws[topic.channel] = _Law(topic, _compile(topic.schema), topic.channel.rpartition(".v")[2])
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            if old:
                laws[topic.channel] = old
            state = "keeps its last good contract" if old else "is closed"
            problems.append(f"{topic.channel} {state}: {topic.stamp} does not compile: {h.clean(str(error))}")
    clients = {producer.client: frozenset(producer.domains) for producer in bus.producers}
    return Guard(laws, clients), tuple(problems)


def _compile(schema: Json) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse, mask=_MASK
    )


def _refuse(uri: str) -> NoReturn:
    message = f"{uri} is outside the contract; nothing is fetched"
    raise ValueError(message)


_METADATA_LAW = _compile(_METADATA)


def _violation(arrival: _Arrival, headers: h.Headers, document: Json, size: int) -> Refused | None:
    topic = arrival.law.topic
    stated = value_at(document, "/schemaVersion")
    major = _MAJOR.fullmatch(stated) if isinstance(stated, str) else None
    if major and major[1].lstrip("0") != arrival.law.major:
        return _refused(
            topic,
            Reason.VERSION_MISMATCH,
            "/schemaVersion",
            f"{_MASK} is not version {arrival.law.major} of the contract, the major of this channel",
            stated,
        )
    for validator in (arrival.law.validator, _METADATA_LAW):
        if not validator.is_valid(document):
            pointer, text, value = _first_error(validator, document, size)
            return _refused(topic, Reason.CONTRACT_VIOLATION, pointer, text, value)
    for pointer in (topic.partition_key, "/partitionKey"):
        if text_at(document, pointer) != arrival.key:
            text = f"{_MASK} is not the key that the event was published with"
            return _refused(topic, Reason.KEY_MISMATCH, pointer, text, value_at(document, pointer))
    given = h.find(headers, h.MSG_ID)
    if given and given != document["eventId"]:
        return _refused(
            topic, Reason.ID_MISMATCH, "/eventId", f"{_MASK} is not the {h.MSG_ID} of the message", document["eventId"]
        )
    return None


def _first_error(validator: jsonschema_rs.Draft202012Validator, document: Json, size: int) -> tuple[str, str, Json]:
    """Pointer, masked text and value of the violation with the shortest pointer."""
    if size <= ALL_ERRORS_BYTES_MAX:
        error = min(validator.iter_errors(document), key=lambda each: len(each.instance_path))
    else:
        try:
            validator.validate(document)
        except jsonschema_rs.ValidationError as first:
            error = first
        else:  # is_valid() has just said otherwise
            return "", "the body does not agree with the schema", None
    return pointer_of(error.instance_path), error.message, error.instance


def _digest(key: str, document: dict[str, Json], body: bytes) -> bytes:
    said = {name: value for name, value in document.items() if name not in _OF_THE_ATTEMPT}
    try:
        text = orjson.dumps([key, said], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # nested deeper than it writes: then only the same bytes are the same
        text = key.encode() + body
    return hashlib.blake2b(text, digest_size=16).digest()


def _refused(topic: Topic, reason: Reason, pointer: str, text: str, value: Json = None) -> Refused:
    message = h.clean(text.replace(_MASK, _excerpt(value)))
    return Refused(reason, h.clean(pointer), message, h.clean(text.replace(_MASK, "the value")), topic.channel)


def _unnamed(channel: str, reason: Reason, text: str) -> Refused:
    return Refused(reason, "", text, text, channel)


def _excerpt(value: Json) -> str:
    if isinstance(value, dict):
        return "the object"
    if isinstance(value, list):
        return "the list"
    return h.clean(orjson.dumps(value).decode(), EXCERPT_MAX)
