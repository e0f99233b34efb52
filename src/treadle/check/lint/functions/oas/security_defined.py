"""What a security requirement asks for is declared: the scheme, and each scope of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """Options: `oasVersion`, 2 or 3. The value is one requirement: scopes by the name of a scheme."""
    version = options.get("oasVersion")
    if version not in (2, 3):
        raise BadOptions("`oasVersion` must be 2 or 3")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not _is_requirement(value):
            return
        schemes = _schemes(context.subject.data, version)
        for name, scopes in value.items():
            if name not in schemes:
                yield Complaint(f"no security scheme `{name}` is declared", (*context.path, name))
                continue
            declared = _scopes(schemes[name], version)
            for at, scope in enumerate(scopes):
                if scope not in declared:
                    yield Complaint(f"the scheme `{name}` has no scope `{scope}`", (*context.path, name, at))

    return check


def _is_requirement(value: Json) -> bool:
    return isinstance(value, dict) and all(
        isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes) for scopes in value.values()
    )


def _schemes(document: Json, version: int) -> dict[str, Any]:
    owner = document if version == 2 else _mapping(document, "components")
    return _mapping(owner, "securityDefinitions" if version == 2 else "securitySchemes")


def _scopes(scheme: Json, version: int) -> set[str]:
    flows = [scheme] if version == 2 else _mapping(scheme, "flows").values()
    return {scope for flow in flows for scope in _mapping(flow, "scopes")}


def _mapping(value: Json, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
