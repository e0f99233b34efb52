"""What the shipped rules say of themselves: read from the rulesets, for `treadle explain` and docs/rules.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from treadle.check.lint.ruleset.shipped import SHIPPED, shipped
from treadle.contract.extension import KEY
from treadle.contract.parse import parse

CONVENTIONS = ("treadle:contract", "treadle:api", "treadle:events")
_DEFAULT = "warn"


@dataclass(frozen=True, slots=True)
class Documented:
    """One rule of a shipped ruleset. `why`, `bad`, `good` and `fix` are empty where the ruleset does not say them.

    `bad` and `good` are fragments of a document in YAML: one that breaks the rule, and one that does not.
    """

    id: str
    ruleset: str
    severity: str
    description: str
    why: str = ""
    bad: str = ""
    good: str = ""
    fix: str = ""

    @property
    def text(self) -> str:
        """As `treadle explain` prints it."""
        parts = [self.description.strip()]
        if self.why:
            parts.append(f"Why: {self.why.strip()}")
        parts += [f"{title}:\n{_indented(text)}" for title, text in (("Bad", self.bad), ("Good", self.good)) if text]
        if self.fix:
            parts.append(f"Mend it: {self.fix.strip()}")
        return "\n\n".join([*parts, f"Rule of {self.ruleset}, severity {self.severity}."])


def documented(ruleset: str) -> Iterator[Documented]:
    """The rules of one shipped ruleset, in its order. Raises KeyError for an unknown name."""
    data = parse(SHIPPED[ruleset], shipped(ruleset)).data
    for id, rule in data["rules"].items():
        said = rule.get(KEY, {})
        texts = {key: said[key] for key in ("why", "bad", "good", "fix") if key in said}
        severity = str(rule.get("severity", _DEFAULT))
        yield Documented(id, ruleset, severity, str(rule.get("description", rule.get("message", id))), **texts)


def documentation() -> Mapping[str, str]:
    """The text of every rule of every shipped ruleset, by its id."""
    rules = (rule for ruleset in (*CONVENTIONS, *SHIPPED) for rule in documented(ruleset))
    texts: dict[str, str] = {}
    for rule in rules:
        texts.setdefault(rule.id, rule.text)
    return texts


def fixes() -> Mapping[str, str]:
    """How to mend what a rule of the conventions complains about, by its id."""
    return {rule.id: rule.fix.strip() for ruleset in CONVENTIONS for rule in documented(ruleset)}


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip("\n").splitlines())
