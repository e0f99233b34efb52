"""The formats that a rule can be for, and which of them a document has.

Names are Spectral's, with a dot in versions (`oas3.1`); `oas3_1` and `aas2` are other spellings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from treadle.contract.place import Json

_ASYNCAPI = {
    f"asyncapi{version}" for version in ("2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3", "3.0", "3.1")
}
_DRAFTS = ("draft4", "draft6", "draft7", "draft-2019-09", "draft-2020-12")
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "oas2": "OpenAPI 2.0 (Swagger)",
        "oas3": "OpenAPI 3.x",
        "oas3.0": "OpenAPI 3.0.x",
        "oas3.1": "OpenAPI 3.1.x",
        "oas3.2": "OpenAPI 3.2.x",
        **{name: f"AsyncAPI {name[8:]}.x" for name in sorted(_ASYNCAPI)},
        "arazzo1.0": "Arazzo 1.0.x",
        "json-schema": "JSON Schema",
        "json-schema-loose": "JSON Schema (loose)",
        **{
            f"json-schema-{draft}": f"JSON Schema {draft.replace('draft', 'Draft ').replace('-', '', 1)}"
            for draft in _DRAFTS
        },
    }
)
"""Name -> as people call it."""

_ALIASES = {
    "arazzo1": "arazzo1.0",
    "json-schema-2019-09": "json-schema-draft-2019-09",
    "json-schema-2020-12": "json-schema-draft-2020-12",
}
_DRAFT = re.compile(r"https?://json-schema\.org/(?:draft-0([467])|draft/(2019-09|2020-12))/(?:hyper-)?schema#?")
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_DOCUMENTS = frozenset(("openapi", "swagger", "asyncapi", "arazzo"))
_COMPOUND = ("allOf", "oneOf", "anyOf", "not", "if")
_SECOND = re.compile(r"2\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_THIRD = re.compile(r"3\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def canonical(name: str) -> str | None:
    """The one spelling of a format, or None where there is no such format."""
    spelled = re.sub(r"(?<=\d)_(?=\d)", ".", name)
    spelled = re.sub(r"^aas(?=\d)|^asyncApi(?=\d)", "asyncapi", spelled)
    spelled = _ALIASES.get(spelled, spelled)
    return spelled if spelled in FORMATS else None


def formats_of(data: Json) -> frozenset[str]:
    """Every format that a document has, by what it says of itself."""
    if not isinstance(data, dict):
        return frozenset()
    return frozenset((*_openapi(data), *_asyncapi(data), *_json_schema(data)))


def _openapi(data: dict[str, Json]) -> list[str]:
    found = []
    if re.match(r"2(?!\d)", _text(data.get("swagger"))):
        found.append("oas2")
    version = _text(data.get("openapi"))
    if re.match(r"3(?!\d)", version):
        found.append("oas3")
        if match := re.fullmatch(r"3\.([012])(?:\.\d*)?", version):
            found.append(f"oas3.{match[1]}")
    if re.fullmatch(r"1\.0(?:\.\d*)?", _text(data.get("arazzo"))):
        found.append("arazzo1.0")
    return found


def _asyncapi(data: dict[str, Json]) -> list[str]:
    version = _text(data.get("asyncapi"))
    match = _SECOND.fullmatch(version) or _THIRD.fullmatch(version)
    if match is None:
        return []
    exact = f"asyncapi{version[0]}.{match[1]}"
    return [f"asyncapi{version[0]}", exact] if exact in FORMATS else [f"asyncapi{version[0]}"]


def _json_schema(data: dict[str, Json]) -> list[str]:
    said = data.get("$schema")
    if isinstance(said, str) and "//json-schema.org/" in said:
        match = _DRAFT.fullmatch(said)
        exact = [] if match is None else [f"json-schema-draft{match[1] or '-' + match[2]}"]
        return ["json-schema", "json-schema-loose", *exact]
    kind = data.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    typed = "type" in data and all(isinstance(each, str) and each in _TYPES for each in kinds)
    compound = any(isinstance(data.get(word), dict | list) for word in _COMPOUND)
    held = not _DOCUMENTS & data.keys() and _holds_schemas(data)
    return ["json-schema-loose"] if typed or compound or held or isinstance(data.get("enum"), list) else []


def _holds_schemas(data: dict[str, Json]) -> bool:
    """Whether all that makes it a schema is what it refers to, or keeps for others. Spectral knows no such document."""
    return isinstance(data.get("$ref"), str) or any(isinstance(data.get(key), dict) for key in ("$defs", "definitions"))


def _text(version: Json) -> str:
    """As JavaScript prints a version that YAML took for a number."""
    if isinstance(version, float) and version.is_integer():
        return str(int(version))
    return str(version) if isinstance(version, str | int | float) and not isinstance(version, bool) else ""
