"""Who may use the control API: whoever can read its token, which lies beside the other secrets, mode 0600."""

from __future__ import annotations

import secrets

from treadle.secrets.file import FileSecrets
from treadle.secrets.secret import Secret

_NAME = "control-token"


def control_token(store: FileSecrets) -> Secret:
    """What a caller of the control API shows; made when it is first asked for."""
    return store.get_or_create(_NAME, lambda: secrets.token_urlsafe(32).encode())
