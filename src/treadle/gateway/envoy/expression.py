"""Expressions over text, and how they read in the linear engine where the text stands in an address or a header.

An expression says which decoded texts fit. In an address each character may be written as itself or escaped (RFC 3986
section 2.1), so one character becomes a choice of its ways of being written: `l` and `%6C`, and nothing slips by that
an upstream would decode to the same. There is no complement: what an expression takes too much (any character beyond
ASCII, where a class means some of them) it only lets pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

_HEX = "0123456789ABCDEF"
_BEYOND_ESCAPED = "%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3}"
_BEYOND_RAW = "[^\\x00-\\x7f]"
_BEYOND_SIZE = 24
_TIMES = {(0, None): "*", (1, None): "+", (0, 1): "?"}
_VISIBLE = frozenset(range(0x21, 0x7F))


class Setting(Enum):
    """Where a text stands: which characters may be written as they are, and whether others are escaped."""

    PATH = (_VISIBLE - set(b"%/?#"), True)
    QUERY = (_VISIBLE - set(b"%&+#"), True)
    HEADER = (_VISIBLE | {0x09, 0x20}, False)

    @property
    def raw(self) -> frozenset[int]:
        """The codes of ASCII that are written as themselves."""
        return self.value[0]

    @property
    def escapes(self) -> bool:
        """Whether `%41` means `A`."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character: of these codes of ASCII, or any `beyond` it."""

    ascii: frozenset[int]
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; of nothing: the empty text."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of them."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """As often as `low` to `high` times, `high` being None for no bound."""

    part: Expression
    low: int
    high: int | None


Expression = Chars | Sequence | Choice | Repeat
ANY = Chars(frozenset(range(128)), beyond=True)
DIGIT = Chars(frozenset(b"0123456789"))


def text(value: str) -> Expression:
    """Exactly this text. A character beyond ASCII is taken for any other such."""
    return Sequence(tuple(Chars(frozenset({ord(c)})) if c < "\x80" else Chars(frozenset(), True) for c in value))


def takes_nothing(expression: Expression) -> bool:
    """Whether the empty text fits."""
    match expression:
        case Chars():
            return False
        case Sequence(parts):
            return all(map(takes_nothing, parts))
        case Choice(parts):
            return any(map(takes_nothing, parts))
        case Repeat(part, low, _):
            return low == 0 or takes_nothing(part)


def size(expression: Expression) -> int:
    """About how many instructions the engine needs for it in an address; never far too few."""
    match expression:
        case Chars(ascii, beyond):
            return 4 + 5 * len(_ranges(sorted(ascii))) + (_BEYOND_SIZE if beyond else 0)
        case Sequence(parts) | Choice(parts):
            return sum(map(size, parts)) + len(parts)
        case Repeat(part, low, high):
            return (size(part) + 1) * max(low + 1 if high is None else high, 1)


def render(expression: Expression, setting: Setting) -> str:
    """The expression in RE2's words. It is one unit: what follows it applies to the whole."""
    match expression:
        case Chars():
            return _one(expression, setting)
        case Sequence((part,)) | Choice((part,)) | Repeat(part, 1, 1):
            return render(part, setting)
        case Sequence(parts):
            return f"(?:{''.join(render(each, setting) for each in parts)})"
        case Choice(parts):
            return f"(?:{'|'.join(render(each, setting) for each in parts)})"
        case Repeat(_, _, 0):
            return "(?:)"
        case Repeat(part, low, high):
            times = _TIMES.get((low, high)) or f"{{{low},{'' if high is None else high}}}"
            inner = render(part, setting)
            # A repetition of a repetition is no expression; everything else is one piece already.
            return f"(?:{inner}){times}" if _repeats(part) else f"{inner}{times}"


def _repeats(expression: Expression) -> bool:
    """Whether what is written for it ends in a repetition, and not in a group or a set."""
    match expression:
        case Sequence((part,)) | Choice((part,)) | Repeat(part, 1, 1):
            return _repeats(part)
        case Repeat():
            return True
    return False


def _one(chars: Chars, setting: Setting) -> str:
    ways = []
    raw = sorted(chars.ascii & setting.raw)
    if setting is Setting.QUERY and 0x20 in chars.ascii:
        raw.append(ord("+"))  # as forms write a space
    if raw:
        ways.append(_set(_ranges(sorted(raw))))
    if setting.escapes:
        if chars.ascii:
            ways.extend(f"%{each}" for each in _escapes(sorted(chars.ascii)))
        if chars.beyond:
            ways.append(_BEYOND_ESCAPED)
    elif chars.beyond:
        ways.append(_BEYOND_RAW)
    # Of no way to write it: what never fits.
    return f"(?:{'|'.join(ways)})" if ways else r"[^\s\S]"


def _escapes(codes: list[int]) -> Iterator[str]:
    """`[46][1-9A-Fa-f]`: the two digits of each code; those with the same second digits together."""
    firsts: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for high in sorted({code >> 4 for code in codes}):
        firsts[tuple(code & 15 for code in codes if code >> 4 == high)].append(high)
    for lows, highs in firsts.items():
        digits = [(ord(_HEX[low]), ord(_HEX[top])) for low, top in _by_kind(_ranges(list(lows)))]
        lower = [(first + 32, last + 32) for first, last in digits if first >= ord("A")]
        yield f"{_set(_ranges([ord(_HEX[high]) for high in highs]))}{_set([*digits, *lower])}"


def _by_kind(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """A range of hexadecimal digits in two where it holds numerals and letters."""
    for low, top in ranges:
        if low < 10 <= top:
            yield low, 9
            yield 10, top
        else:
            yield low, top


def _ranges(codes: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def _set(ranges: list[tuple[int, int]]) -> str:
    inner = "".join(_range(*each) for each in ranges)
    return inner if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else f"[{inner}]"


def _range(low: int, top: int) -> str:
    def plain(code: int) -> str:
        character = chr(code)
        return character if character.isalnum() else f"\\x{code:02x}"

    return plain(low) if low == top else f"{plain(low)}-{plain(top)}"
