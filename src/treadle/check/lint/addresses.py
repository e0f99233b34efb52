"""What a JSON Schema document names in itself: schemas by `$id` and by `$anchor`.

Source: JSON Schema 2020-12 core, section 8.2.
Addresses are compared as they are written, or by the last part of one: nobody is asked what they resolve to.
"""

from __future__ import annotations

from treadle.check.lint.context import Path
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.dialect import Family, dialect_of
from treadle.contract.place import Json

_ANCHORS = ("$anchor", "$dynamicAnchor")
_IDS = ("$id", "id")


class Addresses:
    """The names in one document; none in one that is no JSON Schema, for there a `$ref` is a file and a pointer."""

    def __init__(self, data: Json) -> None:
        self._anchors: dict[str, Path] = {}
        self._ids: dict[str, Path] = {}
        self._last_parts: dict[str, Path] = {}
        dialect = dialect_of(data)
        if dialect is None or dialect.family is not Family.JSON_SCHEMA:
            return
        for path, schema in subschemas(data):
            for word in _ANCHORS:
                if isinstance(schema.get(word), str):
                    self._anchors.setdefault(schema[word], path)
            for word in _IDS:
                if isinstance(schema.get(word), str):
                    address, _, anchor = schema[word].partition("#")
                    known, name = (self._ids, address) if address else (self._anchors, anchor)
                    known.setdefault(name, path)
                    if address:
                        self._last_parts.setdefault(address.rpartition("/")[2], path)

    def find(self, address: str, fragment: str) -> tuple[Path, str] | None:
        """The schema that a reference names, and the JSON pointer that leads on from there; None if there is none."""
        start: Path | None = ()
        if address:
            start = self._ids.get(address, self._last_parts.get(address))
        if start is not None and fragment and not fragment.startswith("/"):
            start, fragment = self._anchors.get(fragment), ""
        return None if start is None else (start, fragment)
