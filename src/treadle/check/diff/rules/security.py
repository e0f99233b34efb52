"""Rows about who may call.

oasdiff once called all of these informational, and many still are. A caller with the token of yesterday is refused all
the same, so here what asks for more is an error, and what opens a door is said aloud.
"""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect

_ADD = (Direction.NONE, "security", "existence", "add")
_REMOVE = (Direction.NONE, "security", "existence", "remove")
_TYPE = (Direction.NONE, "security", "type", "change")
_REFUSED = "oasdiff says info (in some versions): callers with the credentials of yesterday are refused."
_OPENED = "Nobody breaks, but what was protected is open to more callers. Say so on purpose."
_OPENED_DIFFERS = "oasdiff says info: an opened door is worth a look before it is released."
_ISSUER = "Whether the same tokens are issued there cannot be seen in the documents."

SECURITY: tuple[Rule, ...] = (
    # Of one operation: what counts is the requirement in force, its own or the document's
    row(
        "api-security-anonymous-access-removed",
        _REMOVE,
        Effect.NARROWS,
        "the operation now requires credentials: {new}",
        "Callers without credentials get 401.",
    ),
    row(
        "api-security-anonymous-access-added",
        _ADD,
        Effect.WIDENS,
        "the operation no longer requires credentials",
        _OPENED,
        level=Level.WARNING,
        differs=_OPENED_DIFFERS,
    ),
    row(
        "api-security-added",
        _ADD,
        Effect.WIDENS,
        "the operation also takes the credentials {new}",
        "Callers with the old credentials are served as before.",
    ),
    row(
        "api-security-removed",
        _REMOVE,
        Effect.NARROWS,
        "the operation no longer takes the credentials {old}",
        "Callers with those credentials get 401.",
        differs=_REFUSED,
    ),
    row(
        "api-security-scope-added",
        _ADD,
        Effect.NARROWS,
        "the operation now requires the scope `{new}` of `{name}`",
        "Callers whose tokens lack the scope get 403.",
        differs=_REFUSED,
    ),
    row(
        "api-security-scope-removed",
        _REMOVE,
        Effect.WIDENS,
        "the operation no longer requires the scope `{old}` of `{name}`",
        _OPENED,
        level=Level.WARNING,
        differs=_OPENED_DIFFERS,
    ),
    # Of the document, where no operation stands under it any more; operations that do are told one by one
    row(
        "api-global-security-added",
        _ADD,
        Effect.NONE,
        "the document also names the credentials {new}",
        "No operation stands under the document's own requirement, so nobody is refused.",
    ),
    row(
        "api-global-security-removed",
        _REMOVE,
        Effect.NONE,
        "the document no longer names the credentials {old}",
        "No operation stands under the document's own requirement, so nobody is refused.",
        differs="oasdiff says error in some versions; operations under it are errors here too, each by itself.",
    ),
    row(
        "api-global-security-scope-added",
        _ADD,
        Effect.NONE,
        "the document now requires the scope `{new}` of `{name}`",
        "No operation stands under the document's own requirement, so nobody is refused.",
        differs="oasdiff says error in some versions; operations under it are errors here too, each by itself.",
    ),
    row(
        "api-global-security-scope-removed",
        _REMOVE,
        Effect.NONE,
        "the document no longer requires the scope `{old}` of `{name}`",
        "No operation stands under the document's own requirement, so nobody is let in.",
    ),
    # Schemes
    row(
        "api-security-component-added",
        _ADD,
        Effect.NONE,
        "the security scheme `{name}` was added",
        "An operation that asks for it is told by itself.",
    ),
    row(
        "api-security-component-removed",
        _REMOVE,
        Effect.NONE,
        "the security scheme `{name}` was removed",
        "An operation that asked for it is told by itself.",
    ),
    row(
        "api-security-component-type-changed",
        _TYPE,
        Effect.CHANGES,
        "the security scheme `{name}` changed its type from `{old}` to `{new}`",
        "Callers send what is no longer understood.",
        differs=_REFUSED,
    ),
    row(
        "api-security-component-api-key-name-changed",
        _TYPE,
        Effect.CHANGES,
        "the key of the security scheme `{name}` is now named `{new}`, not `{old}`",
        "Callers send the key where nobody looks for it.",
    ),
    row(
        "api-security-component-api-key-in-changed",
        _TYPE,
        Effect.CHANGES,
        "the key of the security scheme `{name}` is now sent in the {new}, not in the {old}",
        "Callers send the key where nobody looks for it.",
    ),
    row(
        "api-security-component-http-scheme-changed",
        _TYPE,
        Effect.CHANGES,
        "the security scheme `{name}` changed its HTTP scheme from `{old}` to `{new}`",
        "Callers send what is no longer understood.",
    ),
    row(
        "api-security-component-bearer-format-changed",
        _TYPE,
        Effect.NONE,
        "the security scheme `{name}` changed its bearer format from `{old}` to `{new}`",
        "The format is a hint; callers pass a token on as they got it.",
    ),
    row(
        "api-security-component-openid-connect-url-changed",
        _TYPE,
        None,
        "the security scheme `{name}` changed its OpenID Connect URL from `{old}` to `{new}`",
        _ISSUER,
    ),
    row(
        "api-security-component-oauth-url-changed",
        _TYPE,
        None,
        "the flow `{flow}` of the security scheme `{name}` changed its authorization URL from `{old}` to `{new}`",
        _ISSUER,
        differs="oasdiff says info in some versions.",
    ),
    row(
        "api-security-component-oauth-token-url-changed",
        _TYPE,
        None,
        "the flow `{flow}` of the security scheme `{name}` changed its token URL from `{old}` to `{new}`",
        _ISSUER,
        differs="oasdiff says info in some versions.",
    ),
    row(
        "api-security-component-oauth-refresh-url-changed",
        _TYPE,
        None,
        "the flow `{flow}` of the security scheme `{name}` changed its refresh URL from `{old}` to `{new}`",
        _ISSUER,
    ),
    row(
        "api-security-component-oauth-scope-added",
        _ADD,
        Effect.NONE,
        "the flow `{flow}` of the security scheme `{name}` offers the scope `{new}`",
        "An operation that asks for it is told by itself.",
    ),
    row(
        "api-security-component-oauth-scope-removed",
        _REMOVE,
        Effect.NARROWS,
        "the flow `{flow}` of the security scheme `{name}` no longer offers the scope `{old}`",
        "Callers that ask the issuer for it are refused a token (RFC 6749 section 4.1.2.1, `invalid_scope`).",
        level=Level.WARNING,
        differs="oasdiff says info: a client that lists the scope gets no token at all.",
    ),
    row(
        "api-security-component-oauth-scope-changed",
        _TYPE,
        Effect.NONE,
        "the flow `{flow}` of the security scheme `{name}` describes the scope `{new}` in other words",
        "What the scope grants is said in words only.",
    ),
)
