"""Calls and answers as bytes of HTTP/1.1. Pure.

What belongs to one connection ends there (RFC 9110 section 7.6.1), and the length of a body is said anew: nothing that
a caller or an upstream says of framing is passed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

Headers = Sequence[tuple[bytes, bytes]]

_OF_A_CONNECTION = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        b"content-length",
        b"expect",
    }
)
_BODILESS = frozenset({204, 304})
_WITH_LENGTH = frozenset({b"POST", b"PUT", b"PATCH"})
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(slots=True)
class Call:
    """One whole request. Header names are in lower case; `target` is path and query as they came."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The first value of a header, empty where there is none."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def text(self, name: bytes) -> str:
        """The first value of a header as text."""
        return self.header(name).decode("latin-1")


def end_to_end(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that go on. Names are in lower case."""
    named: frozenset[bytes] = _OF_A_CONNECTION
    for key, value in headers:
        if key == b"connection":
            named |= {each.strip().lower() for each in value.split(b",")}
    return [(key, value) for key, value in headers if key not in named]


def request(call: Call) -> bytes:
    """A call as it goes onward."""
    lines = [call.method + b" " + call.target + b" HTTP/1.1"]
    lines.extend(key + b": " + value for key, value in end_to_end(call.headers))
    if call.body or call.method in _WITH_LENGTH:
        lines.append(b"content-length: %d" % len(call.body))
    lines.append(b"\r\n")
    return b"\r\n".join(lines) + call.body


def whole(status: int, headers: Headers, body: bytes, *, close: bool = False, head: bool = False) -> bytes:
    """An answer whose body is there. `head`: it answers a HEAD, which has none."""
    framing = [] if status in _BODILESS or head else [b"content-length: %d" % len(body)]
    return _head(status, headers, framing, close=close) + (b"" if head or status in _BODILESS else body)


def begun(status: int, headers: Headers, length: bytes | None, *, close: bool = False, bodiless: bool = False) -> bytes:
    """The head of an answer whose body follows: of `length`, or in chunks where that is None."""
    if bodiless or status in _BODILESS:
        framing = [b"content-length: " + length] if length and status not in _BODILESS else []
    else:
        framing = [b"content-length: " + length if length is not None else b"transfer-encoding: chunked"]
    return _head(status, headers, framing, close=close)


def chunk(data: bytes) -> bytes:
    """A chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def bodiless(method: bytes, status: int) -> bool:
    """Whether an answer has no body whatever its headers say (RFC 9112 section 6.3)."""
    return method == b"HEAD" or status in _BODILESS


def _head(status: int, headers: Headers, framing: Iterable[bytes], *, close: bool) -> bytes:
    lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"Status"))]
    lines.extend(key + b": " + value for key, value in headers)
    lines.extend(framing)
    if close:
        lines.append(b"connection: close")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)
