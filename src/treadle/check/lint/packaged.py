"""The data files that ship beside this code: rulesets, and the schemas of the standards.

By the place of this module and not by importlib.resources, whose import takes as long as a small document's lint.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def packaged(folder: str, name: str) -> bytes:
    """The bytes of one file of `rulesets` or `schemas`."""
    return (_HERE / folder / name).read_bytes()
