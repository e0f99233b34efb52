"""Claim profiles: how the tokens of an identity provider name their client, scopes and kind. Pure.

RFC 9068 says it for everybody; the large providers are older than it. A profile says which claims count, and what a
token must show to be an access token: an ID token of the same issuer, which a browser and its extensions get to see,
is refused under each. Shapes as the providers describe them: Keycloak's server administration guide, Microsoft's
access token claims reference, Okta's and Auth0's access token profiles, Amazon Cognito's developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Form(StrEnum):
    """How a claim holds scopes: words with a space between, a list, or either."""

    WORDS = "words"
    LIST = "list"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Scopes:
    """A claim that holds scopes."""

    claim: str
    form: Form = Form.WORDS


@dataclass(frozen=True, slots=True)
class Trait:
    """What one claim must be, or one field of the header: one of `values`, or begin with `prefix`, or be `absent`.

    None of these: it must be there.
    """

    claim: str
    values: tuple[str, ...] = ()
    prefix: str = ""
    absent: bool = False
    header: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """How the tokens of one kind of provider read.

    `client` are the claims that may name the client, of which a token has one. An access token shows all traits of
    one of `kinds`. `audience` says that tokens name the API in `aud`; where they do not, only clients that are
    registered for the issuer are let in. `lifetime_s_max` bounds how long a token may still live.
    """

    name: str
    client: tuple[str, ...]
    scopes: tuple[Scopes, ...]
    kinds: tuple[tuple[Trait, ...], ...]
    audience: bool = True
    lifetime_s_max: int = 3_600


_OF_AN_ID_TOKEN = tuple(Trait(claim, absent=True) for claim in ("nonce", "at_hash", "c_hash"))
"""OpenID Connect Core 1.0, sections 2 and 3.1.3.6: claims that bind an ID token to its request."""
_SCOPE = (Scopes("scope"),)

PROFILES: Mapping[str, Profile] = {
    each.name: each
    for each in (
        # RFC 9068 section 2.1; section 4 says how the type may be written.
        Profile(
            "rfc9068",
            client=("client_id",),
            scopes=_SCOPE,
            kinds=((Trait("typ", ("at+jwt", "application/at+jwt"), header=True),),),
        ),
        # The payload's typ is Bearer; ID, Refresh and Logout name the others.
        Profile("keycloak", client=("azp",), scopes=_SCOPE, kinds=((Trait("typ", ("Bearer",)),),)),
        # Version 1.0 names the client appid, 2.0 azp; an ID token has neither. Delegated rights are in scp, those of
        # an application alone in roles.
        Profile(
            "entra",
            client=("azp", "appid"),
            scopes=(Scopes("scp"), Scopes("roles", Form.LIST)),
            kinds=(
                (Trait("ver", ("2.0",)), Trait("azp"), Trait("appid", absent=True), *_OF_AN_ID_TOKEN),
                (Trait("ver", ("1.0",)), Trait("appid"), Trait("azp", absent=True), *_OF_AN_ID_TOKEN),
            ),
            lifetime_s_max=7_200,
        ),
        # The id of an access token begins with AT., that of an ID token with ID.
        Profile(
            "okta",
            client=("cid",),
            scopes=(Scopes("scp", Form.LIST),),
            kinds=((Trait("jti", prefix="AT."),),),
            lifetime_s_max=86_400,
        ),
        # Rights of role-based access control are in permissions. Under Auth0's own RFC 9068 profile: rfc9068.
        Profile(
            "auth0",
            client=("azp",),
            scopes=(Scopes("scope"), Scopes("permissions", Form.LIST)),
            kinds=((Trait("typ", ("JWT",), header=True), *_OF_AN_ID_TOKEN),),
            lifetime_s_max=86_400,
        ),
        # Access tokens have no audience, and so whoever is not registered for this issuer is refused.
        Profile(
            "cognito",
            client=("client_id",),
            scopes=_SCOPE,
            kinds=((Trait("token_use", ("access",)),),),
            audience=False,
            lifetime_s_max=86_400,
        ),
    )
}


def profile(name: str, *, client_claim: str = "", scope_claim: str = "") -> Profile:
    """A profile by its name, with other claims where these are given. Raises KeyError."""
    found = PROFILES[name]
    if client_claim:
        found = replace(found, client=(client_claim,))
    if scope_claim:
        found = replace(found, scopes=(Scopes(scope_claim, Form.EITHER),))
    return found
