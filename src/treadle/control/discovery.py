"""The public keys of an identity provider: where they lie, and which of them count.

OpenID Connect Discovery 1.0 section 4 and RFC 8414 section 3 say where a provider describes itself; RFC 7517 what a set
of keys is. A provider is asked over https, or over http on loopback; nothing is followed to elsewhere, and what it
answers has a size, a depth and a time that it may not pass.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from treadle.base.canon import canonical
from treadle.base.errors import EngineError, InputError
from treadle.contract.model import Json, TrustedIssuer

BYTES_MAX = 262_144
TIME_S = 10.0
KEYS_MAX = 100
_KID = re.compile(r"[ -~]{1,256}")
_CURVES = {"P-256": ("ES256", 32), "P-384": ("ES384", 48), "P-521": ("ES512", 66)}
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_RSA_BYTES_MIN, _RSA_BYTES_MAX = 256, 1_024
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


async def keys_of(issuer: TrustedIssuer, ca: bytes | None = None) -> str:
    """The provider's keys as they are now: a JWK set that is the same text for the same keys.

    `ca` is the PEM text of the authorities that its certificate must chain to, None for the system's. Raises
    EngineError `issuer-unreachable`, InputError `issuer-not-usable`.
    """
    try:
        context = ssl.create_default_context(cadata=ca.decode("ascii") if ca is not None else None)
    except (ssl.SSLError, ValueError) as why:
        raise _unusable(f"the ca of issuer {issuer.name} is not a PEM file of certificates") from why
    async with httpx.AsyncClient(
        verify=context,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TIME_S, connect=5.0),
        headers={"user-agent": "treadle", "accept": "application/json", "accept-encoding": "identity"},
    ) as client:
        url = issuer.jwks_url or await _jwks_url(client, issuer)
        return key_set(await _get(client, url))


def well_known(url: str) -> tuple[str, ...]:
    """Where an issuer describes itself: as OpenID Connect has it, behind its path; as RFC 8414 has it, before it."""
    parts = urlsplit(url)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


def key_set(document: bytes) -> str:
    """The keys of a JWK set that can verify a signature of the issuer's and nothing else, in a fixed order.

    Only public keys of kinds that are safe count: RSA from 2048 bits, the curves of RFC 7518, Ed25519. A symmetric key
    is none: whoever reads the set could sign with it. Raises InputError `issuer-not-usable` where none is left.
    """
    found = _object(document).get("keys")
    if not isinstance(found, list):
        raise _unusable("what is there is no JWK set (RFC 7517)")
    if len(found) > KEYS_MAX:
        raise _unusable(f"the JWK set has {len(found)} keys; {KEYS_MAX} is the most")
    keys = [key for each in found if isinstance(each, dict) and (key := _public(each))]
    if not keys:
        raise _unusable("the JWK set has no key that could verify a token: RSA from 2048 bits, EC or Ed25519")
    return canonical({"keys": sorted(keys, key=canonical)}).decode()


def may_ask(url: str) -> bool:
    """Whether an address is one that is asked: https, or http on loopback; without a name and password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _jwks_url(client: httpx.AsyncClient, issuer: TrustedIssuer) -> str:
    places = (issuer.discovery_url,) if issuer.discovery_url else well_known(issuer.url)
    missing: EngineError | None = None
    for place in places:
        try:
            said = _object(await _get(client, place))
        except EngineError as why:
            missing = why
            continue
        # RFC 8414 section 3.3: else one issuer could speak for another.
        if said.get("issuer") != issuer.url:
            raise _unusable(f"{place} describes the issuer {said.get('issuer')!r:.200}, and not {issuer.url!r}")
        url = said.get("jwks_uri")
        if not isinstance(url, str):
            raise _unusable(f"{place} does not say where the keys are (jwks_uri)")
        # RFC 8414 section 2; and no provider out there has this machine ask itself.
        if place.startswith("https:") and not url.startswith("https:"):
            raise _unusable(f"{place} says that its keys are at {url:.200}, which is not https")
        return url
    raise missing or _unusable("it has no address")


