"""Keywords that no draft has, or another draft than the document's.

Options: `check`, `unknown` or `draft`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.jsonschema.draft import draft_of
from treadle.check.lint.functions.jsonschema.keywords_of import ANY, KEYWORDS, drafts_with
from treadle.check.lint.functions.jsonschema.walk import subschemas
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """The value is a whole document."""
    kind = options.get("check", "unknown")
    if kind not in ("unknown", "draft"):
        raise BadOptions("`check` must be `unknown` or `draft`")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        draft = draft_of(value)
        known = KEYWORDS[draft]
        for path, schema in subschemas(value):
            for key in schema:
                if key in known or key.startswith("x-") or (key in ANY) != (kind == "draft"):
                    continue
                yield Complaint(_says(key, draft, known, kind), (*context.path, *path, key))

    return check


def _says(key: str, draft: str, known: frozenset[str], kind: str) -> str:
    if kind == "draft":
        return f"`{key}` means nothing in draft {draft}; it is of {', '.join(drafts_with(key))}"
    near = nearest(key, known)
    return f"`{key}` is no keyword" + (f"; did you mean `{near}`?" if near else "")
