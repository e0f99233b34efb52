"""`operationScopes`: an operation is open to those whom its scopes name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import items, mapping, name, written
from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_SCOPED = frozenset({"oauth2", "openIdConnect"})


def make(_: Mapping[str, Json]) -> Check:
    """Value: an operation. No options.

    `security: []` is said on purpose and stands; a bearer token lists no scopes (OpenAPI 3.0, security requirement).
    """
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    operation = written(context)
    data = mapping(context.subject.data, context.subject)
    holder = operation if "security" in operation else data
    at = (*context.path, "security") if holder is operation else context.path
    said = name(context.path)
    if "security" not in holder:
        yield Complaint(f"{said} does not say who may call it")
        return
    schemes = mapping(mapping(data.get("components"), context.subject).get("securitySchemes"), context.subject)
    for requirement in items(holder["security"]):
        if not isinstance(requirement, dict):
            continue
        for scheme, scopes in requirement.items():
            declared = mapping(schemes.get(scheme), context.subject)
            kind = declared.get("type")
            bearer = kind == "http" and str(declared.get("scheme", "")).lower() == "bearer"
            if isinstance(kind, str) and kind not in _SCOPED and not bearer:
                yield Complaint(f"{said} is guarded by `{scheme}`, which is neither OAuth 2 nor OpenID Connect", at)
            elif kind in _SCOPED and not items(scopes):
                yield Complaint(f"{said} asks for no scope", at)
