"""Fills the templates of messages: `{{error}}`, `{{description}}`, `{{path}}`, `{{property}}`, `{{value}}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from treadle.check.lint.context import Path
from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.values import to_string
from treadle.contract.pointer import pointer

_SLOT = re.compile(r"#?\{\{([^}\n]+)\}\}")
_PRINT = re.compile(r"""\s*print\(\s*(["'])(\w+)\1\s*\)\s*""")


def filled(template: str, words: Mapping[str, Callable[[], Any]]) -> str:
    """The template with its slots filled, an unknown one by nothing. `#{{print("x")}}` is Spectral's other form."""
    if "{{" not in template:
        return template

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if match[0].startswith("#"):
            printed = _PRINT.fullmatch(name)
            if printed is None:
                return str(words[name.strip()]()) if name.strip() in words else ""
            if printed[2] == "property":
                own = words["property"]()
                return f'"{own}" property ' if own != "" else "The document "
            if printed[2] == "value":
                return value_text(words["value"]())
            return to_string(words[printed[2]]()) if printed[2] in words else ""
        return to_string(words[name]()) if name in words else ""

    return _SLOT.sub(fill, template)


def value_text(value: Any) -> str:
    """A value in few words: containers by their kind, scalars as JSON."""
    if isinstance(value, dict):
        return "Object{}"
    if isinstance(value, list):
        return "Array[]"
    return "undefined" if value is MISSING else orjson.dumps(value).decode()


def path_text(path: Path) -> str:
    """A path as a JSON pointer in a fragment."""
    return "#" + pointer(*path)


def property_text(path: Path, missing: Path) -> str | int:
    """The last key of a path, with what is missing behind it: `contact.name`."""
    if not missing:
        return path[-1] if path else ""
    text = ""
    for step in (*path[-1:], *missing):
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
