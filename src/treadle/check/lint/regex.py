"""ECMAScript patterns that cannot run away: a linear engine, else a backtracking one with a hard limit of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Validator

STEPS_MAX = 100_000
"""Steps that the backtracking engine may take on one value."""

_MODES = frozenset("ims")
_FLAGS = _MODES | frozenset("guvd")
"""`g`, `d` do not change whether a pattern matches; `u` and `v` are how the engines read every pattern."""

_PIECE = re.compile(r"(?P<escape>\\.)|(?P<class>\[\^?\]?)|(?P<brace>\{(?:\d+(?:,\d*)?\})?)|.", re.DOTALL)


class BadPattern(Exception):  # noqa: N818 - the pattern is bad, the error is that
    """A pattern that neither engine can run; the message says why."""


class TooManySteps(Exception):  # noqa: N818 - the steps are too many, the error is that
    """A pattern was given up on a value after `STEPS_MAX` steps."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled pattern. `negation` matches where it does not, and is there for the backtracking engine only: where
    neither matches, the limit was met.
    """

    source: str
    yes: Validator
    negation: Validator | None = None

    def search(self, text: str) -> bool:
        """Whether it matches anywhere in the text. Raises `TooManySteps`."""
        if self.yes.is_valid(text):
            return True
        if self.negation is not None and not self.negation.is_valid(text):
            raise TooManySteps
        return False


@cache
def regex(source: str, flags: str = "") -> Regex:
    """Compile the source of a pattern (without slashes) and its flags. Raises `BadPattern`."""
    if unknown := set(flags) - _FLAGS:
        raise BadPattern(f"the flag `{min(unknown)}` is not supported")
    modes = "".join(sorted(_MODES & set(flags)))
    text = _plain(source)
    text = f"(?{modes}:{text})" if modes else text
    return _linear(source, text) or _backtracking(source, text)


def _linear(source: str, text: str) -> Regex | None:
    from treadle.contract.schema import PATTERNS

    compiled = _compiled(text, PATTERNS)
    return None if compiled is None else Regex(source, compiled)


def _backtracking(source: str, text: str) -> Regex:
    from jsonschema_rs import FancyRegexOptions

    options = FancyRegexOptions(backtrack_limit=STEPS_MAX, size_limit=1024 * 1024, dfa_size_limit=1024 * 1024)
    compiled, negation = _compiled(text, options), _compiled(rf"^(?![\s\S]*(?:{text}))", options)
    if compiled is None or negation is None:
        raise BadPattern("it does not compile: see whether brackets are closed, and look-behinds of one length")
    return Regex(source, compiled, negation)


def _compiled(text: str, options: Any) -> Validator | None:
    from jsonschema_rs import Draft7Validator, ValidationError

    try:
        return Draft7Validator({"pattern": text}, pattern_options=options)
    except (ValidationError, ValueError):
        return None


def _plain(source: str) -> str:
    """The pattern without what only lenient (Annex B) readers take: a lone `{`, an empty class."""
    pieces: list[str] = []
    within = False
    for match in _PIECE.finditer(source):
        piece = match[0]
        if within:
            within = piece != "]"
        elif piece in ("[]", "[^]"):
            piece = r"[^\s\S]" if piece == "[]" else r"[\s\S]"
        elif match["class"]:
            within = True
        elif piece == "{":
            piece = r"\{"
        elif piece == "}":
            piece = r"\}"
        pieces.append(piece)
    return "".join(pieces)
