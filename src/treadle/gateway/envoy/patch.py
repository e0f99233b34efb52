"""The one way around the contract: an operation's `envoy_patch`, merged into its compiled route (RFC 7396).

What it may change stands in `treadle.gateway.liberties`, and is looked at before anything is compiled.
"""

from __future__ import annotations

from treadle.contract.model import Json


def patched(route: Json, patch: Json) -> Json:
    """The route with the patch merged in; the route itself is left as it was."""
    if not isinstance(patch, dict):
        return route
    return _merged(route, patch)


def _merged(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), value)
    return found
