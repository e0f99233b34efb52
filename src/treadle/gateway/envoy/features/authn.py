"""Authentication: who calls. An operation that is not public needs a token of our issuer.

The keys are part of the configuration, which travels apart from the rest (ECDS), since Envoy never looks at a key
file again: a dead control process refuses no good token, and a rotation is a push like any other. What was verified
goes upstream as x-treadle-* headers; whatever a client sends under those names is gone before any filter runs, on
public operations too.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.typed import JWT_FILTER, extension, typed
from treadle.gateway.ir import Gateway, Route

_PROVIDER = "treadle"
_CLAIMS = {"client_id": "x-treadle-consumer", "sub": "x-treadle-subject", "scope": "x-treadle-scope"}


def _manager(_: Gateway, _node: NodeSettings) -> Json:
    strip = {"remove_on_match": {"key_matcher": {"prefix": "x-treadle-"}}}
    mutation = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {"early_header_mutation_extensions": [extension("forged-identity", mutation, mutations=[strip])]}


def _moving_filters(gateway: Gateway) -> list[Json]:
    issuer = gateway.issuers[0]
    provider = {
        "issuer": issuer.url,
        "audiences": [issuer.audience],
        "local_jwks": {"inline_string": issuer.jwks},
        "require_expiration": True,
        "max_lifetime": f"{issuer.lifetime_s_max}s",
        "clock_skew_seconds": 5,
        # Named, so that a token in the query string, which logs and referrers leak, is never read.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "payload_in_metadata": "jwt",
        "header_in_metadata": "jwth",
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for claim, header in _CLAIMS.items()],
        "jwt_cache_config": {"jwt_cache_size": 1_000},
    }
    filter = extension(
        JWT_FILTER,
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={_PROVIDER: provider},
        requirement_map={_PROVIDER: {"provider_name": _PROVIDER}},
    )
    return [filter]


def _route(route: Route) -> Json:
    if route.public:
        return {}
    needs = typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", requirement_name=_PROVIDER)
    return {"typed_per_filter_config": {JWT_FILTER: needs}}


FEATURE = Feature("authn", manager=_manager, moving_filters=_moving_filters, route=_route)
