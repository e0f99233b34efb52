"""The parameters in a path template and those that its operations declare are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path, Subject
from treadle.check.lint.functions.oas.operations import METHODS, path_items
from treadle.contract.place import Json

_PARAMETER = re.compile(r"\{;?\??([a-zA-Z0-9_-]+)\*?\}")

_Declared = dict[str, Path]
"""Where a path parameter is declared, by its name."""


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the map of paths."""

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        shapes: dict[str, str] = {}
        for template, item in path_items(value, context.subject):
            path: Path = ("paths", template)
            other = shapes.setdefault(_PARAMETER.sub("%", template), template)
            if other is not template:
                yield Complaint(f"`{template}` and `{other}` are the same path but for the names in it", path)
            names = _PARAMETER.findall(template)
            for name in sorted({each for each in names if names.count(each) > 1}):
                yield Complaint(f"`{template}` has {{{name}}} more than once", path)
            yield from _of_item(item, path, names, context.subject)

    return check


def _of_item(item: dict[str, Any], path: Path, names: list[str], subject: Subject) -> Iterator[Complaint]:
    shared: _Declared = {}
    yield from _declare(item.get("parameters"), path, shared, subject)
    for method, value in item.items():
        operation = subject.follow(value) if method in METHODS else None
        if not isinstance(operation, dict | list):
            continue
        own: _Declared = {}
        yield from _declare(_parameters(operation), (*path, method), own, subject)
        declared = shared | own
        for name, place in declared.items():
            if name not in names:
                yield Complaint(f"`{path[1]}` has no {{{name}}}", place)
        for name in names:
            if name not in declared:
                yield Complaint(f"the parameter {{{name}}} of `{path[1]}` is not declared", (*path, method))


def _parameters(operation: Json) -> Json:
    return operation.get("parameters") if isinstance(operation, dict) else None


def _declare(parameters: Json, owner: Path, declared: _Declared, subject: Subject) -> Iterator[Complaint]:
    if not isinstance(parameters, list):
        return
    for at, each in enumerate(parameters):
        parameter = subject.follow(each)
        if not isinstance(parameter, dict) or parameter.get("in") != "path" or "name" not in parameter:
            continue
        name, place = str(parameter["name"]), (*owner, "parameters", at)
        if parameter.get("required") is not True:
            yield Complaint(f"the path parameter `{name}` must say `required: true`", place)
        if name in declared:
            yield Complaint(f"the path parameter `{name}` is declared twice", place)
        else:
            declared[name] = place
