"""The bus as a file: what control writes and the guard watches (`topics.json`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from treadle.base.errors import InputError
from treadle.bus.ir import Bus, Group, Producer, Topic
from treadle.contract.model import Enforcement

FORMAT = "treadle.bus/1"


def encode(bus: Bus) -> bytes:
    """The bytes of a snapshot. The same bus gives the same bytes."""
    return orjson.dumps({"format": FORMAT, **asdict(bus)}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def decode(data: bytes) -> Bus:
    """The bus of a snapshot. Raises InputError where the bytes are not one of ours."""
    try:
        found: Any = orjson.loads(data)
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']!r}")
        return Bus(
            topics=tuple(_topic(each) for each in found["topics"]),
            groups=tuple(Group(**each) for each in found["groups"]),
            producers=tuple(Producer(each["client"], tuple(each["domains"])) for each in found["producers"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "snapshot-unreadable",
            f"the snapshot of topics cannot be read: {error}",
            "apply again; control writes it anew",
        ) from error


def _topic(found: dict[str, Any]) -> Topic:
    return Topic(**{**found, "enforcement": Enforcement(found["enforcement"])})
