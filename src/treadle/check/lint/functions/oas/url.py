"""Whether a text is an absolute URL, as browsers read it (WHATWG URL, the parts that a server's url can break)."""

from __future__ import annotations

import ipaddress
import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SPECIAL = frozenset({"http", "https", "ws", "wss", "ftp"})
_AUTHORITY = re.compile(r"[/\\]*(?:[^/\\?#]*@)?(\[[^\]]*\]|[^:/\\?#\[\]]*)(?::([^/\\?#]*))?(?=[/\\?#]|\Z)")
_FORBIDDEN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f]")
_NUMERIC = re.compile(r"(?:0[xX][0-9a-fA-F]*|\d+)\Z", re.ASCII)
_PORT_MAX = 65_535
_ENCODED = re.compile(r"[^A-Za-z0-9;,/?:@&=+$\-_.!~*'()#]+")
"""All that JavaScript's `encodeURI` does not leave as it is."""
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")


def percent_encoded(text: str) -> str:
    """What `encodeURI` makes of a text."""
    return _ENCODED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace")), text)


def is_url(text: str) -> bool:
    """Whether `new URL(text)` takes it: a scheme and, where the scheme has one, a host and a port that can be."""
    text = text.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None})
    scheme = _SCHEME.match(text)
    if scheme is None:
        return False
    rest = text[scheme.end() :]
    special = scheme[1].lower() in _SPECIAL
    if not special and not rest.startswith("//"):
        return True
    authority = _AUTHORITY.match(rest)
    if authority is None:
        return False
    host, port = authority[1], authority[2]
    if port and not (port.isascii() and port.isdigit() and int(port[:9]) <= _PORT_MAX):
        return False
    return _is_host(host, special=special)


def _is_host(host: str, *, special: bool) -> bool:
    if host.startswith("["):
        try:
            return ipaddress.ip_address(host[1:-1]).version == 6
        except ValueError:
            return False
    if not special:
        return not _FORBIDDEN.search(host.replace("%", ""))
    name = _PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"), host)
    if not name or _FORBIDDEN.search(name):
        return False
    labels = name.rstrip(".").split(".")
    return not _NUMERIC.match(labels[-1]) or _is_ipv4(labels)


def _is_ipv4(labels: list[str]) -> bool:
    """Whether numbers make an address: at most four, each in octal, decimal or hexadecimal, the last may be long."""
    if len(labels) > 4 or not all(_NUMERIC.match(each) for each in labels):
        return False
    try:
        numbers = [int(each or "0", _base(each)) for each in labels]
    except ValueError:
        return False
    return all(each < 256 for each in numbers[:-1]) and numbers[-1] < 256 ** (5 - len(numbers))


def _base(digits: str) -> int:
    if digits[:2] in ("0x", "0X"):
        return 16
    return 8 if digits.startswith("0") else 10
