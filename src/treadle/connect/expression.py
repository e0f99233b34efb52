"""JMESPath under a budget: compiled once, and never able to cost more than a bounded amount of work.

Expressions come from the workspace and records from foreign systems. A short expression can double its result at every
step (`[@,@]|[@,@]|…`), so the work of each evaluation is counted: one unit a node visited, and one for every value
that a list, an object or a function made. Sources: https://jmespath.org/specification.html; `jmespath.visitor`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, JMESPathTypeError, UnknownFunctionError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from treadle.base.errors import InputError, PolicyError
from treadle.base.nearest import nearest
from treadle.contract.model import Json

LENGTH_MAX = 2_000
"""Characters of one expression."""
WORK_MAX = 200_000
"""Units of work of one evaluation; about a fifth of a second."""

_MAKERS = frozenset(
    {
        "filter_projection",
        "flatten",
        "function_expression",
        "multi_select_dict",
        "multi_select_list",
        "projection",
        "slice",
        "value_projection",
    }
)
"""Nodes whose result may be larger than what they were given."""


class UnmappableError(PolicyError):
    """No event can be made of a record. The message never quotes a value of the record: it may be personal."""

    def __init__(self, message: str) -> None:
        super().__init__("unmappable", message, "mend the record in its system, or the map in the connector's file")


class Expression:
    """One JMESPath expression."""

    __slots__ = ("_tree", "text")

    def __init__(self, text: str) -> None:
        """Compile `text`. Raises InputError `bad-expression`."""
        self.text = text
        if len(text) > LENGTH_MAX:
            raise _bad(text, f"it has {len(text)} characters, at most {LENGTH_MAX} are allowed")
        try:
            tree = jmespath.compile(text).parsed
            _check_functions(tree)
        except JMESPathError as error:
            raise _bad(text, str(error).splitlines()[0]) from error
        except RecursionError as error:
            raise _bad(text, "it is nested too deeply") from error
        self._tree = tree

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, record: Json) -> Json:
        """The expression's value for a record; None where nothing matches. Raises UnmappableError."""
        try:
            return _Interpreter().visit(self._tree, record)
        except JMESPathTypeError as error:
            raise UnmappableError(
                f"'{self.text}': {error.function_name}() cannot take a {error.actual_type}"
            ) from error
        except ArityError as error:
            raise UnmappableError(
                f"'{self.text}': {error.function_name}() has the wrong number of arguments"
            ) from error
        except JMESPathError as error:
            raise UnmappableError(f"'{self.text}': {type(error).__name__}") from error
        except (RecursionError, TypeError, ValueError, OverflowError) as error:
            raise UnmappableError(f"'{self.text}' cannot be evaluated: {type(error).__name__}") from error

    def holds(self, record: Json) -> bool:
        """Whether the value counts as true in JMESPath: everything but null, false and what is empty."""
        value = self.evaluate(record)
        return not (value is None or value is False or value in ("", [], {}))


def moment(value: Json) -> datetime:
    """A point in time (UTC) from ISO 8601 text, where no offset means UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not ISO 8601 text")  # noqa: TRY004  - one error for every kind of bad value
    parsed = datetime.fromisoformat(value)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def rfc3339(at: datetime) -> str:
    """`2026-03-01T09:30:00.123456Z`, the one form in which treadle writes time into events and queries."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Own(Functions):
    """JMESPath's functions and ours. `jmespath` registers each method named `_func_<name>`."""

    @signature({"types": ["string"]})
    def _func_iso(self, text: str) -> str:
        try:
            return rfc3339(moment(text))
        except ValueError:
            raise UnmappableError("iso(): not a date and time") from None

    @signature({"types": ["string", "number"]})
    def _func_to_decimal(self, value: str | float) -> float | int:
        """A JSON number that means exactly what the text says; it refuses what a double cannot keep."""
        try:
            exact = Decimal(str(value).strip())
        except InvalidOperation:
            raise UnmappableError("to_decimal(): not a number") from None
        near = float(exact)
        if not math.isfinite(near) or Decimal(repr(near)) != exact:
            raise UnmappableError("to_decimal(): more digits than a JSON number keeps")
        return int(exact) if exact == exact.to_integral_value() and abs(exact) < 2**53 else near


_OPTIONS = Options(custom_functions=_Own())


class _Interpreter(TreeInterpreter):
    """One evaluation, and what it has cost so far."""

    def __init__(self) -> None:
        super().__init__(_OPTIONS)
        self._work = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._spend(1)
        value = super().visit(node, *args, **kwargs)
        if node["type"] in _MAKERS:
            self._weigh(value)
        return value

    def _weigh(self, value: Json) -> None:
        """Charge every value inside, counting shared ones as often as they would be written out."""
        todo = [value]
        while todo:
            each = todo.pop()
            self._spend(1)
            if isinstance(each, str):
                self._spend(len(each) // 64)
            elif isinstance(each, list):
                self._spend(len(each))
                todo.extend(each)
            elif isinstance(each, dict):
                self._spend(len(each))
                todo.extend(each.values())

    def _spend(self, units: int) -> None:
        self._work += units
        if self._work > WORK_MAX:
            raise UnmappableError("the expression costs too much for this record")


def _check_functions(tree: Any) -> None:
    """JMESPath finds an unknown function when it runs; we want to hear of it when the file is read."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if not isinstance(node, dict):
            continue
        name = node.get("value")
        if node.get("type") == "function_expression" and name not in _Own.FUNCTION_TABLE:
            guess = nearest(str(name), _Own.FUNCTION_TABLE)
            raise UnknownFunctionError(f"Unknown function: {name}()" + (f", did you mean {guess}()?" if guess else ""))
        todo.extend(node.get("children", ()))


def _bad(text: str, why: str) -> InputError:
    shown = text if len(text) <= 80 else text[:77] + "…"
    return InputError("bad-expression", f"'{shown}' is not a usable JMESPath expression: {why}", "see jmespath.org")
