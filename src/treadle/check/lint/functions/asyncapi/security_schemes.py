"""Security names schemes that the document has, and scopes that the schemes have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import Objects, Spot, objects_of
from treadle.check.lint.functions.asyncapi.security import FLOWS
from treadle.contract.place import Json

_WITH_SCOPES = ("oauth2", "openIdConnect")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """AsyncAPI 2 writes requirements that name schemes; AsyncAPI 3 writes the schemes, each with its scopes."""
    objects = objects_of(context)
    for spot in objects.of("requirement"):
        yield from _requirement(objects, spot)
    for spot in objects.of("securityScheme"):
        yield from _scheme(spot)


def _requirement(objects: Objects, spot: Spot) -> Iterator[Complaint]:
    schemes = {str(each.path[-1]): each for each in objects.by_kind.get("securityScheme", ())}
    for name, wanted in spot.value.items():
        path = (*spot.path, name)
        if name not in schemes:
            near = nearest(name, schemes)
            hint = f"; did you mean `{near}`?" if near else ""
            yield Complaint(f"`components.securitySchemes` has no `{name}`{hint}", path)
            continue
        target = objects.target(schemes[name])
        scheme = target.value if target and isinstance(target.value, dict) else {}
        kind = scheme.get("type")
        if not isinstance(wanted, list):
            yield Complaint("a requirement is a list of scopes, empty where the scheme has none", path)
        elif wanted and isinstance(kind, str) and kind not in _WITH_SCOPES:
            yield Complaint(f"a scheme of type {kind} has no scopes; the list must be empty", path)
        elif kind == "oauth2":
            yield from _unknown(scheme, "scopes", wanted, path)


def _scheme(spot: Spot) -> Iterator[Complaint]:
    scopes = spot.value.get("scopes")
    if isinstance(scopes, list) and spot.value.get("type") == "oauth2":
        yield from _unknown(spot.value, "availableScopes", scopes, (*spot.path, "scopes"))


def _unknown(
    scheme: dict[str, Any], field: str, wanted: list[Json], path: tuple[str | int, ...]
) -> Iterator[Complaint]:
    flows = scheme.get("flows")
    known: dict[str, None] = {}
    for word in FLOWS:
        flow = flows.get(word) if isinstance(flows, dict) else None
        scopes = flow.get(field) if isinstance(flow, dict) else None
        known.update(dict.fromkeys(scopes if isinstance(scopes, dict) else {}))
    for at, scope in enumerate(wanted):
        if not isinstance(scope, str) or scope not in known:
            yield Complaint(f"no flow offers the scope `{scope}`; there is {', '.join(known) or 'none'}", (*path, at))
