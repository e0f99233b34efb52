"""JSON to the protobuf wire format, by the engine's descriptors: what `json_format` does, several times as fast.

A table of 500 operations is some hundred thousand values, and each push encodes it. For each kind of message a plan is
made once: what to write for which key. Anything out of the ordinary (a null, a key that is not known, a number that is
too large, a type that JSON spells in a way of its own) raises Unusual, and `json_format` has the last word.

Source: protobuf encoding (protobuf.dev/programming-guides/encoding), ProtoJSON.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool

Write = Callable[[Any], bytes]
_DURATION = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?s")
_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Bool", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double", "String")
)
_SHARED = "envoy.config.route.v3.Route"
_KEPT_MAX = 8_192
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5


class Unusual(Exception):  # noqa: N818 - no error: another way is taken
    """The value is not one of the plain cases."""


def varint(value: int) -> bytes:
    """Base 128, the least significant group first. Not negative."""
    if value < 128:
        return _SMALL[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = tuple(bytes([value]) for value in range(128))


class Encoder:
    """For the messages of one pool."""

    def __init__(self, pool: DescriptorPool) -> None:
        """`pool` has every file that is needed."""
        self._pool = pool
        self._plans: dict[str, dict[str, tuple[int, str, Write]]] = {}
        self._by_url: dict[str, Write] = {}
        self._kept: dict[int, tuple[Any, bytes]] = {}

    def encode(self, kind: Descriptor, value: Any) -> bytes:
        """A message in the order of its fields' numbers. Raises Unusual."""
        return self._writer(kind)(value)

    def _writer(self, kind: Descriptor) -> Write:
        special = self._special(kind)
        if special is not None:
            return special
        plan = self._plans.get(kind.full_name)
        if plan is None:
            plan = self._plans[kind.full_name] = {}  # before its fields: a message may hold itself
            for each in kind.fields:
                oneof = each.containing_oneof
                entry = (each.number, oneof.name if oneof is not None else "", self._field(each))
                plan[each.name] = plan[each.json_name] = entry

        # The routes of a contract that did not change are the same objects, which nobody writes to.
        kept = self._kept if kind.full_name == _SHARED else None

        def write(value: Any) -> bytes:
            if type(value) is not dict:
                raise Unusual
            if kept is not None:
                known = kept.get(id(value))
                if known is not None and known[0] is value:
                    return known[1]
                if len(kept) >= _KEPT_MAX:
                    del kept[next(iter(kept))]
                kept[id(value)] = (value, fresh(value))
                return kept[id(value)][1]
            return fresh(value)

        def fresh(value: dict[str, Any]) -> bytes:
            if len(value) == 1:
                ((key, part),) = value.items()
                entry = plan.get(key)
                if entry is None:
                    raise Unusual
                return entry[2](part)
            parts: list[tuple[int, bytes]] = []
            chosen: set[str] = set()
            for key, part in value.items():
                entry = plan.get(key)
                if entry is None:
                    raise Unusual
                number, oneof, put = entry
                if oneof:
                    if oneof in chosen:
                        raise Unusual
                    chosen.add(oneof)
                parts.append((number, put(part)))
            parts.sort()
            if len({number for number, _ in parts}) != len(parts):
                raise Unusual
            return b"".join([data for _, data in parts])

        return write

    def _special(self, kind: Descriptor) -> Write | None:
        name = kind.full_name
        if name == "google.protobuf.Any":
            return self._any
        if name in _KNOWN:
            return _KNOWN[name]
        if name in _WRAPPERS:
            return self._field(kind.fields_by_name["value"])
        return _unusual if kind.file.package == "google.protobuf" else None

    def _any(self, value: Any) -> bytes:
        if value == {}:
            return b""
        url = value.get("@type") if type(value) is dict else None
        if type(url) is not str:
            raise Unusual
        write = self._by_url.get(url)
        if write is None:
            try:
                kind = self._pool.FindMessageTypeByName(url.rpartition("/")[2])
            except KeyError:
                raise Unusual from None
            write = self._by_url[url] = self._within_any(kind)
        body = write({key: part for key, part in value.items() if key != "@type"})
        name = url.encode()
        head = b"\x0a" + varint(len(name)) + name
        return head + b"\x12" + varint(len(body)) + body if body else head

    def _within_any(self, kind: Descriptor) -> Write:
        """A type with a JSON of its own stands under `value` there."""
        put = self._writer(kind)
        if kind.full_name not in _KNOWN.keys() - {"google.protobuf.Empty"} | _WRAPPERS:
            return put

        def write(value: Any) -> bytes:
            if value.keys() != {"value"}:
                raise Unusual
            return put(value["value"])

        return write

    def _field(self, one: FieldDescriptor) -> Write:
        kind = one.message_type
        if kind is not None and kind.GetOptions().map_entry:
            return self._map(one, kind)
        if kind is not None:
            put = self._message(one, kind)
        else:
            put = _scalar(one)
            if one.is_repeated and one.is_packed:
                return _packed(one, put)
        return _repeated(put) if one.is_repeated else put if kind is not None or one.has_presence else _unless_zero(put)

    def _message(self, one: FieldDescriptor, kind: Descriptor) -> Write:
        tag = varint(one.number << 3 | _DELIMITED)
        found: list[Write] = []

        def write(value: Any) -> bytes:
            if not found:
                found.append(self._writer(kind))
            return _delimited(tag, found[0](value))

        return write

    def _map(self, one: FieldDescriptor, kind: Descriptor) -> Write:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        if key.type != key.TYPE_STRING:
            return _unusual
        tag = varint(one.number << 3 | _DELIMITED)
        put_key = _scalar(key)
        put = self._message(value, value.message_type) if value.message_type is not None else _scalar(value)

        def write(entries: Any) -> bytes:
            if type(entries) is not dict:
                raise Unusual
            parts = []
            for name in sorted(entries):
                entry = put_key(name) + put(entries[name])
                parts += [tag, varint(len(entry)), entry]
            return b"".join(parts)

        return write


