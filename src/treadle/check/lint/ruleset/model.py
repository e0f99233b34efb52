"""What a ruleset says, after everything that it extends was merged into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from treadle.check.lint.result import Level
from treadle.contract.place import Place


@dataclass(frozen=True, slots=True)
class Target:
    """One meaning of an alias, for documents of any of these formats (None: of any format at all)."""

    formats: frozenset[str] | None
    given: tuple[str, ...]


Aliases = Mapping[str, tuple[Target, ...]]


@dataclass(frozen=True, slots=True)
class Then:
    """A function, its options, and the field of the chosen value that it looks at (None: the value itself)."""

    function: str
    place: Place
    options: Mapping[str, Any] = field(default_factory=dict)
    field: str | None = None
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Pointer:
    """A severity (None: off) for what lies at or below a JSON pointer in files that match a glob."""

    glob: str
    pointer: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `level` None is `off`; `formats` None is any; `aliases` are those of the ruleset that says `given`.

    `owner` names the ruleset that defines the rule. `extra` is what it says of itself under `x-` keys.
    """

    name: str
    place: Place
    owner: str
    given: tuple[str, ...]
    then: tuple[Then, ...]
    level: Level | None = Level.WARN
    enabled: bool = True
    recommended: bool = True
    resolved: bool = True
    formats: frozenset[str] | None = None
    message: str | None = None
    description: str | None = None
    url: str | None = None
    aliases: Aliases = field(default_factory=dict)
    pointers: tuple[Pointer, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParserOptions:
    """How badly a duplicate key and a key that is no string count; None is not at all."""

    duplicate_keys: Level | None = Level.ERROR
    incompatible_values: Level | None = Level.ERROR


@dataclass(frozen=True, slots=True)
class Change:
    """What one entry of `rules` says: the fields of `Rule` that it gives; `whole` if they are enough for a new rule."""

    fields: Mapping[str, Any]
    whole: bool = False

    def applied(self, base: Rule | None) -> Rule | None:
        """The rule changed, or a new one; None where there is neither."""
        if base is None:
            return Rule(**self.fields) if self.whole else None
        kept = {key: value for key, value in self.fields.items() if key not in ("name", "owner")}
        if self.whole:
            kept |= {"enabled": True, "extra": {**base.extra, **kept["extra"]}}
        return replace(base, **kept)


@dataclass(frozen=True, slots=True)
class Override:
    """What differs in files of which one of `globs` matches the path from `folder`, the ruleset's own.

    `extended` are rules that come in for these files, `changes` what is said of any rule there. `pointers` are
    severities below JSON pointers, by the name of the rule; these have globs of their own. `extra` is what it says of
    itself under `x-` keys.
    """

    folder: str
    globs: tuple[str, ...]
    changes: Mapping[str, Change] = field(default_factory=dict)
    extended: Mapping[str, Rule] = field(default_factory=dict)
    pointers: Mapping[str, tuple[Pointer, ...]] = field(default_factory=dict)
    formats: frozenset[str] = frozenset()
    parser_options: ParserOptions | None = None
    place: Place = Place("")  # noqa: RUF009 - frozen
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """`rules` by name, off ones included; `formats` are all that some rule is for."""

    name: str
    rules: Mapping[str, Rule]
    formats: frozenset[str] = frozenset()
    overrides: tuple[Override, ...] = ()
    parser_options: ParserOptions = field(default_factory=ParserOptions)
