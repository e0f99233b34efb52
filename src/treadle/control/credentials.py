"""Credentials for people and scripts of a running fabric: the keys on disk are the issuer's own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

from treadle.base.errors import InputError
from treadle.contract.model import Settings
from treadle.contract.workspace import read_workspace
from treadle.control.certificates import Certificates
from treadle.control.checkout import read_files, read_overlays
from treadle.control.issuer import LIFETIME_S, LocalIssuer
from treadle.control.passwords import password
from treadle.control.reconcile import overlays_of
from treadle.control.runfile import Run
from treadle.control.state import State
from treadle.secrets.authority import thumbprint
from treadle.secrets.file import FileSecrets


def access_token(
    state: State,
    run: Run,
    client: str,
    *,
    scope: str | None = None,
    subject: str | None = None,
    lifetime_s: int = LIFETIME_S,
    certificate: Path | None = None,
) -> str:
    """A token for one consumer. Raises PolicyError `consumer-unknown`, `scope-not-registered`.

    With a folder for its `certificate`, one is put there (or found there), and the token is good with it alone. Raises
    InputError `folder-unusable` too, then.
    """
    settings = settings_of(state, run)
    issuer = LocalIssuer(run["issuer"], settings.audience, settings.consumers, FileSecrets(state.secrets))
    if certificate is None:
        return issuer.mint(client, scope, lifetime_s, subject)
    try:
        shown = Certificates(state, settings.trust_domain).of_consumer(client, settings.consumers, certificate)
    except OSError as why:
        raise InputError(
            "folder-unusable", f"{certificate} cannot hold a certificate: {why.strerror}", "name a folder of your own"
        ) from None
    return issuer.mint(client, scope, lifetime_s, subject, thumbprint(shown))


def nats_address(state: State, run: Run, client: str) -> str:
    """`nats://client:password@host:port`, as a stock client takes it."""
    secret = password(FileSecrets(state.secrets), client)
    return f"nats://{quote(client, safe='')}:{quote(secret, safe='')}@{urlsplit(run['nats']).netloc}"


def settings_of(state: State, run: Run) -> Settings:
    """The settings of the workspace as they are in its files now."""
    overlays = read_overlays(overlays_of(run))
    workspace, _ = read_workspace(read_files(state.root), environment=run["environment"], overlays=overlays)
    return workspace.settings
