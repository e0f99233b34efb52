"""Standard Webhooks 1.0 with Ed25519: who verifies cannot sign.

The signed content is `<webhook-id>.<webhook-timestamp>.<body>`; a signature reads `v1a,<base64>`, several are parted by
spaces; keys read `whsk_<base64>` (secret) and `whpk_<base64>` (public).
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from treadle.base.errors import InputError, PolicyError

TOLERANCE_S = 300
SIGNATURES_MAX = 16
"""Signatures looked at in one header: each costs a verification."""

_ID = re.compile(r"[!-\-/-~]{1,256}", re.ASCII)
"""Printable, and no full stop: the signed content parts id and timestamp by one."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadSignatureError(PolicyError):
    """A webhook that cannot be shown to come from its system. The message is safe to answer."""

    def __init__(self, message: str) -> None:
        super().__init__("bad-signature", message, "sign with the key whose public half the connector names")


@dataclass(frozen=True, slots=True)
class Verified:
    """A delivery whose signature holds. `id` stays the same however often the sender tries."""

    id: str
    timestamp_s: int


def signed_content(id: str, timestamp_s: int, body: bytes) -> bytes:
    """The bytes that a signature covers."""
    return f"{id}.{timestamp_s}.".encode() + body


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[Ed25519PublicKey],
    *,
    now_s: float,
    tolerance_s: int = TOLERANCE_S,
) -> Verified:
    """Whose delivery it is, judged at `now_s` (Unix time). `headers` has lower-case names. Raises BadSignatureError."""
    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(id):
        raise BadSignatureError("The header webhook-id is missing or malformed.")
    if not _TIMESTAMP.fullmatch(stamp):
        raise BadSignatureError("The header webhook-timestamp is missing or malformed.")
    timestamp_s = int(stamp)
    if abs(now_s - timestamp_s) > tolerance_s:
        raise BadSignatureError(f"The header webhook-timestamp is more than {tolerance_s} seconds from now.")
    # The timestamp is taken as it was written: a leading zero is part of what was signed.
    content = f"{id}.{stamp}.".encode() + body
    for signature in _signatures(headers.get("webhook-signature", "")):
        for key in keys:
            try:
                key.verify(signature, content)
            except InvalidSignature:
                continue
            return Verified(id, timestamp_s)
    raise BadSignatureError("No signature of kind v1a in the header webhook-signature matches.")


def _signatures(header: str) -> list[bytes]:
    """Every Ed25519 signature in the header. Other kinds are skipped: a sender may be changing from one to another."""
    found = []
    for part in header.split(" ", SIGNATURES_MAX)[:SIGNATURES_MAX]:
        kind, _, text = part.partition(",")
        if kind != "v1a":
            continue
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found


def read_public_keys(text: str) -> tuple[Ed25519PublicKey, ...]:
    """One or several `whpk_` keys, parted by spaces. Raises InputError `bad-webhook-key`."""
    keys = tuple(Ed25519PublicKey.from_public_bytes(_key_bytes(each, "whpk_", (32,))) for each in text.split())
    if not keys:
        raise _bad_key("whpk_")
    return keys


class SigningKey:
    """The secret half, for systems that send webhooks. It prints as `[redacted]`."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "SigningKey([redacted])"

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key pair."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, text: str) -> SigningKey:
        """From `whsk_` text: the 32-byte seed, or seed and public key as libsodium writes them (64 bytes)."""
        return cls(Ed25519PrivateKey.from_private_bytes(_key_bytes(text.strip(), "whsk_", (32, 64))[:32]))

    def secret_text(self) -> str:
        """The secret as `whsk_` text, to be written to a file that only its owner can read."""
        return "whsk_" + base64.b64encode(self._key.private_bytes_raw()).decode()

    def public_text(self) -> str:
        """The public half as `whpk_` text."""
        return "whpk_" + base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def headers(self, id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        """The three headers of one attempt at `timestamp_s` (Unix time)."""
        signature = self._key.sign(signed_content(id, timestamp_s, body))
        return {
            "webhook-id": id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": "v1a," + base64.b64encode(signature).decode(),
        }


def _key_bytes(text: str, prefix: str, lengths: tuple[int, ...]) -> bytes:
    try:
        raw = base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_key(prefix) from error
    if not text.startswith(prefix) or len(raw) not in lengths:
        raise _bad_key(prefix)
    return raw


def _bad_key(prefix: str) -> InputError:
    kind = "public" if prefix == "whpk_" else "secret"
    return InputError(
        "bad-webhook-key", f"an Ed25519 {kind} key for webhooks reads {prefix} and base64 of 32 bytes", "generate one"
    )
