"""Whether two texts are one address. Source: RFC 3986 section 6.2, syntax-based and scheme-based normalisation."""

from __future__ import annotations

import re

from treadle.contract.model import Json

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_PORTS = {"http": ":80", "https": ":443"}


def same_url(one: Json, other: Json) -> bool:
    """Whether two addresses differ in case, default port, an empty path or needless escapes only."""
    return isinstance(one, str) and isinstance(other, str) and _normal(one) == _normal(other)


def _normal(url: str) -> str:
    match = _URL.match(url)
    if not match:
        return _unescaped(url)
    scheme, host, rest = match[1].lower(), match[2].lower(), match[3]
    host = host.removesuffix(_PORTS.get(scheme, " "))
    return _unescaped(f"{scheme}://{host}{'' if rest.startswith('/') else '/'}{rest}")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: _plain(chr(int(match[1], 16)), match[0]), text)


def _plain(character: str, escaped: str) -> str:
    unreserved = character.isascii() and (character.isalnum() or character in "-._~")
    return character if unreserved else escaped.upper()
