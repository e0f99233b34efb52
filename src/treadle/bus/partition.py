"""Which partition a key belongs to, and how a key is written into one token of a subject.

Source: NATS subject mapping `{{partition(n,…)}}` is FNV-1a (32 bit) over the bytes of the token, modulo n; the tests
ask the real server. A token may not hold dots, spaces, `*` or `>`, so a key is percent-encoded, and in one way only:
two spellings of one key would be two keys to the broker, and the order between them would be lost.
"""

from __future__ import annotations

import re

KEY_BYTES_MAX = 256
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_TOKEN = re.compile(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})+")
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")


def partition_of(token: str, partitions: int) -> int:
    """The partition of an encoded key, as the server computes it."""
    value = 0x811C9DC5
    for byte in token.encode("ascii"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % partitions


def encode_key(key: str) -> str:
    """The one token that stands for a key. Raises ValueError for an empty key or one over KEY_BYTES_MAX bytes."""
    raw = key.encode("utf-8")
    if not raw or len(raw) > KEY_BYTES_MAX:
        message = f"a key has 1 to {KEY_BYTES_MAX} bytes, this one has {len(raw)}"
        raise ValueError(message)
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)


def decode_key(token: str) -> str:
    """The key of a token. Raises ValueError where the token is not the one spelling that `encode_key` gives."""
    if not _TOKEN.fullmatch(token):
        message = "the key is not percent-encoded (plain: A-Z a-z 0-9 _ -)"
        raise ValueError(message)
    key = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), token.encode("ascii")).decode("utf-8")
    if encode_key(key) != token:
        message = "the key is percent-encoded where it need not be"
        raise ValueError(message)
    return key
