"""`pattern`: text matches a regular expression, or does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.check.lint.printing import value_text
from treadle.check.lint.regex import BadPattern, Regex, TooManySteps, regex
from treadle.contract.place import Json

_SLASHED = re.compile(r"/(.+)/([a-z]*)\Z")


def make(options: Mapping[str, Any]) -> Check:
    """`match` and `notMatch`: the source of a pattern, or `/source/flags`."""
    only(options, "match", "notMatch")
    if not options:
        raise BadOptions("it needs `match` or `notMatch`")
    asked = [(_compiled(name, options[name]), options[name], name == "match") for name in options]

    def check(value: Json, _: Context) -> Iterator[Complaint]:
        if not isinstance(value, str):
            return
        for pattern, said, wanted in asked:
            try:
                if pattern.search(value) is not wanted:
                    verb = "does not match" if wanted else "matches"
                    yield Complaint(f'#{{{{print("value")}}}} {verb} {value_text(said)}')
            except TooManySteps:
                yield Complaint(f"{value_text(said)} was given up on this value: it takes too many steps")

    return check


def _compiled(name: str, said: Any) -> Regex:
    if not isinstance(said, str):
        raise BadOptions(f"`{name}` is the text of a pattern")
    slashed = _SLASHED.match(said)
    try:
        return regex(slashed[1], slashed[2]) if slashed else regex(said)
    except BadPattern as error:
        raise BadOptions(f"`{name}`: the pattern {said} cannot run: {error}") from None
