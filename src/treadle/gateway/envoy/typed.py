"""Envoy's extension points: a name and a typed configuration."""

from __future__ import annotations

from treadle.contract.model import Json

TYPE = "type.googleapis.com/envoy."
JWT_FILTER = "envoy.filters.http.jwt_authn"
RBAC_FILTER = "envoy.filters.http.rbac"
PARENT = "x-treadle-parent"
"""The caller's `traceparent`, as long as it is a good one: Envoy writes its own over it before the call goes out."""
DOOR_METADATA = "treadle.door"
"""Where the `code` of an answer by one of our own doors is noted, for the access log."""
CONSUMER = "x-treadle-consumer"
SUBJECT = "x-treadle-subject"
SCOPE = "x-treadle-scope"
ISSUER = "x-treadle-issuer"
"""Whom a verified token names, and who says so: on every call of a caller who is known, and on no other."""
BOUND = "x-treadle-bound"
"""The thumbprint of the caller's certificate, where the token is bound to it (RFC 8705)."""
UNFIT = "x-treadle-unfit"
"""Why a token that was verified names nobody."""
OF_ANOTHER, NAMELESS = "consumer", "name"
"""Two such reasons that are not the token's validity: its client is another issuer's, or it names nobody."""
CONDITION = "treadle.condition"
"""The filter state in which the outcome of a condition is noted."""
IDENTITY_RULE, STEP_UP_RULE, BOUND_RULE, SCOPE_RULE, CONDITION_RULE = (
    "1-identity", "2-step-up", "3-bound", "4-scope", "5-condition",
)  # fmt: skip
"""The rules of authorization, in order; a refusal carries the name of one."""
FORBIDDING_RULES = (SCOPE_RULE, CONDITION_RULE)
"""Those that forbid something to a caller who is known: FORBIDDEN. The others do not know the caller."""
NEEDS = "treadle.needs"
"""The route's metadata that holds its challenges (RFC 6750 section 3)."""
MISWRITTEN = "miswritten-token"
"""The rule that refuses a token that is written in more than one way."""
KEYLESS = "no-idempotency-key"
"""The rule that refuses a call for want of its key; the refusal carries the name, and so its envelope can tell."""


def extension(name: str, type: str, **config: Json) -> Json:
    """An extension under a name: `{"name": …, "typed_config": {"@type": …}}`. `type` is without `envoy.`."""
    return {"name": name, "typed_config": typed(type, **config)}


def typed(type: str, **config: Json) -> Json:
    """A message that says its own type."""
    return {"@type": TYPE + type, **config}