async def _get(client: httpx.AsyncClient, url: str) -> bytes:
    if not may_ask(url):
        raise _unusable(f"{url:.200} is not asked: keys are had over https, or over http on loopback")
    try:
        async with asyncio.timeout(TIME_S), client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                followed = " (redirects are not followed)" if response.is_redirect else ""
                raise _unreachable(f"{url:.200} answers {response.status_code}{followed}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BYTES_MAX:
                    raise _unusable(f"{url:.200} answers with more than {BYTES_MAX} bytes")
    except TimeoutError as why:
        raise _unreachable(f"{url:.200} took longer than {TIME_S:g} s") from why
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as why:
        raise _unreachable(f"{url:.200} cannot be reached: {why or type(why).__name__}") from why
    return bytes(body)


def _object(document: bytes) -> Mapping[str, Json]:
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError as why:
        raise _unusable("what it answers is not JSON") from why
    if not isinstance(found, dict):
        raise _unusable("what it answers is not a JSON object")
    return found


def _public(key: Mapping[str, Any]) -> Json:
    """The members of a key that verify; None for a key that is for something else, or not safe."""
    if key.get("use", "sig") != "sig" or "verify" not in _list(key.get("key_ops", ["verify"])):
        return None
    match key.get("kty"):
        case "RSA":
            kept = _rsa(key)
        case "EC":
            kept = _curve(key)
        case "OKP":
            kept = _edwards(key)
        case _:
            kept = None
    if kept is None:
        return None
    if not _is_key(kept):
        return None
    kid = key.get("kid")
    named = {"kid": kid} if isinstance(kid, str) and _KID.fullmatch(kid) else {}
    return kept | named | {"use": "sig"} if named or "kid" not in key else None


def _is_key(key: Mapping[str, Any]) -> bool:
    """Whether it is a point on its curve, or a modulus: the gateway refuses a whole set for one that is not."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    try:
        JWKRegistry.import_key({**key, "use": "sig"}).get_op_key("verify")
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _rsa(key: Mapping[str, Any]) -> dict[str, Json] | None:
    if key.get("alg", "RS256") not in _RSA or not _RSA_BYTES_MIN <= _size(key.get("n")) <= _RSA_BYTES_MAX:
        return None
    # An exponent of 1 would make every signature its own message; an even one is none.
    exponent = int.from_bytes(_bytes(key.get("e")))
    if not 3 <= exponent < 2**32 or exponent % 2 == 0:
        return None
    return {"kty": "RSA", "n": key["n"], "e": key["e"], **_alg(key)}


def _curve(key: Mapping[str, Any]) -> dict[str, Json] | None:
    alg, size = _CURVES.get(str(key.get("crv")), ("", 0))
    if not size or key.get("alg", alg) != alg or {_size(key.get(each)) for each in "xy"} != {size}:
        return None
    return {"kty": "EC", "crv": key["crv"], "x": key["x"], "y": key["y"], "alg": alg}


def _edwards(key: Mapping[str, Any]) -> dict[str, Json] | None:
    # RFC 8037; the key is 32 bytes.
    if key.get("crv") != "Ed25519" or key.get("alg", "EdDSA") not in {"EdDSA", "Ed25519"} or _size(key.get("x")) != 32:
        return None
    return {"kty": "OKP", "crv": "Ed25519", "x": key["x"], "alg": "EdDSA"}


def _alg(key: Mapping[str, Any]) -> dict[str, Json]:
    return {"alg": key["alg"]} if "alg" in key else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _size(value: Json) -> int:
    """How many bytes a base64url text holds; 0 for anything else."""
    return len(_bytes(value))


def _bytes(value: Json) -> bytes:
    if not isinstance(value, str) or not _BASE64URL.fullmatch(value):
        return b""
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except binascii.Error:
        return b""


def _unreachable(message: str) -> EngineError:
    return EngineError("issuer-unreachable", message, "the last keys it gave go on counting; it is asked again soon")


def _unusable(message: str) -> InputError:
    return InputError("issuer-not-usable", message, "see issuers in treadle.yaml: url, discovery_url, jwks_url and ca")
