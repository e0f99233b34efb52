"""Ports on loopback: a default one that is taken moves, one that was configured and is taken is an error."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from treadle.base.errors import EngineError

DEFAULTS: Mapping[str, int] = {
    "gateway": 8080,
    "console": 8400,
    "nats": 4222,
    "nats-monitor": 8222,
    "envoy-admin": 9901,
}


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def choose(configured: Mapping[str, int], defaults: Mapping[str, int] = DEFAULTS) -> dict[str, int]:
    """One port for each name. Raises EngineError `port-taken` for a configured port that is in use."""
    chosen: dict[str, int] = {}
    for name, default in defaults.items():
        wanted = configured.get(name)
        if wanted is not None:
            if not is_free(wanted):
                raise EngineError(
                    "port-taken",
                    f"port {wanted}, configured for {name}, is in use",
                    f"stop what listens on 127.0.0.1:{wanted}, or change `ports: {{{name}: …}}` in treadle.yaml",
                )
            chosen[name] = wanted
        else:
            port = default
            while not is_free(port) or port in chosen.values():
                port = free_port()
            chosen[name] = port
    return chosen
