"""The document as resolved rules see it: every `$ref` written out, except where it leads back to where it stands.

Nothing is copied that has no reference below it, and what several references lead to is there once: the result is a
graph without cycles whose nodes are shared. A reference is left as written where it dangles, or where its target, by
way of other references, comes back to a target that holds it: these are exactly the references inside one strongly
connected component of the graph of targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from treadle.check.lint.context import Path
from treadle.check.lint.targets import Targets, Unreachable, hops
from treadle.contract.place import Json

_HOPS_MAX = 64
_ENCODED = re.compile(r"[^A-Za-z0-9_.!~*'()/\-\u2013]")
"""What a URI cannot hold as it is. Spectral encodes it behind a reference, and finds nothing of that name then."""

Spot = tuple[str, Path]
"""A node by its file and its path in it."""


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference that leads nowhere, and why. `here`: in its own file."""

    file: str
    path: Path
    message: str
    here: bool


@dataclass(slots=True)
class _Reference:
    """`holders` are the targets that it stands in."""

    spot: Spot
    value: dict[str, Any]
    target: Spot
    holders: list[Spot] = field(default_factory=list)


class Resolution:
    """The resolved form of one document.

    `root` is the document with its references written out; `shared` has the `id` of each node that more than one way
    leads to; `dangling` are the references that lead nowhere.
    """

    def __init__(self, targets: Targets, file: str, data: Json) -> None:
        self.dangling: list[Dangling] = []
        self.file = file
        self.data = data
        self._targets = targets
        self._jumps: dict[int, Spot] = {}
        self._nodes: dict[Spot, Json] = {}
        self._built: dict[int, Json] = {}
        self._landings: dict[int, Json] = {}
        self._dirty: set[int] = set()
        self._spots: dict[int, Spot] = {}
        self._used: set[Path] = set()
        self._nowhere: dict[int, Spot] = {}
        self._lost: set[int] = set()
        references = self._collect()
        self._blame(references)
        order = self._decide(references)
        for spot in order:
            self._build(self._nodes[spot])
        self.root = self._build(data)
        self.shared = {id(self._built.get(id(node), node)): True for node in self._nodes.values()}

    @property
    def targets(self) -> frozenset[Path]:
        """The nodes of the document itself that some reference names from outside of them."""
        return frozenset(self._used)

    def follow(self, value: Json) -> Json:
        """What a chain of references ends at; the value itself where it is none, where it dangles or goes round."""
        node = value
        for _ in range(_HOPS_MAX):
            spot = self._spots.get(id(node))
            if spot is None:
                return value if isinstance(node, dict) and type(node.get("$ref")) is str else node
            node = self._nodes[spot]
        return value

    def inlined(self, value: Json) -> Json:
        """The value with its references written out. For nodes of the document, and those of the resolved one."""
        return self._build(value) if id(value) in self._jumps else self._built.get(id(value), value)

    def locate(self, path: Path) -> tuple[str, Path, Path]:
        """Where a path of the resolved document was written: file, path there, and what of it is missing there."""
        return self._way(path)[:3]

    def locate_all(self, path: Path, *, everywhere: bool) -> list[tuple[str, Path, Path]]:
        """As `locate`, for a result that Spectral says at every place from which it gets there.

        Behind a reference it loses its way at the first key that a URI cannot hold. `everywhere`: it looks at the
        target itself as well, and not only from where it is referred to.
        """
        file, at, missing, referred = self._way(path)
        if not (referred or everywhere):
            return [(file, at, missing)]
        strange = next((n for n, step in enumerate(at) if isinstance(step, str) and _ENCODED.search(step)), None)
        if strange is None:
            return [(file, at, missing)]
        if everywhere and not referred:
            referred = any(at[:size] in self._used for size in range(1, len(at) + 1))
        places = [(file, at, missing)] if everywhere or not referred else []
        return [*places, (file, at[:strange], (*at[strange:], *missing))] if referred else places

    def _way(self, path: Path) -> tuple[str, Path, Path, bool]:
        """As `locate`, and whether a reference is on the way."""
        file, node, jumped = self.file, self.data, False
        at: Path = ()
        missing: Path = ()
        for number, step in enumerate(path):
            if jumped and id(node) in self._lost:
                return self._given_up(file, path)
            if jumped and id(node) in self._nowhere:
                return *self._nowhere[id(node)], path[number:], True
            entered = not jumped
            while (jump := self._jumps.get(id(node))) is not None:
                (file, at), node, jumped = jump, self._nodes[jump], True
            found = _child(node, step)
            if found is None:
                # Right behind the first reference Spectral forgets what is missing.
                missing = () if entered and jumped else path[number:]
                break
            at, node = (*at, found[0]), found[1]
        else:
            while (jump := self._jumps.get(id(node))) is not None and (jumped or len(node) == 1):
                (file, at), node, jumped = jump, self._nodes[jump], True
        if jumped and id(node) in self._lost:
            return self._given_up(file, path)
        nowhere = self._nowhere.get(id(node))
        if nowhere and (jumped or len(node) == 1):
            (file, at), jumped = nowhere, True
        return file, at, missing, jumped

    def _given_up(self, file: str, path: Path) -> tuple[str, Path, Path, bool]:
        """Where Spectral ends on a way through a reference to a file that is not there: at the first reference on it,
        or wherever the same path leads in the file that it was in by then.
        """
        _, node = self._targets.find(file, "#")
        at: Path = ()
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            at, node = (*at, found[0]), found[1]
        return file, at, path[len(at) :], False

    def _blame(self, references: list[_Reference]) -> None:
        """Move what dangles to where Spectral says it: at the reference from which a chain leads there."""
        if not self.dangling:
            return
        before: dict[Spot, Spot] = {}
        for reference in references:
            before.setdefault(reference.target, reference.spot)
        for number, each in enumerate(self.dangling):
            file, path = each.file, each.path
            while each.here and (file, path) in before:  # what dangles is on no circle, so this ends
                file, path = before[file, path]
            self.dangling[number] = replace(each, file=file, path=path)

    def _collect(self) -> list[_Reference]:
        """Every reference that can be reached, with its target. Containers that hold one are dirty."""
        found: list[_Reference] = []
        waiting: list[tuple[Spot, Json]] = [((self.file, ()), self.data)]
        crawled: set[Spot] = set()
        seen: set[int] = set()
        while waiting:
            (file, start), root = waiting.pop()
            if (file, start) in crawled:
                continue
            crawled.add((file, start))
            for trail, value in _references(root):
                if id(value) in seen:
                    continue
                seen.add(id(value))
                path = (*start, *(key for _, key in trail))
                try:
                    target, node = self._targets.find(file, value["$ref"])
                except Unreachable as error:
                    here = value["$ref"].startswith("#")
                    self.dangling.append(Dangling(file, path, str(error), here))
                    if error.nearest is not None:
                        self._nowhere[id(value)] = error.nearest
                    elif not here:
                        self._lost.add(id(value))
                    continue
                if target[0] == self.file and (file != self.file or path[: len(target[1])] != target[1]):
                    self._used.add(target[1])
                self._dirty.update(id(each) for each, _ in trail)
                found.append(_Reference((file, path), value, target))
                self._spots[id(value)] = target
                self._nodes[target] = node
                if target[0] != self.file:
                    waiting.append((target, node))
        return found

    def _decide(self, references: list[_Reference]) -> list[Spot]:
        """Tell the references that can be written out (`_jumps`); targets in the order to build them."""
        edges: dict[Spot, list[Spot]] = {spot: [] for spot in self._nodes}
        sizes = sorted({len(path) for _, path in edges})
        for reference in references:
            file, path = reference.spot
            for size in sizes:
                if size <= len(path) and (spot := (file, path[:size])) in edges:
                    reference.holders.append(spot)
                    edges[spot].append(reference.target)
        component, order = components(edges)
        for reference in references:
            own = component[reference.target]
            for holder in reference.holders:
                if component[holder] == own:
                    break
            else:
                self._jumps[id(reference.value)] = reference.target
        return order

    def _build(self, root: Json) -> Json:
        """A node with its references written out. What they lead to was built before."""
        jumps, dirty, built = self._jumps, self._dirty, self._built
        root = self._landed(root)
        work = [self._begun(root)] if self._waits(root) else []
        while work:
            copy, items = work[-1]
            for key, value in items:
                kind = type(value)
                if kind is not dict and kind is not list:
                    continue
                child = self._landed(value) if id(value) in jumps else value
                begins = id(child) in dirty and id(child) not in built
                if begins:
                    work.append(self._begun(child))
                copy[key] = built.get(id(child), child)
                if begins:
                    break
            else:
                work.pop()
        return built.get(id(root), root)

    def _waits(self, node: Json) -> bool:
        """Whether something below a node refers, and it was not built yet."""
        return id(node) in self._dirty and id(node) not in self._built

    def _begun(self, node: Json) -> tuple[Json, Iterator[tuple[str | int, Any]]]:
        copy = self._built[id(node)] = node.copy()
        return copy, hops(node)

    def _landed(self, node: Json) -> Json:
        """What a chain of references ends at. Each reference on it then knows the end."""
        trail: list[Json] = []
        while (jump := self._jumps.get(id(node))) is not None:
            trail.append(node)
            node = self._landings.get(id(node), self._nodes[jump])
        for each in trail:
            self._landings[id(each)] = node
        return node


