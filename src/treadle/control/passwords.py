"""Passwords of the bus: one for each user the broker knows, made once and kept in the secret store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from treadle.base.errors import InputError
from treadle.secrets.file import FileSecrets


def passwords(store: FileSecrets, users: Iterable[str]) -> dict[str, str]:
    """The password of each user; missing ones are made."""
    return {user: store.get_or_create(_name(user), _make).text() for user in users}


def password(store: FileSecrets, user: str) -> str:
    """The password of one user. Raises InputError `bus-user-unknown` for a user that no apply has made."""
    found = store.get(_name(user))
    if found is None:
        raise InputError(
            "bus-user-unknown",
            f"{user} has no password on the bus",
            "give the consumer a scope <domain>.events:publish in treadle.yaml and apply",
        )
    return found.text()


def _name(user: str) -> str:
    return f"nats-{user}"


def _make() -> bytes:
    return secrets.token_urlsafe(32).encode()
