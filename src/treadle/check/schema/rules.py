"""What a dialect makes of a schema: which keywords count, and what stands beside `$ref`.

Sources: JSON Schema drafts 4 to 2020-12, each Core section 8 and Validation section 6; OpenAPI 3.0.4 section 4.7.24
(`nullable`, "any sibling elements of a $ref are ignored"); OpenAPI 3.1.1 section 4.8.24; AsyncAPI 3.0 (draft 07).
"""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.dialect import Dialect, Family

_DRAFTS = ("4", "5", "6", "7", "2019-09", "2020-12")
_SINCE = {
    "const": "6", "contains": "6", "propertyNames": "6",
    "if": "7", "then": "7", "else": "7", "contentMediaType": "7", "contentEncoding": "7",
    "minContains": "2019-09", "maxContains": "2019-09", "dependentRequired": "2019-09", "dependentSchemas": "2019-09",
    "unevaluatedItems": "2019-09", "unevaluatedProperties": "2019-09", "contentSchema": "2019-09",
    "prefixItems": "2020-12", "$dynamicRef": "2020-12",
}  # fmt: skip
_UNTIL = {"additionalItems": "2019-09", "$recursiveRef": "2019-09"}
"""`dependencies` is left out: validators of later drafts still heed it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the schemas of one document are read.

    `draft` is the draft of JSON Schema; `lenient` counts every keyword that any draft has, as tools do that read
    OpenAPI and AsyncAPI; `nullable` counts OpenAPI 3.0's keyword; `siblings` counts what stands beside `$ref`.
    """

    draft: str = "2020-12"
    lenient: bool = False
    nullable: bool = False
    siblings: bool = True

    def counts(self, keyword: str) -> bool:
        """Whether a keyword says anything in this dialect."""
        if self.lenient:
            return True
        at = _DRAFTS.index(self.draft)
        since, until = _SINCE.get(keyword), _UNTIL.get(keyword)
        return (since is None or at >= _DRAFTS.index(since)) and (until is None or at <= _DRAFTS.index(until))


def rules_of(dialect: Dialect | None) -> Rules:
    """The rules of a dialect; those of 2020-12 where it is unknown."""
    if dialect is None:
        return Rules()
    match dialect.family:
        case Family.SWAGGER:
            return Rules("4", lenient=True, nullable=True, siblings=False)
        case Family.OPENAPI:
            old = dialect.minor == "3.0"
            return Rules("4" if old else "2020-12", lenient=True, nullable=old, siblings=not old)
        case Family.ASYNCAPI:
            return Rules("7", lenient=True, siblings=False)
        case Family.JSON_SCHEMA:
            draft = dialect.version if dialect.version in _DRAFTS else "2020-12"
            return Rules(draft, siblings=draft in {"2019-09", "2020-12"})
