"""The one table of backends. A backend is its own module and one line here; it is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from treadle.base.errors import UsageError
from treadle.base.nearest import nearest

BACKENDS = {
    "memory": "treadle.bus.backends.memory:MemoryBackend",
    "nats": "treadle.bus.backends.nats:NatsBackend",
}


def backend(name: str) -> Any:
    """The class of a backend. Raises UsageError for a name that the table does not hold."""
    if name not in BACKENDS:
        near = nearest(name, BACKENDS)
        hint = f"did you mean {near}?" if near else "backends are " + ", ".join(BACKENDS)
        raise UsageError("backend-unknown", f"there is no bus backend {name!r}", hint)
    module, _, attribute = BACKENDS[name].partition(":")
    return getattr(import_module(module), attribute)
