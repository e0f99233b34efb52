"""Query, path, header and cookie of a call, read as OpenAPI serialises them by default. Pure.

`form` with `explode` in the query and the cookie, `simple` in path and header (OpenAPI 3.1, Style Values). A parameter
is text; what type it means is its schema's to say, so every reading that the text allows is offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus, unquote_to_bytes

from treadle.contract.model import Json

PAIRS_MAX = 256
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?")
_WORDS = {"true": True, "false": False, "null": None}
_PARAMETER = re.compile(r"\{([^{}/]+)\}")


def path_pattern(template: str) -> re.Pattern[str]:
    """Matches a path of a template; the groups are its parameters in order."""
    parts = _PARAMETER.split(template)
    return re.compile("([^/]+)".join(re.escape(part) for part in parts[::2]))


def path_names(template: str) -> tuple[str, ...]:
    """The parameters of a template in order."""
    return tuple(_PARAMETER.findall(template))


def decoded(text: str) -> str:
    """Percent-decoded; bytes that are no UTF-8 are replaced, and so agree with no pattern that names them."""
    return unquote_to_bytes(text).decode("utf-8", "replace")


def query_pairs(query: str) -> dict[str, list[str]] | None:
    """Every name and its values in order; None where there are more than PAIRS_MAX."""
    found: dict[str, list[str]] = {}
    if not query:
        return found
    pairs = query.split("&", PAIRS_MAX + 1)
    if len(pairs) > PAIRS_MAX:
        return None
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def cookies(header: str) -> dict[str, list[str]]:
    """Cookies by name (RFC 6265 section 4.2.1)."""
    found: dict[str, list[str]] = {}
    for pair in header.split(";", PAIRS_MAX)[:PAIRS_MAX]:
        name, equals, value = pair.strip().partition("=")
        if equals:
            found.setdefault(name, []).append(value.strip('"'))
    return found


def types(schema: Json, document: Json = None, depth: int = 8) -> frozenset[str]:
    """The JSON types that a schema names at its top, through references and combinations; empty: any."""
    if not isinstance(schema, Mapping) or depth == 0:
        return frozenset()
    document = schema if document is None else document
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list):
        return frozenset(each for each in said if isinstance(each, str))
    inner = [schema.get(key) for key in ("allOf", "anyOf", "oneOf")]
    parts = [part for parts in inner if isinstance(parts, list) for part in parts]
    if isinstance(schema.get("$ref"), str):
        parts.append(_at(document, schema["$ref"]))
    return frozenset().union(*(types(part, document, depth - 1) for part in parts))


def readings(values: list[str], schema: Json, *, exploded: bool) -> Iterator[Json]:
    """What the values of one parameter may mean, the most fitting first.

    `exploded`: a list is the name repeated; else its members are separated by commas.
    """
    wanted = types(schema)
    if "array" in wanted or (not wanted and len(values) > 1):
        items = schema.get("items") if isinstance(schema, Mapping) else None
        members = values if exploded else values[0].split(",")
        yield [next(_scalars(member, types(items, schema))) for member in members]
        if wanted == {"array"}:
            return
    if len(values) == 1:
        yield from _scalars(values[0], wanted)
    else:
        yield values  # a name that may stand once stood more often: no schema of a single value takes a list


def is_object(schema: Json) -> bool:
    """Whether a parameter is an object, whose serialisation is not read."""
    return "object" in types(schema)


def _scalars(text: str, wanted: frozenset[str]) -> Iterator[Json]:
    if not wanted or wanted & {"integer", "number"}:
        match = _NUMBER.fullmatch(text)
        if match:
            plain = match[1] is None and "e" not in text.lower()
            yield int(text) if plain else float(text)
    if text in _WORDS and (not wanted or wanted & {"boolean", "null"}):
        yield _WORDS[text]
    yield text


def _at(document: Json, ref: str) -> Json:
    at = document
    for token in ref.partition("#")[2].split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(at, Mapping) or step not in at:
            return None
        at = at[step]
    return at
