"""Compiles the tree of a filter into one Python function of where the walk stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from treadle.check.lint.missing import MISSING
from treadle.check.lint.path import values
from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.methods import METHODS, STATICS, property_of
from treadle.check.lint.path.script import Tree, parse_script
from treadle.check.lint.regex import BadPattern, regex

WHOLE_WAY = 1_000
"""How far above itself a filter looks that reads `@path`."""
HINT = "see `docs/rulesets.md` for what a filter may say; anything else needs a function"


class Fails(Exception):  # noqa: N818 - JavaScript would throw here, and a filter that throws selects nothing
    """A filter reads a member of nothing, or calls what is no function."""


@dataclass(slots=True)
class Standing:
    """Where a filter is asked: `value` stands at the end of `path`; `chain` are the root and the values on the way,
    down to the parent of `value`. Reused from node to node.
    """

    value: Any = None
    property: str | int = ""
    path: list[str | int] = field(default_factory=list)
    chain: list[Any] = field(default_factory=list)


Eval = Callable[[Standing], Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """`test` answers for one child. `above` is how many levels above that child it looks (0: at most its own key).

    `keys` are members of which one must be there, and `names` keys of which the child's must be one: both are None
    where nothing is known, and only spare asking `test`.
    """

    source: str
    test: Callable[[Standing], bool]
    above: int
    keys: frozenset[str] | None = None
    names: frozenset[str] | None = None


def compile_filter(text: str, at: int = 0, *, plus: bool = False) -> Filter:
    """Compile the text between the parentheses. `plus`: as JSONPath-Plus runs it, where `@parent` is the parent.

    Raises `BadPath`.
    """
    tree = parse_script(text, at)
    compiler = _Compiler(plus=plus)
    run = compiler.compiled(tree)

    def test(standing: Standing) -> bool:
        try:
            return values.truthy(run(standing))
        except Fails:
            return False

    names = _names(tree)
    return Filter(text, test, compiler.above, _keys(tree), names)


class _Compiler:
    def __init__(self, *, plus: bool) -> None:
        self.plus = plus
        self.above = 0

    def compiled(self, tree: Tree) -> Eval:
        return getattr(self, f"_{tree[0]}")(*tree[1:])  # type: ignore[no-any-return]

    def _lit(self, value: Any) -> Eval:
        return lambda _: value

    def _regex(self, pattern: str, flags: str, at: int) -> Eval:
        try:
            compiled = regex(pattern, flags)
        except BadPattern as error:
            raise BadPath(f"`/{pattern}/{flags}`: {error}", at) from None
        return lambda _: compiled

    def _name(self, word: str, at: int) -> Eval:
        if word == "@":
            return lambda standing: standing.value
        if word == "@property":
            return lambda standing: standing.property
        if word in ("@root", "$"):
            return lambda standing: standing.chain[0]
        if word == "@parent":
            self.above = max(self.above, 1)
            up = 1 if self.plus else 2
            return lambda standing: standing.chain[-up] if len(standing.chain) >= up else MISSING
        if word == "@parentProperty":
            self.above = max(self.above, 1)
            return lambda standing: standing.path[-2] if len(standing.path) > 1 else MISSING
        if word == "@path":
            self.above = WHOLE_WAY
            return lambda standing: (
                "$" + "".join(f"['{step}']" if isinstance(step, str) else f"[{step}]" for step in standing.path)
            )
        if word == "undefined":
            return lambda _: MISSING
        if word.startswith("@") and word in _SHORTHANDS:
            return _SHORTHANDS[word]
        raise BadPath(f"`{word}` means nothing in a filter", at, HINT)

    def _list(self, items: tuple[Tree, ...]) -> Eval:
        runs = [self.compiled(each) for each in items]
        return lambda standing: [run(standing) for run in runs]

    def _member(self, base: Tree, name: Tree, optional: bool, at: int) -> Eval:
        if name == ("lit", "name") and base[0] == "member" and base[2] == ("lit", "constructor"):
            inner = self.compiled(base[1])
            return lambda standing: _constructor(inner(standing))
        if base[0] == "call" and base[1][0] == "member" and base[1][2] == ("lit", "match"):
            raise BadPath("what `match` captures cannot be read in a filter", at, "ask whether it matches, and no more")
        run, key = self.compiled(base), self.compiled(name)

        def member(standing: Standing) -> Any:
            value = run(standing)
            if value is None or value is MISSING:
                if optional:
                    return MISSING
                raise Fails
            return property_of(value, key(standing))

        return member

    def _call(self, callee: Tree, arguments: tuple[Tree, ...], optional: bool, at: int) -> Eval:
        if callee[0] == "name" and callee[1] in _SHORTHANDS and not arguments:
            return _SHORTHANDS[callee[1]]
        if callee[0] != "member" or callee[2][0] != "lit":
            self._refuse_call(callee, at)
        name = str(callee[2][1])
        runs = [self.compiled(each) for each in arguments]
        if callee[1][0] == "name" and (static := STATICS.get(f"{callee[1][1]}.{name}")):
            return lambda standing: static(*[run(standing) for run in runs])
        method = METHODS.get(name)
        if method is None:
            self._refuse_call(callee, at)
        run = self.compiled(callee[1])
        lenient = optional or callee[3]

        def call(standing: Standing) -> Any:
            value = run(standing)
            if value is None or value is MISSING:
                if lenient:
                    return MISSING
                raise Fails
            if callee[1] == ("name", "@property", callee[1][-1]):
                value = values.to_string(value)
            try:
                return method(value, *[each(standing) for each in runs])
            except (TypeError, AttributeError, ValueError):
                raise Fails from None

        return call

    def _refuse_call(self, callee: Tree, at: int) -> NoReturn:
        said = callee[2][1] if callee[0] == "member" and callee[2][0] == "lit" else "this"
        raise BadPath(f"`{said}(…)` cannot be called in a filter", at, HINT)

    def _unary(self, operator: str, operand: Tree) -> Eval:
        run = self.compiled(operand)
        if operator == "!":
            return lambda standing: not values.truthy(run(standing))
        if operator == "void":
            return lambda _: MISSING
        if operator == "typeof":
            return lambda standing: values.type_of(run(standing))
        sign = -1 if operator == "-" else 1
        return lambda standing: sign * values.to_number(run(standing))

    def _binary(self, operator: str, left: Tree, right: Tree) -> Eval:
        one, other = self.compiled(left), self.compiled(right)
        if operator in ("===", "!=="):
            wanted = operator == "==="
            return lambda standing: values.identical(one(standing), other(standing)) is wanted
        if operator in ("==", "!="):
            wanted = operator == "=="
            return lambda standing: values.equal(one(standing), other(standing)) is wanted
        if operator == "in":
            return lambda standing: _within(one(standing), other(standing))
        if operator == "~=":
            return lambda standing: METHODS["match"](values.to_string(one(standing)), other(standing)) is not None
        if operator in ("<", "<=", ">", ">="):
            return lambda standing: values.compare(operator, one(standing), other(standing))
        return lambda standing: values.arithmetic(operator, one(standing), other(standing))

    def _logic(self, operator: str, left: Tree, right: Tree) -> Eval:
        one, other = self.compiled(left), self.compiled(right)
        if operator == "&&":
            return lambda standing: other(standing) if values.truthy(value := one(standing)) else value
        if operator == "||":
            return lambda standing: value if values.truthy(value := one(standing)) else other(standing)
        return lambda standing: other(standing) if (value := one(standing)) is None or value is MISSING else value

    def _cond(self, test: Tree, yes: Tree, no: Tree) -> Eval:
        asked, one, other = self.compiled(test), self.compiled(yes), self.compiled(no)
        return lambda standing: one(standing) if values.truthy(asked(standing)) else other(standing)


def _constructor(value: Any) -> str:
    if value is None or value is MISSING:
        raise Fails
    if isinstance(value, list):
        return "Array"
    return {"object": "Object", "string": "String", "number": "Number", "boolean": "Boolean"}[values.type_of(value)]


def _within(one: Any, other: Any) -> bool:
    if not isinstance(other, list):
        raise Fails
    return any(values.identical(one, each) for each in other)


def _is(kind: str) -> Eval:
    return lambda standing: values.type_of(standing.value) == kind


_SHORTHANDS: dict[str, Eval] = {
    "@string": _is("string"),
    "@number": _is("number"),
    "@boolean": _is("boolean"),
    "@null": lambda standing: standing.value is None,
    "@array": lambda standing: isinstance(standing.value, list),
    "@object": lambda standing: isinstance(standing.value, dict | list),
    "@scalar": lambda standing: not isinstance(standing.value, dict | list),
    "@integer": lambda standing: (
        isinstance(standing.value, int | float)
        and not isinstance(standing.value, bool)
        and float(standing.value).is_integer()
    ),
}


def _keys(tree: Tree) -> frozenset[str] | None:
    """Members of which at least one must be there for the filter to hold; None where that cannot be told."""
    kind = tree[0]
    if kind == "logic" and tree[1] in ("&&", "||"):
        one, other = _keys(tree[2]), _keys(tree[3])
        if tree[1] == "||":
            return one | other if one is not None and other is not None else None
        return min((each for each in (one, other) if each is not None), key=len, default=None)
    if kind == "binary" and tree[1] in ("===", "==", "!==", "!=", "<", ">", "<=", ">="):
        return _compared(*tree[1:])
    if kind == "call" and tree[1][0] == "member":
        return _read(tree[1][1])
    return _read(tree)


def _compared(operator: str, left: Tree, right: Tree) -> frozenset[str] | None:
    if right[0] == "member":
        left, right = right, left
    absent = right in (("unary", "void", ("lit", 0)), ("lit", None)) or right[:2] == ("name", "undefined")
    loose_only = right == ("lit", None) and operator == "!=="
    holds_for_missing = absent is not operator.startswith("!") or loose_only
    if left[0] == "member" and left[1][0] == "member":
        return _read(left)
    if right[0] not in ("lit", "unary", "name") or (holds_for_missing and (absent or operator.startswith("!"))):
        return None
    return _read(left)


def _read(tree: Tree) -> frozenset[str] | None:
    """The member of `@` that a chain of members starts with."""
    while tree[0] == "member" and tree[1][0] in ("member", "call"):
        tree = tree[1] if tree[1][0] == "member" else tree[1][1]
        if tree[0] == "member" and tree[3]:
            return None
    if tree[0] == "member" and tree[1][:2] == ("name", "@") and tree[2][0] == "lit" and not tree[3]:
        name = tree[2][1]
        return frozenset((name,)) if isinstance(name, str) and name not in ("length", *METHODS) else None
    return None


def _names(tree: Tree) -> frozenset[str] | None:
    """Keys of which the child's own must be one."""
    if tree[0] == "logic" and tree[1] in ("&&", "||"):
        one, other = _names(tree[2]), _names(tree[3])
        if tree[1] == "||":
            return one | other if one is not None and other is not None else None
        return one if one is not None else other
    if tree[0] == "binary" and tree[1] in ("===", "=="):
        for one, other in ((tree[2], tree[3]), (tree[3], tree[2])):
            if one[:2] == ("name", "@property") and other[0] == "lit" and isinstance(other[1], str):
                return frozenset((other[1],)) if not other[1].isdigit() else None
    return None
