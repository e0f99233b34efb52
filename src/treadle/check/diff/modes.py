"""Which way a contract must stay compatible, and how strictly JSON is taken.

`BACKWARD`: who keeps to the old version works with the new one. `FORWARD`: who keeps to the new version works with the
old one. `FULL`: both. `…_TRANSITIVE`: with every version given, not only with the last.

Who that is depends on the document. Clients of an API send what its operations take and read what they answer; peers of
an event API read what it sends and send what it receives; of a JSON Schema there is data, written under one version
and read under the other. A channel that treadle governs is a log that outlives its versions: producers and
subscribers of either version meet in it, so its events are judged both ways in every mode.

`evolution` is for readers that ignore properties they do not know and stay calm at values they do not know: a property
may be added to an open object although some old document may hold something else under that name, and values that
may come in addition are warnings. `strict` takes a schema by its letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from treadle.check.schema.judge import Policy
from treadle.contract.extension import own
from treadle.contract.model import Json

__all__ = ["Mode", "Policy", "Promise", "promise_of"]


class Mode(StrEnum):
    """A direction in which versions must be compatible, and with how many of them."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def backward(self) -> bool:
        """Whether who keeps to the old version must work with the new one."""
        return not self.startswith("FORWARD")

    @property
    def forward(self) -> bool:
        """Whether who keeps to the new version must work with the old one."""
        return not self.startswith("BACKWARD")

    @property
    def transitive(self) -> bool:
        """Whether every version given counts."""
        return self.endswith("_TRANSITIVE")


@dataclass(frozen=True, slots=True)
class Promise:
    """What a contract promises between its versions. `governed`: treadle keeps its events, whatever the document says.

    The default is `BACKWARD` with tolerant readers, which is what semantic versions speak of: a version without a
    new major breaks nobody who keeps to the one before.
    """

    mode: Mode = Mode.BACKWARD
    policy: Policy = Policy.EVOLUTION
    governed: bool = False


def promise_of(document: Json) -> Promise:
    """What `info: {x-treadle: {compatibility: …, json_policy: …}}` says."""
    said = own(document.get("info") if isinstance(document, dict) else None)
    return Promise(
        _mode(said.get("compatibility")) or Mode.BACKWARD, _policy(said.get("json_policy")) or Policy.EVOLUTION
    )


def _mode(word: Json) -> Mode | None:
    text = word.upper() if isinstance(word, str) else ""
    return Mode(text) if text in tuple(Mode) else None


def _policy(word: Json) -> Policy | None:
    return Policy(word) if isinstance(word, str) and word in tuple(Policy) else None
