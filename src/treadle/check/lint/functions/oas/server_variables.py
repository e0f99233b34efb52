"""The variables in the url of a server and those declared beside it are the same, and every choice is a url."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.oas.url import is_url, percent_encoded
from treadle.contract.place import Json

_VARIABLE = re.compile(r"\{(.+?)\}")
_FIELDS = {"enum": list, "default": str, "description": str, "examples": str}
_CHOICES_MAX = 10_000
_SHOWN_MAX = 5

_Variables = dict[str, dict[str, Any]]


def make(options: Mapping[str, Any]) -> Check:
    """Options: `checkSubstitutions`, `requireDefault`. The value is a Server Object."""
    substitutes = options.get("checkSubstitutions") is True
    requires_default = options.get("requireDefault") is True

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        server = _server(value, context)
        if server is None:
            yield Complaint("this is no Server Object: a `url` and, if any, `variables` of `enum` and `default`")
            return
        url, variables = server
        path = (*context.path, "variables")
        named = _VARIABLE.findall(url)
        for name in variables or ():
            if name not in named:
                yield Complaint(f"the url has no variable `{name}`", (*path, name))
        if not named:
            return
        if missing := [name for name in named if name not in (variables or ())]:
            yield Complaint(f"the url has variables that are not declared: {', '.join(missing)}", path)
        used = {name: each for name, each in (variables or {}).items() if name in named}
        yield from _defaults(used, path, required=requires_default)
        if substitutes and used:
            yield from _substitutions(url, used, path)

    return check


def _server(value: Json, context: Context) -> tuple[str, _Variables | None] | None:
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        return None
    if "variables" not in value:
        return value["url"], None
    variables = context.subject.follow(value["variables"])
    if not isinstance(variables, dict):
        return None
    followed = {name: context.subject.follow(each) for name, each in variables.items()}
    return (value["url"], followed) if all(map(_is_variable, followed.values())) else None


def _is_variable(value: Json) -> bool:
    return isinstance(value, dict) and all(
        key.startswith("x-") or (key in _FIELDS and isinstance(each, _FIELDS[key]) and _texts(each))
        for key, each in value.items()
    )


def _texts(value: Json) -> bool:
    return isinstance(value, str) or all(isinstance(each, str) for each in value)


def _defaults(variables: _Variables, path: Path, *, required: bool) -> Iterator[Complaint]:
    for name, variable in variables.items():
        if "default" not in variable:
            if required:
                yield Complaint(f"the variable `{name}` has no default", (*path, name))
        elif "enum" in variable and variable["default"] not in variable["enum"]:
            yield Complaint(f"the default of `{name}` is not in its enum", (*path, name, "default"))


def _substitutions(url: str, variables: _Variables, path: Path) -> Iterator[Complaint]:
    """A set of choices that makes no url; of very many choices the first are tried."""
    choices = [
        variable["enum"] if "enum" in variable else [variable["default"]] if "default" in variable else []
        for variable in variables.values()
    ]
    bad: list[str] = []
    for chosen in itertools.islice(itertools.product(*choices), _CHOICES_MAX):
        text = url
        for name, value in zip(variables, chosen, strict=True):
            text = text.replace(f"{{{name}}}", percent_encoded(value))
        if not is_url(text):
            bad.append(text)
            if len(bad) == _SHOWN_MAX:
                break
    if bad:
        yield Complaint(f"some choices of the variables make no url: {', '.join(bad)}", path)
