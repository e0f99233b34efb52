"""Which kind of description a document is, and of which version: told from what it says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from treadle.contract.place import Json

_DRAFT = re.compile(r"https?://json-schema\.org/(?:draft/(2019-09|2020-12)|draft-0?([3-7]))/schema#?\Z")
_HYPER_DRAFT = re.compile(r"https?://json-schema\.org/draft-0?([4-7])/hyper-schema#?\Z")
_SCHEMA_KEYS = frozenset(
    {"type", "properties", "items", "allOf", "anyOf", "oneOf", "not", "enum", "const", "$ref", "$defs", "definitions"}
)


class Family(StrEnum):
    """The format a document is written in."""

    SWAGGER = "swagger"
    OPENAPI = "openapi"
    ASYNCAPI = "asyncapi"
    JSON_SCHEMA = "json-schema"


@dataclass(frozen=True, slots=True)
class Dialect:
    """`version` is as written (`3.1.0`), or a draft (`4`, `6`, `7`, `2019-09`, `2020-12`; empty where none is said)."""

    family: Family
    version: str = ""

    @property
    def minor(self) -> str:
        """The version as far as formats differ: `3.1` of `3.1.0`; a draft as it is."""
        return self.version if self.family is Family.JSON_SCHEMA else ".".join(self.version.split(".")[:2])

    def __str__(self) -> str:
        return f"{self.family} {self.version}".strip()


def dialect_of(data: Json) -> Dialect | None:
    """The dialect of a whole document, or None where it is none that we know.

    The version is not judged: `openapi: 9.9` is an OpenAPI document of a version that nobody knows. A document without
    `$schema` that has a keyword of JSON Schema at its root counts as a JSON Schema of unsaid draft.
    """
    if not isinstance(data, dict):
        return Dialect(Family.JSON_SCHEMA) if isinstance(data, bool) else None
    for family in (Family.SWAGGER, Family.OPENAPI, Family.ASYNCAPI):
        version = data.get(family.value)
        if isinstance(version, str | int | float) and not isinstance(version, bool):
            return Dialect(family, str(version))
    said = data.get("$schema")
    if isinstance(said, str):
        match = _DRAFT.match(said) or _HYPER_DRAFT.match(said)
        return Dialect(Family.JSON_SCHEMA, next((each for each in match.groups() if each), "") if match else "")
    return Dialect(Family.JSON_SCHEMA) if _SCHEMA_KEYS & data.keys() else None
