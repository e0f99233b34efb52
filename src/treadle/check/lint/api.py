"""What functions ask of the operations of an API, as they are written. Any JSON may stand anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.lint.context import Context, Path, Subject
from treadle.contract.place import Json

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MAJOR = re.compile(r"[0-9]{1,9}(?=\.|\Z)")
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json\Z")


def name(path: Path) -> str:
    """`GET /v1/orders`, of the path that leads to an operation or anything below it."""
    return f"{str(path[2]).upper()} {path[1]}" if len(path) > 2 else str(path[-1] if path else "")


def mapping(value: Json, subject: Subject) -> dict[str, Json]:
    """The mapping that a value is or refers to; an empty one where it is none."""
    found = subject.follow(value)
    return found if isinstance(found, dict) else {}


def written(context: Context) -> dict[str, Json]:
    """The mapping that a function was given, as it is written: a value with its references written out has lost what
    stands beside them. Empty where the value is no mapping.
    """
    subject = context.subject
    node = subject.follow(subject.data)
    for step in context.path:
        inner = node.get(step) if isinstance(node, dict) else None
        if isinstance(node, list) and isinstance(step, int) and step < len(node):
            inner = node[step]
        node = subject.follow(inner)
    return node if isinstance(node, dict) else {}


def items(value: Json) -> list[Json]:
    """The list that a value is; an empty one where it is none."""
    return value if isinstance(value, list) else []


def major(data: Json) -> int | None:
    """The major of `info.version`, where one can be told."""
    info = data.get("info") if isinstance(data, dict) else None
    version = info.get("version") if isinstance(info, dict) else None
    match = _MAJOR.match(version) if isinstance(version, str) else None
    return int(match[0]) if match else None


def parameters(operation: dict[str, Json], context: Context) -> Iterator[tuple[str, str]]:
    """(`in`, name) of every parameter of an operation and of its path; names of headers in lower case."""
    subject = context.subject
    paths = mapping(subject.data, subject).get("paths")
    item = mapping(mapping(paths, subject).get(str(context.path[1])), subject) if len(context.path) > 1 else {}
    for listed in (operation.get("parameters"), item.get("parameters")):
        for each in items(listed):
            parameter = mapping(each, subject)
            where, named = parameter.get("in"), parameter.get("name")
            if isinstance(where, str) and isinstance(named, str):
                yield where, named.lower() if where == "header" else named


def responses(operation: dict[str, Json], subject: Subject) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every response by its status, in the order of the file."""
    for status, response in mapping(operation.get("responses"), subject).items():
        if not status.startswith("x-"):
            yield status, mapping(response, subject)


def response_path(operation: dict[str, Json], status: str, context: Context) -> Path:
    """Where to complain of a response: not at a part that several operations refer to."""
    listed = mapping(operation.get("responses"), context.subject)
    shared = isinstance(listed.get(status), dict) and "$ref" in listed[status]
    return (*context.path, "responses") if shared else (*context.path, "responses", status)


def is_error(status: str) -> bool:
    """Whether a status answers with an error: 4xx, 5xx, and `default`."""
    return status[:1] in ("4", "5") or status == "default"


def json_schema(response: dict[str, Json], subject: Subject) -> Json:
    """The schema of the JSON body of a response, or None."""
    for media, content in mapping(response.get("content"), subject).items():
        if _JSON.match(media.partition(";")[0].strip().lower()):
            return mapping(content, subject).get("schema")
    return None


def headers(response: dict[str, Json], subject: Subject) -> frozenset[str]:
    """The names of the headers of a response, in lower case."""
    return frozenset(each.lower() for each in mapping(response.get("headers"), subject))
