"""Authentication: who calls. An operation that is not public needs a token of one of our issuers.

The keys are part of the configuration, which travels apart from the rest (ECDS): a dead control process or provider
refuses no good token, and a rotation is a push like any other. A token is only ever held against the keys of the
issuer that it names. What it says of its client, subject and scopes goes on as x-treadle-* headers; whatever a client
sends under those names is gone before any filter (`hardening`), on public operations too. Whether it is an access token
at all, and fit to name somebody, is judged next (`identity`).
"""

from __future__ import annotations

from treadle.contract.model import Enforcement, Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.typed import CONSUMER, ISSUER, JWT_FILTER, SCOPE, SUBJECT, extension, typed
from treadle.gateway.ir import Gateway, Issuer, Route
from treadle.gateway.profiles import Form

_NEEDED = "needed"
_NOTED = "noted"
_CACHED = 10_000
"""Tokens that were verified and are not verified again while they live; 4 kB at most each, for each worker."""
_SKEW_S = 5


def _moving_filters(gateway: Gateway) -> list[Json]:
    # An issuer that was never reached has no keys yet: its tokens are of an issuer that nobody knows.
    issuers = [each for each in gateway.issuers if each.jwks]
    any_of = [{"provider_name": each.name} for each in issuers]
    needed = any_of[0] if len(any_of) == 1 else _any(any_of)
    filter = extension(
        JWT_FILTER,
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={each.name: _provider(each) for each in issuers},
        requirement_map={_NEEDED: needed, _NOTED: _any([*any_of, {"allow_missing_or_failed": {}}])},
    )
    return [filter]


def _any(requirements: list[Json]) -> Json:
    return {"requires_any": {"requirements": requirements}}


def _provider(issuer: Issuer) -> Json:
    claims = issuer.claims
    return {
        "issuer": issuer.url,
        **({"audiences": [issuer.audience]} if claims.audience else {}),
        "local_jwks": {"inline_string": issuer.jwks},
        "require_expiration": True,
        "max_lifetime": f"{issuer.lifetime_s_max or claims.lifetime_s_max}s",
        "clock_skew_seconds": _SKEW_S,
        # Named, so that a token in the query string, which logs and referrers leak, is never read.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "payload_in_metadata": "jwt",
        "header_in_metadata": "jwth",
        "claim_to_headers": [
            *(_to_header(CONSUMER, claim) for claim in claims.client),
            _to_header(SUBJECT, "sub"),
            _to_header(ISSUER, "iss"),
            *(_to_header(SCOPE, each.claim) for each in claims.scopes if each.form is not Form.LIST),
        ],
        "jwt_cache_config": {"jwt_cache_size": _CACHED},
    }


def _to_header(header: str, claim: str) -> Json:
    # By path and not by name: a name is cut at its dots, and the claims of some providers are addresses.
    return {"header_name": header, "claim_path": [{"key": claim}]}


def _route(route: Route) -> Json:
    if route.public:
        return {}
    name = _NEEDED if route.enforcement.auth is Enforcement.ENFORCE else _NOTED
    needs = typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", requirement_name=name)
    return {"typed_per_filter_config": {JWT_FILTER: needs}}


FEATURE = Feature("authn", moving_filters=_moving_filters, route=_route)
