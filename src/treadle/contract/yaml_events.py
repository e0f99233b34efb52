"""YAML text -> plain data with the offset of every key and item, the scalars being those of the YAML 1.2 core schema.

PyYAML's C parser yields events without recursing; its loader would make dates of dates, `no` of False and crash on
deep nesting. Source: YAML 1.2.2 section 10.3.2 (core schema), https://yaml.org/spec/1.2.2/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from treadle.contract.faults import Faults
from treadle.contract.finding import Severity
from treadle.contract.place import Json
from treadle.contract.places import Places
from treadle.contract.scalars import CORE, TAGS_OF, is_finite, plain_value

_Get = Callable[[], Any]


def read_yaml(faults: Faults) -> Places:
    """Read the one document of `faults.lines.text`. Raises `Refused` once reading on makes no sense."""
    text = faults.lines.text
    try:
        return _Reading(faults).build(CParser(text).get_event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.index if mark else 0
        raise faults.refuse("yaml-broken", at, _sentence(error), _mend(text, at)) from None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes of the UTF-8 form here
        at = len(text.encode()[: error.position].decode(errors="ignore"))
        raise faults.refuse("yaml-broken", at, "control character") from None


@dataclass(slots=True)
class _Anchor:
    value: Json
    nodes: int
    height: int


class _Reading:
    """One document. `build` is the loop that each node passes, flat for speed; the rest is what happens rarely."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.spots: dict[int, Any] = {}
        self.anchors: dict[str, _Anchor | None] = {}
        """None while the node of an anchor is still open."""
        self.plain: dict[str, Json] = {}
        """Scalars without quotes and tags, by their text: each is judged, and kept, once."""
        self.names: dict[str, str] = {}
        """Likewise the keys that are strings."""
        self.merging: set[int] = set()
        """Mappings in which `<<` is a merge key."""

    def build(self, get: _Get) -> Places:  # noqa: PLR0915 - a call for each node would cost a third of the time
        faults, spots, anchors, plain, names = self.faults, self.spots, self.anchors, self.plain, self.names
        depth_max, nodes_max = faults.budget.depth_max, faults.budget.nodes_max
        root: Json = None
        root_at = nodes = depth = deepest = documents = 0
        container: Any = None
        table: Any = None
        value: Any
        inner: Any
        mapping = False
        key: str | None = None
        anchored: tuple[str, int, int] | None = None
        stack: list[tuple[Any, Any, bool, tuple[str, int, int] | None]] = []
        while True:
            event = get()
            kind = type(event)
            if kind is ScalarEvent:
                at = event.start_mark.index
                text = event.value
                if mapping and key is None:
                    if event.style or event.tag or event.anchor or text not in names:
                        key = self.key(event, container)
                    else:
                        key = names[text]
                    if key in table:
                        faults.duplicate(key, at, table[key])
                    table[key] = at
                    continue
                if event.tag:
                    value = self.tagged(event)
                elif event.style:
                    value = text
                elif text in plain:
                    value = plain[text]
                else:
                    value = self.scalar(text, at)
                nodes += 1
                if event.anchor:
                    anchors[event.anchor] = _Anchor(value, 1, 0)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                at = event.start_mark.index
                if mapping and key is None:
                    self.skip_pair(event, get)
                    continue
                if event.tag:
                    self.check_tag(event)
                if depth >= depth_max:
                    raise faults.too_deep(at)
                nodes += 1
                depth += 1
                if depth > deepest:  # noqa: PLR1730 - a call for each container costs
                    deepest = depth
                if kind is MappingStartEvent:
                    value, inner = {}, {}
                else:
                    value, inner = [], []
                spots[id(value)] = inner
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if mapping and self.merging and id(container) in self.merging:
                    self.merge(container, table)
                if anchored:
                    name, before, around = anchored
                    anchors[name] = _Anchor(container, nodes - before, deepest - depth + 1)
                    deepest = max(deepest, around)
                container, table, mapping, anchored = stack.pop()
                depth -= 1
                continue
            elif kind is AliasEvent:
                if mapping and key is None:
                    self.skip_pair(event, get)
                    continue
                at = event.start_mark.index
                anchor = self.alias(event)
                value = anchor.value
                nodes += anchor.nodes
                if depth + anchor.height > depth_max:
                    raise faults.too_deep(at)
                deepest = max(deepest, depth + anchor.height)
            elif kind is StreamEndEvent:
                return Places(faults.file, root, spots, faults.lines, root_at)
            else:
                if kind is DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        self.second_document(event)
                        return Places(faults.file, root, spots, faults.lines, root_at)
                continue

            if nodes > nodes_max:
                raise faults.too_many(at)
            if mapping:
                container[key] = value
                key = None
            elif container is None:
                root, root_at = value, at
            else:
                container.append(value)
                table.append(at)
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                stack.append((container, table, mapping, anchored))
                container, table, mapping = value, inner, kind is MappingStartEvent
                anchored = None
                if event.anchor:
                    anchored = (event.anchor, nodes - 1, deepest)
                    anchors[event.anchor] = None
                    deepest = depth

    def key(self, event: Any, container: dict[str, Json]) -> str:
        """A key that was not met before, or is out of the ordinary; the text as written where it is no string."""
        text: str = event.value
        if text[:1].isalpha() and not (event.style or event.tag or event.anchor) and isinstance(plain_value(text), str):
            self.names[text] = text
            return text
        at = event.start_mark.index
        value: Json = self.tagged(event) if event.tag else text if event.style else self.scalar(text, at)
        if event.anchor:
            self.anchors[event.anchor] = _Anchor(value, 1, 0)
        if type(value) is not str:
            self.faults.complain("key-not-string", at, f"`{text}` is no string", f'write it as "{text}"')
        elif text == "<<" and not event.style:
            self.faults.complain(
                "merge-key", at, "YAML 1.2 has no merge key `<<`", "write the keys out, or use `$ref`", Severity.INFO
            )
            self.merging.add(id(container))
        elif not (event.style or event.tag or event.anchor):
            self.names[text] = text
        return text

    def scalar(self, text: str, at: int) -> Json:
        """A scalar without quotes, kept by its text; the text itself where JSON has no such number."""
        value = plain_value(text)
        if is_finite(value):
            self.plain[text] = value
            return value
        self.faults.complain(
            "not-finite", at, "JSON has no NaN and no infinity", "write a finite number or leave it out"
        )
        return text

    def tagged(self, event: Any) -> Json:
        """A scalar with a tag: those of the core schema are obeyed, others are left out."""
        text: str = event.value
        if event.tag in ("!", CORE + "str"):
            return text
        value = self.scalar(text, event.start_mark.index)
        if event.tag != CORE + TAGS_OF[type(value)]:
            self.faults.complain(
                "unknown-tag", event.start_mark.index, f"tag `{event.tag}` does not fit `{text}`", "leave the tag out"
            )
            return text if event.style else value
        return value

    def check_tag(self, event: Any) -> None:
        """Only the tags of a plain mapping and list mean something."""
        if event.tag not in (CORE + ("map" if isinstance(event, MappingStartEvent) else "seq"), "!"):
            self.faults.complain(
                "unknown-tag", event.start_mark.index, f"tag `{event.tag}` has no meaning here", "leave the tag out"
            )

    def alias(self, event: Any) -> _Anchor:
        """A node given before, again: shared, and paid for in full."""
        name, at = event.anchor, event.start_mark.index
        if name not in self.anchors:
            raise self.faults.refuse("undefined-alias", at, f"alias `*{name}` stands for nothing above it")
        anchor = self.anchors[name]
        if anchor is None:
            message = f"alias `*{name}` stands for a node that holds it"
            raise self.faults.refuse("alias-cycle", at, message, "use `$ref`")
        return anchor

    def skip_pair(self, event: Any, get: _Get) -> None:
        """A key that is no scalar as written: a tolerant reading leaves key and value out, as Spectral does."""
        at = event.start_mark.index
        what = f"alias `*{event.anchor}`" if isinstance(event, AliasEvent) else "a list or mapping"
        message = f"{what} as a key has no place in JSON"
        if not self.faults.tolerant:
            raise self.faults.refuse("key-not-string", at, message)
        self.faults.complain("key-not-string", at, message, severity=Severity.WARN)
        self.skip(event, get)
        self.skip(get(), get)

    def skip(self, event: Any, get: _Get) -> None:
        """Everything up to the end of the node that `event` begins."""
        depth = 0
        while True:
            kind = type(event)
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                depth += 1
                if depth > self.faults.budget.depth_max:
                    raise self.faults.too_deep(event.start_mark.index)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                depth -= 1
            if not depth:
                return
            event = get()

    def merge(self, container: dict[str, Json], table: dict[str, int]) -> None:
        """Put in the pairs of what `<<` stands for; own keys win, then the earlier of a list (YAML 1.1, type merge)."""
        value, at = container.pop("<<"), table.pop("<<")
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in sources):
            self.faults.complain("merge-key", at, "`<<` stands for no mapping", "leave it out")
        own, own_spots = dict(container), dict(table)
        container.clear()
        for source in reversed(sources):
            if isinstance(source, dict):
                container.update(source)
                table.update(self.spots[id(source)])
        container.update(own)
        table.update(own_spots)

    def second_document(self, event: Any) -> None:
        """The first document counts, and the rest is not even looked at."""
        at, message, hint = event.start_mark.index, "a second document begins here", "one file, one document"
        if not self.faults.tolerant:
            raise self.faults.refuse("many-documents", at, message, hint)
        self.faults.complain("many-documents", at, message, hint)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.problem, error.context) if part)


def _mend(text: str, at: int) -> str:
    indentation = text[text.rfind("\n", 0, at) + 1 : at + 1].lstrip(" ")
    return "indent with spaces; YAML has no tabs" if indentation.startswith("\t") else ""