def components(edges: dict[Spot, list[Spot]]) -> tuple[dict[Spot, int], list[Spot]]:
    """Strongly connected components (Tarjan, without recursion): the number of each node's, and nodes so ordered that
    what one leads to comes before it.
    """
    number: dict[Spot, int] = {}
    low: dict[Spot, int] = {}
    component: dict[Spot, int] = {}
    order: list[Spot] = []
    open_: list[Spot] = []
    for root, first in edges.items():
        if root in number:
            continue
        work: list[tuple[Spot, Iterator[Spot]]] = [(root, iter(first))]
        number[root] = low[root] = len(number)
        open_.append(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    open_.append(target)
                    work.append((target, iter(edges[target])))
                    break
                if target not in component:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    while True:
                        member = open_.pop()
                        component[member] = number[node]
                        order.append(member)
                        if member == node:
                            break
    return component, order


def _references(root: Json) -> Iterator[tuple[list[tuple[Json, str | int]], dict[str, Any]]]:
    """Each `$ref` below a node, with the containers and keys on the way to it. Nothing beside a `$ref` is looked at."""
    if isinstance(root, dict) and type(root.get("$ref")) is str:
        yield [], root
        return
    if not isinstance(root, dict | list):
        return
    trail: list[tuple[Json, str | int]] = []
    stack = [hops(root)]
    nodes: list[Json] = [root]
    while stack:
        for key, child in stack[-1]:
            kind = type(child)
            if kind is dict and type(child.get("$ref")) is str:
                yield [*trail, (nodes[-1], key)], child
            elif child and (kind is dict or kind is list):
                trail.append((nodes[-1], key))
                nodes.append(child)
                stack.append(hops(child))
                break
        else:
            stack.pop()
            nodes.pop()
            if trail:
                trail.pop()


def _child(node: Json, step: str | int) -> tuple[str | int, Json] | None:
    """One step down with its key as the document has it, or None where there is none."""
    if isinstance(node, dict):
        key = step if step in node else str(step)
        return (key, node[key]) if key in node else None
    if isinstance(node, list):
        at = int(step) if isinstance(step, int) or step.isdecimal() else -1
        return (at, node[at]) if 0 <= at < len(node) else None
    return None
