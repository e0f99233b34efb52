"""The features of the gateway in ONE order, which is the order of their filters. A call passes from top to bottom."""

from __future__ import annotations

from treadle.gateway.envoy.features import (
    access_log,
    adoption,
    authn,
    authz,
    bearer,
    body,
    breakers,
    carrier,
    checks,
    condition,
    cors,
    doors,
    drift,
    edge,
    envelope,
    fleet,
    hardening,
    idempotency,
    identity,
    lifecycle,
    observed_limits,
    quota,
    retries,
    rollout,
    streaming,
    throttle,
    tier,
    timeouts,
    tls,
    trace,
    upstream,
    upstream_tls,
)

FEATURES = (
    tls.FEATURE,  # no filter: how the rest is reached at all
    hardening.FEATURE,  # normalise before anything matches
    envelope.FEATURE,  # no filter: shapes whatever the others refuse
    lifecycle.FEATURE,  # no filter: what every answer says of the end of its contract
    access_log.FEATURE,  # no filter: sees whatever the others did
    adoption.FEATURE,  # no filter: tells what the others only noted
    trace.FEATURE,  # first filter: a refused call has a caller too
    carrier.FEATURE,  # no filter: how everything else reaches the node
    fleet.FEATURE,  # no filter: how many gateways share the limits
    cors.FEATURE,  # before anything refuses: a page may read every refusal, and a preflight has no token
    edge.FEATURE,  # before tokens are looked at: guessing them is limited too
    bearer.FEATURE,  # one token, written one way: before anybody reads it
    authn.FEATURE,  # who calls, by whose word; needs the token as it was sent
    identity.FEATURE,  # whether that word names anybody; needs the verified token
    condition.FEATURE,  # notes what authz asks about claims
    authz.FEATURE,  # what they may do; needs all of the above
    idempotency.FEATURE,  # what a call must carry; a stranger learns nothing of it
    checks.FEATURE,  # what else the contract says of a call; the same
    throttle.FEATURE,  # needs the token; whoever is slowed down on purpose wears out no other limit
    quota.FEATURE,  # nor does who is out of quota
    tier.FEATURE,  # a refused call takes nothing from its consumer's bucket
    observed_limits.FEATURE,  # where limits only watch: stands for the three before it
    body.FEATURE,  # nothing is buffered for a caller who may not
    doors.FEATURE,  # acts on answers only: any place would do
    streaming.FEATURE,  # no filter: what has no end
    drift.FEATURE,  # next to the router: sees answers as they came, and none that the others gave
    timeouts.FEATURE,  # no filter: bounds the rest
    retries.FEATURE,  # no filter: what the router may send again
    breakers.FEATURE,  # no filter: how much it may send
    rollout.FEATURE,  # no filter: which version of a service answers
    upstream_tls.FEATURE,  # no filter: whom it may be sent to
    upstream.FEATURE,  # the router; it ends every chain
)
