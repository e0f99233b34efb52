"""The rulesets that ship with treadle, by the names that `extends` uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from treadle.check.lint.packaged import packaged

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "spectral:oas": "spectral-oas.yaml",
        "spectral:asyncapi": "spectral-asyncapi.yaml",
        "treadle:api": "treadle-api.yaml",
        "treadle:events": "treadle-events.yaml",
        "treadle:contract": "treadle-contract.yaml",
        "treadle:asyncapi": "treadle-asyncapi.yaml",
        "treadle:jsonschema": "treadle-jsonschema.yaml",
    }
)
"""Name -> file in `treadle/check/lint/rulesets`."""


def shipped(name: str) -> bytes:
    """The text of a shipped ruleset. Raises KeyError for an unknown name."""
    return packaged("rulesets", SHIPPED[name])
