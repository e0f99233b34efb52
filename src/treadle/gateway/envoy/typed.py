"""Envoy's extension points: a name and a typed configuration."""

from __future__ import annotations

from treadle.contract.model import Json

TYPE = "type.googleapis.com/envoy."
JWT_FILTER = "envoy.filters.http.jwt_authn"
RBAC_FILTER = "envoy.filters.http.rbac"
DOOR_METADATA = "treadle.door"
"""Where the `code` of an answer by one of our own doors is noted, for the access log."""
KEYLESS = "no-idempotency-key"
"""The rule that refuses a call for want of its key; the refusal carries the name, and so its envelope can tell."""


def extension(name: str, type: str, **config: Json) -> Json:
    """An extension under a name: `{"name": …, "typed_config": {"@type": …}}`. `type` is without `envoy.`."""
    return {"name": name, "typed_config": typed(type, **config)}


def typed(type: str, **config: Json) -> Json:
    """A message that says its own type."""
    return {"@type": TYPE + type, **config}
