"""Keeps the keys of identity providers fresh: asked regularly, and at once when a token names a key that nobody knows.

The last good keys of each provider lie on disk. One that is away, for hours or when a fabric starts, costs nothing;
one that was never reached has no keys, and only its own tokens are refused. Keys go to the gateway when they change.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from treadle.base.errors import InputError, TreadleError
from treadle.base.files import write_atomically
from treadle.contract.model import Settings, TrustedIssuer
from treadle.control.discovery import key_set, keys_of
from treadle.facts.fact import Fact
from treadle.gateway.ir import Issuer

EVERY_S = 30.0
PAUSE_S = 5.0
"""A provider is asked no more often than this, however many tokens name unknown keys."""
UNKNOWN_KEY = "Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt"
"""What Envoy says of a token whose key it does not have."""
UNKNOWN_ISSUER = "Jwt_issuer_is_not_configured"
"""What it says of a token whose issuer it has no keys of at all."""
CA_BYTES_MAX = 262_144
_log = logging.getLogger("treadle.control")

Ask = Callable[[TrustedIssuer, bytes | None], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """How one provider does: `keys` are as many as count, since `since` (Unix time, seconds; 0: it was never reached).

    `live` says whether the gateway has them already. `error` is why it could not be asked the last time, empty where it
    could.
    """

    issuer: str
    url: str
    keys: int
    since: float
    live: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """Where the last good keys lie, a file for each provider."""

    folder: Path

    def get(self, issuer: TrustedIssuer) -> str:
        """The last good keys; empty where there are none, or where they are not what was written."""
        try:
            return key_set(self._file(issuer).read_bytes())
        except (FileNotFoundError, InputError):
            return ""

    def put(self, issuer: TrustedIssuer, keys: str) -> None:
        """Keep these instead."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._file(issuer), keys.encode(), mode=0o600)

    def since(self, issuer: TrustedIssuer) -> float:
        """When the keys were last changed."""
        try:
            return self._file(issuer).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _file(self, issuer: TrustedIssuer) -> Path:
        # Whoever moves to another provider under the same name must not go on with the keys of the first.
        place = f"{issuer.url}\n{issuer.discovery_url}\n{issuer.jwks_url}"
        return self.folder / f"{issuer.name}-{hashlib.sha256(place.encode()).hexdigest()[:12]}.json"


def trusted(settings: Settings, folder: KeyFolder) -> tuple[Issuer, ...]:
    """The providers of these settings as the gateway knows them, with the keys that they last gave."""
    return tuple(
        Issuer(
            url=each.url,
            audience=each.audience or settings.audience,
            jwks=folder.get(each),
            lifetime_s_max=each.lifetime_s_max,
            name=each.name,
            profile=each.profile,
            client_claim=each.client_claim,
            scope_claim=each.scope_claim,
        )
        for each in settings.issuers
    )


@dataclass(slots=True)
class KeyKeeper:
    """Asks the providers that `issuers` names now. `changed` has the gateway take what is in `folder`.

    `root` is the workspace: the authorities that a provider's certificate must chain to are one of its files.
    """

    folder: KeyFolder
    root: Path
    issuers: Callable[[], Sequence[TrustedIssuer]]
    changed: Callable[[], Awaitable[None]]
    ask: Ask = keys_of
    every_s: float = EVERY_S
    pause_s: float = PAUSE_S
    _errors: dict[str, str] = field(default_factory=dict)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _untold: bool = False
    """Keys changed, and the gateway does not have them yet."""

    async def run(self) -> None:
        """Ask, until cancelled."""
        while True:
            began_s = time.monotonic()
            await self.refresh()
            await asyncio.sleep(max(0.0, self.pause_s - (time.monotonic() - began_s)))
            try:
                async with asyncio.timeout(max(0.0, self.every_s - (time.monotonic() - began_s))):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()

    def hear(self, facts: Iterable[Fact]) -> None:
        """Facts that were just stored: a token that was refused may mean that a provider has a new key, or is back."""
        said = [fact.detail for fact in facts if "jwt_authn" in fact.detail]
        strange = any(UNKNOWN_ISSUER in each for each in said) and not all(map(self.folder.get, self.issuers()))
        if strange or any(UNKNOWN_KEY in each for each in said):
            self.wake()

    def wake(self) -> None:
        """Ask as soon as may be."""
        self._wanted.set()

    async def refresh(self) -> None:
        """Ask every provider once, at the same time; tell the gateway where a key changed."""
        issuers = self.issuers()
        await asyncio.gather(*(self._ask(each) for each in issuers))
        self._errors = {name: why for name, why in self._errors.items() if name in {each.name for each in issuers}}
        if self._untold:
            try:
                await self.changed()
                self._untold = False
            except TreadleError as why:
                _log.warning("the gateway does not have the new keys yet: %s", why)

    def status(self) -> tuple[KeyStatus, ...]:
        """How each provider does."""
        return tuple(self._status(each) for each in self.issuers())

    def _status(self, issuer: TrustedIssuer) -> KeyStatus:
        keys = self.folder.get(issuer)
        count = len(orjson.loads(keys)["keys"]) if keys else 0
        error = self._errors.get(issuer.name, "")
        return KeyStatus(issuer.name, issuer.url, count, self.folder.since(issuer), live=not self._untold, error=error)

    async def _ask(self, issuer: TrustedIssuer) -> None:
        try:
            ca = await asyncio.to_thread(_authorities, self.root, issuer)
            keys = await self.ask(issuer, ca)
            if keys != self.folder.get(issuer):
                self._untold = True
                await asyncio.to_thread(self.folder.put, issuer, keys)
        except TreadleError as why:
            self._fail(issuer, f"{why.code}: {why.message}")
        except OSError as why:
            self._fail(issuer, f"its keys cannot be kept: {why}")
        else:
            self._errors.pop(issuer.name, None)

    def _fail(self, issuer: TrustedIssuer, why: str) -> None:
        if self._errors.get(issuer.name) != why:  # said once, not every half minute
            _log.warning("issuer %s: %s", issuer.name, why)
        self._errors[issuer.name] = why


def _authorities(root: Path, issuer: TrustedIssuer) -> bytes | None:
    """The PEM file that an issuer names. Raises InputError `issuer-not-usable` where the workspace has no such file."""
    if not issuer.ca:
        return None
    file = (root / issuer.ca).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file() or file.stat().st_size > CA_BYTES_MAX:
        raise InputError(
            "issuer-not-usable",
            f"the ca of issuer {issuer.name} is no file of the workspace of at most {CA_BYTES_MAX} bytes: {issuer.ca}",
            "name a PEM file below the folder of treadle.yaml",
        )
    return file.read_bytes()
