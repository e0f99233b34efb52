"""`pluralPaths`: a collection is named in the plural."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from treadle.check.lint.api import json_schema, mapping, responses
from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Subject
from treadle.check.lint.shape import kinds, properties
from treadle.contract.place import Json

_VERSION = re.compile(r"v[0-9]+\Z")
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_PLURALS = frozenset(
    {
        "children", "criteria", "data", "people", "men", "women", "feet", "teeth", "mice", "geese", "media", "indices",
        "matrices", "vertices", "phenomena", "formulae", "alumni", "cacti", "fungi", "nuclei", "radii", "stimuli",
        # The same in the plural, or without one.
        "advice", "aircraft", "audio", "content", "cash", "clothing", "correspondence", "deer", "equipment", "evidence",
        "feedback", "fish", "furniture", "hardware", "history", "info", "information", "inventory", "knowledge",
        "luggage", "machinery", "mail", "metadata", "money", "music", "offspring", "personnel", "police", "research",
        "rice", "series", "sheep", "software", "species", "staff", "stock", "traffic", "training", "video", "weather",
        # One thing that holds many.
        "backlog", "catalog", "catalogue", "diary", "feed", "inbox", "journal", "ledger", "log", "outbox", "queue",
        "timeline", "trash",
        # One of each caller: no collection.
        "me", "self", "current", "latest", "default",
    }
)  # fmt: skip


def make(options: Mapping[str, Json]) -> Check:
    """Value: `paths`. Option `allow`: segments that are right as they are."""
    allow = options.get("allow", [])
    if not isinstance(allow, list) or not all(isinstance(each, str) for each in allow):
        raise BadOptions("`allow` must be a list of segments")
    allowed = frozenset(allow)

    def check(paths: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(paths, dict):
            return
        said: set[str] = set()
        for path in paths:
            for segment in _collections(path, paths[path], context.subject):
                if segment not in said and segment not in allowed and not _plural(segment):
                    said.add(segment)
                    yield Complaint(f"{path}: `{segment}` is a collection and not in the plural", (*context.path, path))

    return check


def _collections(path: str, item: Json, subject: Subject) -> Iterator[str]:
    """The segments that are surely collections: a parameter picks one of theirs, or reading them gives a list."""
    segments = [each for each in path.split("/") if each]
    for segment, after in pairwise(segments):
        if _plain(segment) and after.startswith("{") and after.endswith("}"):
            yield segment
    # Behind a collection a word may be one of its views: `/gists/public`.
    begins = len(segments) < 2 or not _plain(segments[-2])
    if segments and begins and _plain(segments[-1]) and _lists(item, subject):
        yield segments[-1]


def _plain(segment: str) -> bool:
    return "{" not in segment and not _VERSION.match(segment)


def _lists(item: Json, subject: Subject) -> bool:
    operation = mapping(mapping(item, subject).get("get"), subject)
    for status, response in responses(operation, subject):
        schema = json_schema(response, subject) if status.startswith("2") else None
        if schema is not None:
            items = properties(schema, subject).get("items")
            return kinds(schema, subject) == frozenset({"array"}) or (
                items is not None and kinds(items, subject) == frozenset({"array"})
            )
    return False


def _plural(segment: str) -> bool:
    words = [each.lower() for each in _WORD.findall(segment)]
    if "of" in words[1:]:
        words = words[: words.index("of")]  # codes-of-conduct
    last = words[-1] if words else ""
    return not last.isalpha() or last.endswith("s") or last in _PLURALS
