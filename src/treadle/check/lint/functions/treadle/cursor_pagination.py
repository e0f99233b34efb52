"""`cursorPagination`: a list comes page by page, and the next page is asked for by a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import json_schema, name, parameters, response_path, responses, written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Subject
from treadle.check.lint.shape import kinds, parts, properties
from treadle.contract.place import Json

_NAMES = {"limit": "limit", "cursor": "cursor", "items": "items", "next": "nextCursor"}
_LISTS = ("items", "data", "results", "values", "records", "entries", "elements", "content")


def make(options: Mapping[str, Json]) -> Check:
    """Value: a GET operation. Options `limit`, `cursor`, `items`, `next`: what the four are called."""
    if not all(isinstance(each, str) for each in options.values()) or options.keys() - _NAMES.keys():
        raise BadOptions(f"the options are names for {', '.join(_NAMES)}")
    names = {**_NAMES, **options}

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        operation = written(context)
        if len(context.path) < 2:
            return
        found = _page(operation, context.path, context.subject)
        if found is None:
            return
        status, described = found
        declared = {named for where, named in parameters(operation, context) if where == "query"}
        said = name(context.path)
        lacking = [f"`{names[each]}`" for each in ("limit", "cursor") if names[each] not in declared]
        if lacking:
            yield Complaint(f"{said} gives a list and does not take {' and '.join(lacking)}")
        lacking = [f"`{names[each]}`" for each in ("items", "next") if names[each] not in described]
        if lacking:
            at = response_path(operation, status, context)
            yield Complaint(f"{said} gives a list in a page without {' and '.join(lacking)}", at)

    return check


def _page(operation: dict[str, Json], path: tuple[str | int, ...], subject: Subject) -> tuple[str, Json] | None:
    """The status and the properties of the answer, where it is a list; a bounded array needs no second page."""
    last = str(path[1]).rpartition("/")[2]
    if last.startswith("{"):
        return None
    for status, response in responses(operation, subject):
        schema = json_schema(response, subject) if status.startswith("2") else None
        if schema is None:
            continue
        if kinds(schema, subject) == frozenset({"array"}):
            return None if any("maxItems" in each for each in parts(schema, subject)) else (status, {})
        described = properties(schema, subject)
        for each in (*_LISTS, last):
            if each in described and kinds(described[each], subject) == frozenset({"array"}):
                return status, described
    return None
