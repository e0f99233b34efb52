"""Certificates of a workspace: of its gateway node and services, renewed while they run, and of whoever calls it.

Each lies in a folder as Kubernetes mounts a secret: `tls.crt`, `tls.key` and `ca.crt` are links into a folder that
one more link names, `..data`. Swapping that link is a renewal: Envoy follows the folder, and never half a pair.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from treadle.base.errors import PolicyError, TreadleError
from treadle.base.files import write_atomically
from treadle.base.nearest import nearest
from treadle.contract.model import Consumer
from treadle.control.state import State
from treadle.gateway.build import is_reserved
from treadle.secrets.authority import Authority, Credential, Validity, authority_of, spiffe_id, validity
from treadle.secrets.file import FileSecrets

LOOK_S = 30.0
_FILES = ("tls.crt", "tls.key", "ca.crt")
_log = logging.getLogger("treadle.control")


@dataclass(frozen=True, slots=True)
class Owners:
    """Who runs here and needs a certificate: the gateway under `hosts`, and each service with its SPIFFE id.

    `ours` are the fabric's own programs, where the gateway answers nobody without one.
    """

    hosts: tuple[str, ...]
    services: Mapping[str, str] = field(default_factory=dict)
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Certificates:
    """Those of one workspace. `now` gives Unix time in seconds."""

    state: State
    trust_domain: str
    now: Callable[[], float] = time.time
    look_s: float = LOOK_S

    def authority(self) -> Authority:
        """The workspace's own, made when it is first asked for."""
        return authority_of(FileSecrets(self.state.secrets), self.trust_domain, self.now())

    def ensure(self, owners: Owners) -> tuple[str, ...]:
        """Have a good certificate for each of these. Returns the names of those that were renewed. Raises OSError."""
        authority = self.authority()
        if not _holds(self.state.authority_file, authority.certificate):
            write_atomically(self.state.authority_file, authority.certificate)
        gateway = spiffe_id(self.trust_domain, "gateway", "gateway")
        hosts = [host.strip("[]") for host in owners.hosts]
        wanted = [(gateway, self.state.node_certificates, hosts)]
        if owners.ours:
            wanted.append((spiffe_id(self.trust_domain, "fabric", "own"), self.state.own_certificates, []))
        for service, name in owners.services.items():
            # Others have an authority of their own; whoever names itself as a part of ours has none (`build` says so).
            own = name.startswith(f"spiffe://{self.trust_domain}/")
            if own and not is_reserved(name, self.trust_domain):
                wanted.append((name, self.state.service_certificates / service, []))
        renewed = []
        for name, folder, names in wanted:
            if not self._good(folder, authority, {name, *names}):
                _release(folder, authority, authority.issue(name, self.now(), hosts=names))
                renewed.append(name)
        return tuple(renewed)

    def _good(self, folder: Path, authority: Authority, names: set[str]) -> bool:
        """Whether what lies there is ours, whole, for just these names, and not yet to be renewed."""
        found = validity_of(folder / "tls.crt")
        if found is None or found.names != names or not found.since <= self.now() < found.renew_at:
            return False
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / "tls.crt", folder / "tls.key")
        except OSError:  # ssl.SSLError is one
            return False
        return _holds(folder / "ca.crt", authority.certificate)

    async def run(self, owners: Callable[[], Owners], tell: Callable[[str], Awaitable[None]]) -> None:
        """Renew what is due and tell whose it was, until cancelled. A machine that slept is one look behind at most."""
        while True:
            await asyncio.sleep(self.look_s)
            try:
                for name in await asyncio.to_thread(self.ensure, owners()):
                    await tell(name)
            except (OSError, TreadleError) as why:
                _log.warning("certificates are not renewed now: %s", why)

    def of_consumer(self, client: str, consumers: Mapping[str, Consumer], folder: Path) -> bytes:
        """Write a consumer's certificate, its key and the authority into `folder`; returns the certificate (PEM).

        One that is there and good is kept, so that tokens which are bound to it stay so. Raises PolicyError
        `consumer-unknown`, UsageError `spiffe-name-invalid` and OSError.
        """
        if client not in consumers:
            guess = nearest(client, consumers)
            raise PolicyError(
                "consumer-unknown",
                f"{client} is not a consumer of this workspace",
                f"did you mean {guess}?" if guess else "register it under consumers in treadle.yaml",
            )
        return self.of(spiffe_id(self.trust_domain, "consumer", client), folder)

    def of(self, name: str, folder: Path, hosts: Iterable[str] = ()) -> bytes:
        """The same for anybody of the trust domain, by a whole SPIFFE id."""
        authority = self.authority()
        hosts = tuple(hosts)
        if self._good(folder, authority, {name, *hosts}):
            return (folder / "tls.crt").read_bytes()
        made = authority.issue(name, self.now(), hosts=hosts)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, data in _contents(authority, made).items():
            write_atomically(folder / file, data, mode=0o600 if file == "tls.key" else 0o644)
        return made.certificate


def validity_of(file: Path) -> Validity | None:
    """Of the certificate in a file, or None where there is none."""
    try:
        return validity(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _holds(file: Path, data: bytes) -> bool:
    try:
        return file.read_bytes() == data
    except FileNotFoundError:
        return False


def _contents(authority: Authority, credential: Credential) -> dict[str, bytes]:
    return dict(zip(_FILES, (credential.certificate, credential.key.reveal(), authority.certificate), strict=True))


def _release(folder: Path, authority: Authority, credential: Credential) -> None:
    """Put a new set in the place of the old one, whole."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    current = folder / "..data"
    release = folder / f"..{time.time_ns()}"
    release.mkdir(mode=0o700)
    for name, data in _contents(authority, credential).items():
        write_atomically(release / name, data, mode=0o600)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    before = current.resolve().name if current.is_symlink() else ""
    beside = folder / "..next"
    beside.unlink(missing_ok=True)
    beside.symlink_to(release.name)
    beside.replace(current)
    # The one before stays: Envoy may be reading it.
    for old in folder.glob("..[0-9]*"):
        if old.name not in {release.name, before}:
            shutil.rmtree(old, ignore_errors=True)
