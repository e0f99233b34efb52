"""Many paths as one machine: a state is the set of steps that wait at a node, a bit each.

Step `s` of expression `e` waits at the children of a node while its bit is in the mask of the node. The bit behind the
last step says that the expression has arrived. States are made when first met, and kept: which they are depends on the
paths alone, never on the keys of a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from treadle.check.lint.path.filter import WHOLE_WAY, Filter
from treadle.check.lint.path.parse import Expression, Step


@dataclass(slots=True)
class State:
    """What to do at the children of a node whose mask is `mask`.

    `other` is the mask of every child whatever its key, `by_name` that of the keys named by some path (`other`
    included). `filters`, by what spares asking them: `by_key` where the key must be one of these, `by_member` where
    the child must have one of these members, `always` otherwise; a filter adds its mask where it holds. `slices` are
    start, end, stride and mask. `arrived` are the expressions that end here. `alive` says whether children matter,
    `quiet` that nothing ends at a child of mask `other`, `unguarded` that a filter or slice is asked of every child.
    """

    mask: int
    other: int = 0
    by_name: dict[str, int] = field(default_factory=dict)
    by_key: dict[str, list[tuple[Filter, int]]] = field(default_factory=dict)
    by_member: list[tuple[frozenset[str], Filter, int]] = field(default_factory=list)
    members: frozenset[str] = frozenset()
    always: list[tuple[Filter, int]] = field(default_factory=list)
    slices: list[tuple[int, int | None, int, int]] = field(default_factory=list)
    arrived: tuple[int, ...] = ()
    alive: bool = False
    quiet: bool = False
    unguarded: bool = False


class Automaton:
    """Built once from the expressions; `start` is the mask of the root."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.expressions = tuple(expressions)
        self.states: dict[int, State] = {}
        self._steps: list[Step | None] = []
        self._owner: list[int] = []
        self.start = 0
        self._ends = 0
        self.sticky = 0
        self.near = 0
        self.levels = 1
        for number, expression in enumerate(self.expressions):
            first = len(self._steps)
            self.start |= (3 if expression.itself else 1) << first
            self._steps += [*expression.steps, None]
            self._ends |= 1 << (len(self._steps) - 1)
            self._owner += [number] * (len(expression.steps) + 1)
            self._remember(expression, first)

    def _remember(self, expression: Expression, first: int) -> None:
        """Note the steps that, waiting at a node, make what comes of it depend on the way by which it was reached.

        Such a step is `sticky`. One that waits at every depth below is `near` if it cannot see that way any more from
        `levels` further down.
        """
        last = len(expression.steps)
        for at, step in enumerate((*expression.steps, None)):
            above = max((up for ahead, up in enumerate(_above(expression)[at:]) if ahead < up), default=0)
            emits = step is None and (expression.keyed or expression.rest is not None)
            if not (emits or last - at < expression.parents or above):
                continue
            self.sticky |= 1 << (first + at)
            if step is not None and step.deep and above < WHOLE_WAY:
                self.near |= 1 << (first + at)
                self.levels = max(self.levels, above, expression.parents)

    def state(self, mask: int) -> State:
        """The state of a mask."""
        found = self.states.get(mask)
        if found is None:
            found = self.states[mask] = self._build(mask)
        return found

    def _build(self, mask: int) -> State:
        state = State(mask)
        arrived: list[int] = []
        named: dict[str, int] = {}
        left = mask
        while left:
            bit = left & -left
            left ^= bit
            at = bit.bit_length() - 1
            step = self._steps[at]
            if step is None:
                arrived.append(self._owner[at])
                continue
            state.alive = True
            if step.deep:
                state.other |= bit
            self._wait(state, named, step, bit << 1)
        state.arrived = tuple(arrived)
        state.by_name = {name: target | state.other for name, target in named.items()}
        state.members = frozenset().union(*[keys for keys, _, _ in state.by_member])
        state.quiet = not state.other & self._ends
        state.unguarded = bool(state.always or state.slices)
        return state

    @staticmethod
    def _wait(state: State, named: dict[str, int], step: Step, target: int) -> None:
        if step.names is not None:
            for name in step.names:
                named[name] = named.get(name, 0) | target
        elif step.slice is not None:
            state.slices.append((*step.slice, target))
        elif (asked := step.filter) is None:
            state.other |= target
        elif asked.names is not None:
            for name in asked.names:
                state.by_key.setdefault(name, []).append((asked, target))
        elif asked.keys is not None:
            state.by_member.append((asked.keys, asked, target))
        else:
            state.always.append((asked, target))


def _above(expression: Expression) -> list[int]:
    """How far above its child the filter of each step looks."""
    return [0 if step.filter is None else step.filter.above for step in expression.steps]
