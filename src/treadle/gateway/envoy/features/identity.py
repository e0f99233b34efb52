"""Identity: whether a verified token may name anybody. The headers x-treadle-consumer, -subject, -scope and -issuer are
there exactly where it may, whatever the issuer and whatever the contract makes of it.

A token is fit where it is an access token by its issuer's profile, names client and subject by 1 to 128 printable
ASCII characters (a name becomes a header, the key of a limit and part of a fact), and names no client that is
registered for another issuer. One that is bound to a key (`cnf`, RFC 8705) is fit with that key alone, on every
operation; nothing is run for any other. One that is not fit loses all its headers; x-treadle-unfit says why, for the
refusal.

The rules are a tree over issuer and client: its cost does not grow with either. It travels apart from the routes
(ECDS), so another consumer or issuer moves no route. Scopes in a list reach the upstream as a JSON array.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from treadle.contract.model import Json
from treadle.gateway.envoy.feature import Feature
from treadle.gateway.envoy.matching import (
    SKIPPED,
    all_of,
    any_of,
    by_value,
    either,
    filtered,
    header,
    none_of,
    noted,
    text,
)
from treadle.gateway.envoy.matching import metadata as input_of
from treadle.gateway.envoy.node import NodeSettings
from treadle.gateway.envoy.proof import proof
from treadle.gateway.envoy.typed import (
    CONSUMER,
    ISSUER,
    JWT_FILTER,
    NAMELESS,
    OF_ANOTHER,
    SCOPE,
    SUBJECT,
    UNFIT,
    extension,
)
from treadle.gateway.ir import Gateway, Issuer
from treadle.gateway.profiles import Form, Trait

_FILTER = "identity"
_NAME = "[!-~]{1,128}"
_EXPRESSION_MAX = 512
"""How large an expression may be, compiled. Envoy's own bound is 100; 128 characters take 259."""
_NOTHING_CRITICAL = Trait("crit", absent=True, header=True)
"""RFC 7515, 4.1.11: what is critical and not understood makes a token invalid; the token filter looks past it."""
_YEAR_2242 = 2**33
_PLAIN_CLAIM = re.compile(r"[A-Za-z0-9_.-]+")
"""What a format string of Envoy's can name; a claim with another name reaches the upstream in no header."""


def _bootstrap(_: Gateway, _node: NodeSettings) -> Json:
    layer = {"name": "names", "static_layer": {"re2.max_program_size.error_level": _EXPRESSION_MAX}}
    return {"layered_runtime": {"layers": [layer]}}


def _moving_filters(gateway: Gateway) -> list[Json]:
    places = {each.url: _of_issuer(each, gateway) for each in gateway.issuers if each.jwks}
    composite = extension("composite", "extensions.filters.http.composite.v3.Composite")
    # Without the header there was no token: nobody is named, and there is nothing to take away.
    return [filtered(_FILTER, composite, by_value(header(ISSUER), places, SKIPPED))]


def _of_issuer(issuer: Issuer, gateway: Gateway) -> Json:
    claims = issuer.claims
    kinds = any_of([all_of([*map(_trait, kind), _trait(_NOTHING_CRITICAL), _ends()]) for kind in claims.kinds])
    # The claims and not their headers: a number or a list has a header too.
    client = any_of([_named(claim) for claim in claims.client])
    printable = none_of(text(header(SCOPE), regex="(?s:.)*[^ -~](?s:.)*"))
    named = all_of([client, _named("sub"), printable])
    return either(kinds, either(named, _of_client(issuer, gateway), _unfit(NAMELESS)), _unfit("type"))


def _of_client(issuer: Issuer, gateway: Gateway) -> Json:
    fit = _fit(issuer)
    own = {each.consumer for each in gateway.consumers if each.issuer in {"", issuer.url}}
    others = {each.consumer for each in gateway.consumers} - own
    foreign = dict.fromkeys(sorted(others), _unfit(OF_ANOTHER))
    if issuer.claims.audience:
        return by_value(header(CONSUMER), foreign, fit)
    # Nothing in the token says for which API it is: only a client that was registered for this issuer gets in.
    return by_value(header(CONSUMER), foreign | dict.fromkeys(sorted(own), fit), _unfit("audience"))


def _ends() -> Json:
    """The token filter takes an end beyond 64 bits for none at all."""
    return noted(input_of(JWT_FILTER, "jwt", "exp"), double_match={"range": {"start": 0, "end": _YEAR_2242}})


def _named(claim: str) -> Json:
    return noted(input_of(JWT_FILTER, "jwt", claim), string_match={"safe_regex": {"regex": _NAME}})


def _trait(trait: Trait) -> Json:
    input = input_of(JWT_FILTER, "jwth" if trait.header else "jwt", trait.claim)
    if trait.absent:
        return none_of(noted(input, present_match=True))
    if trait.prefix:
        return noted(input, string_match={"prefix": trait.prefix})
    if trait.values:
        return any_of([noted(input, string_match={"exact": value}) for value in trait.values])
    return noted(input, present_match=True)


def _fit(issuer: Issuer) -> Json:
    """A fit token goes on as it is, unless its scopes are a list; one with a `cnf` has to be proven too."""
    scopes = _listed_scopes(issuer)
    bound = noted(input_of(JWT_FILTER, "jwt", "cnf"), present_match=True)
    return either(bound, _execute(*scopes, proof()), _execute(*scopes) if scopes else SKIPPED)


def _listed_scopes(issuer: Issuer) -> list[Json]:
    listed = [each.claim for each in issuer.claims.scopes if each.form is not Form.WORDS]
    values = [f"%DYNAMIC_METADATA({JWT_FILTER}:jwt:{claim})%" for claim in listed if _PLAIN_CLAIM.fullmatch(claim)]
    mode = "OVERWRITE_IF_EXISTS_OR_ADD"
    header = [{"append": {"header": {"key": SCOPE, "value": each}, "append_action": mode}} for each in values]
    return [_mutation(header)] if header else []


def _unfit(why: str) -> Json:
    clear = [{"remove": each} for each in (CONSUMER, SUBJECT, SCOPE, ISSUER)]
    return _execute(_mutation([*clear, {"append": {"header": {"key": UNFIT, "value": why}}}]))


def _mutation(mutations: Collection[Json]) -> Json:
    type = "extensions.filters.http.header_mutation.v3.HeaderMutation"
    return extension("headers", type, mutations={"request_mutations": list(mutations)})


def _execute(*filters: Json) -> Json:
    type = "extensions.filters.http.composite.v3.ExecuteFilterAction"
    one = {"typed_config": filters[0]} if len(filters) == 1 else {"filter_chain": {"typed_config": list(filters)}}
    return {"action": extension("execute", type, **one)}


FEATURE = Feature("identity", bootstrap=_bootstrap, moving_filters=_moving_filters)
