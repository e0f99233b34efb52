"""One walk over a document for all paths at once.

A node that several references share is walked once for each step that waits at it. A step that looks back at the way by
which it came is walked again, but only so many levels as it can still see that way from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.check.lint.path.automaton import Automaton, State
from treadle.check.lint.path.filter import Standing
from treadle.check.lint.path.parse import Expression

Emit = Callable[[int, list[str | int], Any], None]
"""Called with the number of an expression, the path (valid during the call only), and the value or key."""

NODES_AGAIN_MAX = 20_000
"""Nodes that one walk may visit again for paths that look back at the whole way (`@path`)."""


class TooManyNodes(Exception):  # noqa: N818 - the nodes are too many, the error is that
    """There are more than `NODES_AGAIN_MAX` of them."""


@dataclass(slots=True)
class _Frame:
    """A container whose children are being walked. Steps in `fading` are left off when `levels` more were entered."""

    state: State
    items: Iterator[tuple[str | int, Any]]
    fading: int = 0
    levels: int = 0
    again: bool = False


def walk(root: Any, automaton: Automaton, emit: Emit, shared: Mapping[int, Any] | None = None) -> None:
    """Call `emit` for each node that an expression selects, in the order of the document.

    `shared` has, as keys, the `id` of every container that can be reached in more than one way.
    """
    _Walk(root, automaton, emit, shared or {}).run()


class _Walk:
    def __init__(self, root: Any, automaton: Automaton, emit: Emit, shared: Mapping[int, Any]) -> None:
        self.automaton = automaton
        self.emit = emit
        self.shared = shared
        self.root = root
        self.path: list[str | int] = []
        self.chain: list[Any] = []
        self.standing = Standing(root, "", self.path, self.chain)
        self.done: dict[int, int] = {}
        self.again = 0

    def run(self) -> None:
        """Depth first, without recursion: a document may be as deep as its references make it."""
        state = self.automaton.state(self.automaton.start)
        if state.arrived:
            self._arrive(state, self.root)
        if not state.alive or type(self.root) not in (dict, list):
            return
        path, chain, shared, states = self.path, self.chain, self.shared, self.automaton.states
        chain.append(self.root)
        stack = [_Frame(state, _items(self.root))]
        while stack:
            frame = stack[-1]
            state = frame.state
            by_name, other, quiet = state.by_name, state.other, state.quiet
            by_key, members, unguarded = state.by_key, state.members, state.unguarded
            for key, child in frame.items:
                kind = type(child)
                mask = by_name.get(key, other) if type(key) is str else by_name.get(str(key), other)
                if unguarded or key in by_key or (kind is dict and not members.isdisjoint(child)):
                    mask |= self._asked(state, key, child)
                inner = kind is dict or kind is list
                if not mask or (quiet and mask == other and not inner):
                    continue
                repeated = 0
                if inner and id(child) in shared:
                    mask, repeated = self._met(id(child), mask)
                    if not mask:
                        continue
                below = states.get(mask) or self.automaton.state(mask)
                path.append(key)
                if below.arrived:
                    self._arrive(below, child)
                if inner and below.alive and child:
                    chain.append(child)
                    plain = not (repeated or frame.again)
                    stack.append(_Frame(below, _items(child)) if plain else self._again(frame, below, child, repeated))
                    break
                path.pop()
            else:
                stack.pop()
                chain.pop()
                if path:
                    path.pop()

    def _met(self, node: int, mask: int) -> tuple[int, int]:
        """At a shared node: the steps to go on with, and those of them that were here before."""
        done = self.done.get(node, 0)
        self.done[node] = done | mask
        mask &= ~done | self.automaton.sticky
        return mask, mask & done

    def _again(self, frame: _Frame, state: State, node: Any, repeated: int) -> _Frame:
        """Enter a container that some step was in before, or that is below one."""
        fading, levels = frame.fading, frame.levels - 1
        self.again += len(node)
        if self.again > NODES_AGAIN_MAX:
            raise TooManyNodes
        if repeated & self.automaton.near:
            fading, levels = fading | repeated & self.automaton.near, self.automaton.levels
        elif fading and levels < 0 and state.mask & fading:
            state = self.automaton.state(state.mask & ~fading)
        return _Frame(state, _items(node), fading, levels, again=True)

    def _asked(self, state: State, key: str | int, child: Any) -> int:
        """The masks of the filters and slices that hold for a child."""
        mask = 0
        standing = self.standing
        standing.value, standing.property = child, key
        self.path.append(key)
        for asked, target in state.by_key.get(key, ()) if type(key) is str else ():
            if asked.test(standing):
                mask |= target
        if type(child) is dict and not state.members.isdisjoint(child):
            for keys, asked, target in state.by_member:
                if not keys.isdisjoint(child) and asked.test(standing):
                    mask |= target
        for asked, target in state.always:
            if asked.test(standing):
                mask |= target
        if type(key) is int and state.slices:
            size = len(self.chain[-1])
            for start, end, stride, target in state.slices:
                if key in range(size)[start:end:stride]:
                    mask |= target
        self.path.pop()
        return mask

    def _arrive(self, state: State, value: Any) -> None:
        for number in state.arrived:
            expression = self.automaton.expressions[number]
            if expression.itself and not isinstance(value, dict | list):
                continue
            up = expression.parents
            if not up and not expression.keyed and expression.rest is None:
                self.emit(number, self.path, value)
                continue
            if up > len(self.path):
                continue
            path = self.path[: len(self.path) - up]
            at = self.chain[-up] if up else value
            if expression.keyed:
                self.emit(number, path, path[-1] if path else None)
            elif expression.rest is None:
                self.emit(number, path, at)
            else:
                self._go_on(number, expression.rest, path, at)

    def _go_on(self, number: int, rest: Expression, path: list[str | int], value: Any) -> None:
        """Walk what follows a `^` from where it led to."""
        walk(value, Automaton((rest,)), lambda _, below, found: self.emit(number, path + below, found))


def _items(node: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(node.items()) if type(node) is dict else iter(enumerate(node))
