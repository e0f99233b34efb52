"""Rows about properties that come, go, or change who writes and who reads them."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_REQUEST, _RESPONSE, _PARAMETER = (
    (Direction.REQUEST, "schema"),
    (Direction.RESPONSE, "schema"),
    (Direction.REQUEST, "parameters"),
)
_REFUSED = "Bodies without it are refused."
_NOT_SENT = "A property that is write-only does not come in responses."
_HINT = "Who writes the property is said in other words; no value is refused for it."
_DEFAULT = "A default says what is meant by absence; servers that require the property still refuse bodies without it."
_UNREAD = "What callers send in it is no longer read."

PROPERTIES: tuple[Rule, ...] = (
    # Requests
    row(
        "new-required-request-property",
        (*_REQUEST, "existence", "add"),
        Effect.NARROWS,
        "the required property `{property}` was added to the request body",
        _REFUSED,
    ),
    row(
        "new-required-request-property-with-default",
        (*_REQUEST, "existence", "add"),
        Effect.NARROWS,
        "the required property `{property}`, which has a default, was added to the request body",
        _DEFAULT,
    ),
    row(
        "new-optional-request-property",
        (*_REQUEST, "existence", "add"),
        Effect.WIDENS,
        "the optional property `{property}` was added to the request body",
        "Bodies without it are taken as before.",
    ),
    row(
        "request-property-removed",
        (*_REQUEST, "existence", "remove"),
        Effect.NARROWS,
        "`{property}` was removed from the request body",
        _UNREAD,
        level=Level.WARNING,
    ),
    row(
        "request-property-removed-with-deprecation",
        (*_REQUEST, "existence", "remove"),
        Effect.NONE,
        "`{property}`, which was deprecated, was removed from the request body",
        "It was announced. See in the facts that nobody sends it any more.",
        bump=Bump.MINOR,
    ),
    row(
        "request-property-removed-before-sunset",
        (*_REQUEST, "existence", "remove"),
        Effect.NARROWS,
        "`{property}` was removed from the request body before its sunset date {old}",
        "Callers were promised that it works until that day.",
        level=Level.ERROR,
    ),
    row(
        "request-property-became-required",
        (*_REQUEST, "requiredness", "change"),
        Effect.NARROWS,
        "`{property}` of the request body became required",
        _REFUSED,
    ),
    row(
        "request-property-became-required-with-default",
        (*_REQUEST, "requiredness", "change"),
        Effect.NARROWS,
        "`{property}` of the request body, which has a default, became required",
        _DEFAULT,
    ),
    row(
        "request-property-became-optional",
        (*_REQUEST, "requiredness", "change"),
        Effect.WIDENS,
        "`{property}` of the request body became optional",
        "Bodies with it are taken as before.",
    ),
    *(
        row(
            f"request-{need}-property-became-{word}",
            (*_REQUEST, "mutability", "change"),
            effect,
            f"the {need} property `{{property}}` of the request body became {said}",
            why,
            level=level,
            bump=Bump.MINOR if level in (None, Level.WARNING) else None,
            differs=differs,
        )
        for need in ("optional", "required")
        for word, said, effect, why, level, differs in (
            ("write-only", "write-only", Effect.NONE, _HINT, None, ""),
            ("not-write-only", "readable", Effect.NONE, _HINT, None, ""),
            (
                "read-only",
                "read-only",
                Effect.NARROWS,
                "What callers send in it is ignored, or refused (OpenAPI: it SHOULD NOT be sent).",
                Level.WARNING,
                "oasdiff says info in some versions: what callers send is no longer taken.",
            ),
            (
                "not-read-only",
                "writable",
                *(
                    (
                        Effect.NARROWS,
                        "Bodies without it are refused.",
                        Level.ERROR,
                        "oasdiff says info in some versions: a read-only property could be left out until now.",
                    )
                    if need == "required"
                    else (Effect.WIDENS, "Bodies without it are taken as before.", None, "")
                ),
            ),
        )
    ),
    row(
        "request-required-property-became-not-read-only-in-openapi-31",
        (*_REQUEST, "mutability", "change"),
        Effect.NONE,
        "the required property `{property}` of the request body became writable",
        "From OpenAPI 3.1 on, a required property had to be sent even while it was read-only.",
        bump=Bump.MINOR,
    ),
    # Properties of parameters
    row(
        "new-required-request-header-property",
        (*_PARAMETER, "existence", "add"),
        Effect.NARROWS,
        "the required property `{property}` was added to the header parameter `{parameter}`",
        "Calls without it are refused.",
    ),
    row(
        "request-header-property-became-required",
        (*_PARAMETER, "requiredness", "change"),
        Effect.NARROWS,
        "`{property}` of the header parameter `{parameter}` became required",
        "Calls without it are refused.",
    ),
    row(
        "request-header-property-became-enum",
        (*_PARAMETER, "values", "change"),
        Effect.NARROWS,
        "the header parameter `{parameter}` takes listed values only",
        "Values that are not listed are refused.",
    ),
    row(
        "new-required-request-parameter-property",
        (*_PARAMETER, "existence", "add"),
        Effect.NARROWS,
        "the required property `{property}` was added to the {where} parameter `{parameter}`",
        "Calls without it are refused.",
    ),
    row(
        "new-optional-request-parameter-property",
        (*_PARAMETER, "existence", "add"),
        Effect.WIDENS,
        "the optional property `{property}` was added to the {where} parameter `{parameter}`",
        "Calls without it work as before.",
    ),
    row(
        "request-parameter-property-removed",
        (*_PARAMETER, "existence", "remove"),
        Effect.NARROWS,
        "`{property}` was removed from the {where} parameter `{parameter}`",
        _UNREAD,
        level=Level.WARNING,
    ),
    row(
        "request-parameter-property-became-required",
        (*_PARAMETER, "requiredness", "change"),
        Effect.NARROWS,
        "`{property}` of the {where} parameter `{parameter}` became required",
        "Calls without it are refused.",
    ),
    row(
        "request-parameter-property-became-optional",
        (*_PARAMETER, "requiredness", "change"),
        Effect.WIDENS,
        "`{property}` of the {where} parameter `{parameter}` became optional",
        "Calls with it work as before.",
    ),
    # Responses
    row(
        "response-required-property-added",
        (*_RESPONSE, "existence", "add"),
        Effect.NARROWS,
        "the required property `{property}` was added to the {status} response",
        "Callers that do not know it do not read it.",
        level=Level.INFO,
    ),
    row(
        "response-required-property-removed",
        (*_RESPONSE, "existence", "remove"),
        Effect.WIDENS,
        "the required property `{property}` was removed from the {status} response",
        "Callers rely on it.",
    ),
    row(
        "response-required-property-removed-with-deprecation",
        (*_RESPONSE, "existence", "remove"),
        Effect.NONE,
        "the required property `{property}`, which was deprecated, was removed from the {status} response",
        "It was announced. See in the facts that nobody reads it any more.",
        bump=Bump.MINOR,
    ),
    row(
        "response-required-property-removed-before-sunset",
        (*_RESPONSE, "existence", "remove"),
        Effect.WIDENS,
        "the required property `{property}` was removed from the {status} response before its sunset date {old}",
        "Callers were promised that it comes until that day.",
        level=Level.ERROR,
    ),
    row(
        "response-optional-property-added",
        (*_RESPONSE, "existence", "add"),
        Effect.NARROWS,
        "the optional property `{property}` was added to the {status} response",
        "Callers that do not know it do not read it.",
        level=Level.INFO,
    ),
    row(
        "response-optional-property-removed",
        (*_RESPONSE, "existence", "remove"),
        Effect.WIDENS,
        "the optional property `{property}` was removed from the {status} response",
        "No promise is broken, for it could be absent; some caller may read it.",
        level=Level.WARNING,
        differs="oasdiff says info in some versions: a property that somebody reads goes, which is worth a look.",
    ),
    row(
        "response-property-became-optional",
        (*_RESPONSE, "requiredness", "change"),
        Effect.WIDENS,
        "`{property}` of the {status} response became optional",
        "Callers rely on it.",
    ),
    row(
        "response-property-became-required",
        (*_RESPONSE, "requiredness", "change"),
        Effect.NARROWS,
        "`{property}` of the {status} response became required",
        "Callers get it always.",
    ),
    *(
        row(
            f"response-{need}-write-only-property-{action}",
            (*_RESPONSE, "existence", coordinate),
            Effect.NONE,
            f"the {need} write-only property `{{property}}` was {action} {side} the {{status}} response",
            _NOT_SENT,
            bump=Bump.MINOR,
        )
        for need in ("optional", "required")
        for coordinate, action, side in (("add", "added", "to"), ("remove", "removed", "from"))
    ),
    row(
        "response-write-only-property-became-optional",
        (*_RESPONSE, "requiredness", "change"),
        Effect.NONE,
        "the write-only property `{property}` of the {status} response became optional",
        _NOT_SENT,
        bump=Bump.MINOR,
    ),
    row(
        "response-write-only-property-became-required",
        (*_RESPONSE, "requiredness", "change"),
        Effect.NONE,
        "the write-only property `{property}` of the {status} response became required",
        _NOT_SENT,
        bump=Bump.MINOR,
    ),
    *(
        row(
            f"response-{need}-property-became-{word}",
            (*_RESPONSE, "mutability", "change"),
            effect,
            f"the {need} property `{{property}}` of the {{status}} response became {said}",
            why,
            level=level,
            bump=Bump.MINOR if level is not Level.ERROR else None,
            differs=differs,
        )
        for need in ("optional", "required")
        for word, said, effect, why, level, differs in (
            ("read-only", "read-only", Effect.NONE, "It comes as before.", None, ""),
            ("not-read-only", "writable", Effect.NONE, "It comes as before.", None, ""),
            (
                "write-only",
                "write-only",
                *(
                    (
                        Effect.WIDENS,
                        "Callers rely on it, and it no longer comes.",
                        Level.ERROR,
                        "oasdiff says info in some versions: it is removed from the response, by another word.",
                    )
                    if need == "required"
                    else (Effect.WIDENS, "It could be absent, and now always is.", Level.INFO, "")
                ),
            ),
            (
                "not-write-only",
                "readable",
                *(
                    (
                        Effect.NARROWS,
                        "It comes now, and did not before.",
                        Level.WARNING,
                        "oasdiff says info in some versions: a value that was a secret so far is shown.",
                    )
                    if need == "required"
                    else (Effect.NARROWS, "It may come now, and did not before.", None, "")
                ),
            ),
        )
    ),
    # Properties of response headers
    *(
        row(
            f"response-header-property-{verb}",
            (Direction.RESPONSE, "headers", kind, action),
            effect,
            f"`{{property}}` of the header `{{header}}` of the {{status}} response {said}",
            why,
        )
        for verb, kind, action, effect, said, why in (
            ("added", "existence", "add", Effect.NARROWS, "was added", "Callers that do not know it do not read it."),
            ("removed", "existence", "remove", Effect.WIDENS, "was removed", "Callers rely on it."),
            ("became-required", "requiredness", "change", Effect.NARROWS, "became required", "Callers get it always."),
            ("became-optional", "requiredness", "change", Effect.WIDENS, "became optional", "Callers rely on it."),
        )
    ),
)
