"""What a lint function is, and what it may ask."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from treadle.contract.place import Json

Path = tuple[str | int, ...]
"""Keys and indices from the root of the document, as one walks with every `$ref` on the way written out."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a function says of one value. `path` is where, None for the value itself; `message` is one sentence."""

    message: str
    path: Path | None = None


class Subject(Protocol):
    """The document under the rules, for functions that look further than their value.

    `data` is the document as written, with its references; `formats` are the names of the formats it has (`oas3`,
    `oas3.1`, …).
    """

    data: Json
    formats: frozenset[str]

    @property
    def targets(self) -> frozenset[Path]:
        """The nodes of this file that some `$ref` names, by their path in it."""

    @property
    def shared(self) -> Container[int]:
        """The `id` of each node of the document, references written out, that more than one way may lead to."""

    def follow(self, value: Json) -> Json:
        """What a chain of `$ref` ends at, in any file; the value itself where it is none, or where it dangles."""

    def inlined(self, value: Json) -> Json:
        """It with every `$ref` written out; one that leads to itself stays a `$ref`. Takes no time: it was made before.

        What a resolved rule gets is written out already, and comes back as it is.
        """


@dataclass(slots=True)
class Context:
    """Where a function stands: the path of its value, the document, and a place to keep what it made for this run.

    `resolved` says whether the rule looks at the document with its references written out.
    """

    path: Path
    subject: Subject
    resolved: bool = True
    kept: dict[Any, Any] = field(default_factory=dict)


Check = Callable[[Json, Context], Iterable[Complaint] | None]
"""A function with its options: the value that a rule chose -> what is wrong with it. The value is `MISSING`
(`treadle.check.lint.missing`) where the rule has a `field` and that is absent; it is falsy, and of no JSON type."""

Make = Callable[[Mapping[str, Any]], Check]
"""Options (`functionOptions`, an empty mapping where there are none) -> check. Work that does not depend on the value
(patterns, schemas) is done here, once a ruleset. Raises `BadOptions`."""


class BadOptions(Exception):  # noqa: N818 - the options are bad, the error is that
    """The options of a function make no sense; the message says why."""