def _unusual(_: Any) -> bytes:
    raise Unusual


def _duration(value: Any) -> bytes:
    match = _DURATION.fullmatch(value) if type(value) is str else None
    if match is None:
        raise Unusual
    seconds, nanos = int(match[1]), int((match[2] or "0").ljust(9, "0"))
    return (b"\x08" + varint(seconds) if seconds else b"") + (b"\x10" + varint(nanos) if nanos else b"")


def _struct(value: Any) -> bytes:
    if type(value) is not dict:
        raise Unusual
    parts = []
    for name in sorted(value):
        entry = _NAME(name) + _delimited(b"\x12", _value(value[name]))
        parts.append(_delimited(b"\x0a", entry))
    return b"".join(parts)


def _value(value: Any) -> bytes:
    kind = type(value)
    if kind is str:
        return _TEXT(value)
    if kind is bool:
        return b"\x20\x01" if value else b"\x20\x00"
    if kind is int or kind is float:
        return b"\x11" + struct.pack("<d", value)
    if kind is dict:
        return _delimited(b"\x2a", _struct(value))
    if kind is list:
        return _delimited(b"\x32", _list(value))
    raise Unusual


def _list(value: Any) -> bytes:
    if type(value) is not list:
        raise Unusual
    return b"".join([_delimited(b"\x0a", _value(each)) for each in value])


def _empty(value: Any) -> bytes:
    if value != {}:
        raise Unusual
    return b""


def _delimited(tag: bytes, data: bytes) -> bytes:
    return tag + varint(len(data)) + data


def _repeated(put: Write) -> Write:
    def write(values: Any) -> bytes:
        if type(values) is not list and type(values) is not tuple:
            raise Unusual
        return b"".join([put(each) for each in values])

    return write


def _packed(one: FieldDescriptor, put: Write) -> Write:
    tag = varint(one.number << 3 | _DELIMITED)
    skip = len(varint(one.number << 3))

    def write(values: Any) -> bytes:
        if type(values) is not list:
            raise Unusual
        body = b"".join([put(each)[skip:] for each in values])
        return tag + varint(len(body)) + body if values else b""

    return write


def _unless_zero(put: Write) -> Write:
    zero = {"", 0}  # and False, which equals 0

    def write(value: Any) -> bytes:
        data = put(value)
        return b"" if value in zero else data

    return write


def _scalar(one: FieldDescriptor) -> Write:
    """Of one value, with its tag."""
    kind = one.type
    if kind == one.TYPE_STRING:
        return _string(varint(one.number << 3 | _DELIMITED))
    if kind == one.TYPE_BOOL:
        return _bool(varint(one.number << 3 | _VARINT))
    if kind == one.TYPE_ENUM:
        numbers = {each.name: each.number for each in one.enum_type.values}
        return _enum(varint(one.number << 3 | _VARINT), numbers, zero=one.has_presence or one.is_repeated)
    if kind in {one.TYPE_UINT32, one.TYPE_UINT64, one.TYPE_INT32, one.TYPE_INT64}:
        bits = {one.TYPE_UINT32: 32, one.TYPE_UINT64: 64, one.TYPE_INT32: 31, one.TYPE_INT64: 63}[kind]
        return _integer(varint(one.number << 3 | _VARINT), 1 << bits)
    if kind == one.TYPE_DOUBLE:
        return _double(varint(one.number << 3 | _FIXED64))
    return _unusual


def _string(tag: bytes) -> Write:
    def write(value: Any) -> bytes:
        if type(value) is not str:
            raise Unusual
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise Unusual from None
        return tag + varint(len(data)) + data

    return write


def _bool(tag: bytes) -> Write:
    yes, no = tag + b"\x01", tag + b"\x00"

    def write(value: Any) -> bytes:
        if type(value) is not bool:
            raise Unusual
        return yes if value else no

    return write


def _enum(tag: bytes, numbers: dict[str, int], *, zero: bool) -> Write:
    def write(value: Any) -> bytes:
        number = numbers.get(value, -1) if isinstance(value, str) else -1
        if number < 0:
            raise Unusual
        return tag + varint(number) if number or zero else b""

    return write


def _integer(tag: bytes, end: int) -> Write:
    def write(value: Any) -> bytes:
        if type(value) is not int or not 0 <= value < end:
            raise Unusual
        return tag + varint(value)

    return write


def _double(tag: bytes) -> Write:
    def write(value: Any) -> bytes:
        if type(value) is not int and type(value) is not float:
            raise Unusual
        return tag + struct.pack("<d", value)

    return write


_NAME, _TEXT = _string(b"\x0a"), _string(b"\x1a")
_KNOWN: dict[str, Write] = {
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Empty": _empty,
}
