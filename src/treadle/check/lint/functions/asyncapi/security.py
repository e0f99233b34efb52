"""A security requirement names a scheme of the document, and scopes that the scheme has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

FLOWS = ("implicit", "password", "clientCredentials", "authorizationCode")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - `objectType` only words the message
    """The value is one security requirement."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """A value that is no mapping of names to lists of text is left alone: AsyncAPI 3 writes schemes there."""
    if not isinstance(value, dict) or not all(map(_texts, value.values())):
        return
    components = context.subject.data.get("components") if isinstance(context.subject.data, dict) else None
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    schemes = schemes if isinstance(schemes, dict) else {}
    for name, wanted in value.items():
        if name not in schemes:
            yield Complaint(f'there is no security scheme "{name}"', (*context.path, name))
            continue
        scheme = context.subject.inlined(schemes[name])
        if isinstance(scheme, dict) and scheme.get("type") == "oauth2":
            known = scopes(scheme)
            for at, scope in enumerate(wanted):
                if scope not in known:
                    says = f'"{name}" has no scope "{scope}"; it has: {", ".join(known)}'
                    yield Complaint(says, (*context.path, name, at))


def scopes(scheme: dict[str, Json]) -> list[str]:
    """Every scope of the flows of an OAuth 2 scheme, as AsyncAPI 2 writes them."""
    flows = scheme.get("flows")
    found: dict[str, None] = {}
    for word in FLOWS:
        flow = flows.get(word) if isinstance(flows, dict) else None
        if isinstance(flow, dict) and isinstance(flow.get("scopes"), dict):
            found.update(dict.fromkeys(flow["scopes"]))
    return list(found)


def _texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
