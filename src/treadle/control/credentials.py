"""Credentials for people and scripts of a running fabric: the keys on disk are the issuer's own."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from treadle.contract.model import Settings
from treadle.contract.workspace import read_workspace
from treadle.control.checkout import read_files, read_overlays
from treadle.control.issuer import LIFETIME_S, LocalIssuer
from treadle.control.passwords import password
from treadle.control.reconcile import overlays_of
from treadle.control.runfile import Run
from treadle.control.state import State
from treadle.secrets.file import FileSecrets


def access_token(
    state: State,
    run: Run,
    client: str,
    *,
    scope: str | None = None,
    subject: str | None = None,
    lifetime_s: int = LIFETIME_S,
) -> str:
    """A token for one consumer. Raises PolicyError `consumer-unknown`, `scope-not-registered`."""
    settings = settings_of(state, run)
    issuer = LocalIssuer(run["issuer"], settings.audience, settings.consumers, FileSecrets(state.secrets))
    return issuer.mint(client, scope, lifetime_s, subject)


def nats_address(state: State, run: Run, client: str) -> str:
    """`nats://client:password@host:port`, as a stock client takes it."""
    secret = password(FileSecrets(state.secrets), client)
    return f"nats://{quote(client, safe='')}:{quote(secret, safe='')}@{urlsplit(run['nats']).netloc}"


def settings_of(state: State, run: Run) -> Settings:
    """The settings of the workspace as they are in its files now."""
    overlays = read_overlays(overlays_of(run))
    workspace, _ = read_workspace(read_files(state.root), environment=run["environment"], overlays=overlays)
    return workspace.settings
