"""Which draft of JSON Schema a document is written in."""

from __future__ import annotations

import re
from typing import Any

from treadle.contract.dialect import Family, dialect_of
from treadle.contract.place import Json

DRAFTS = ("4", "6", "7", "2019-09", "2020-12")
LATEST = "2020-12"
_KNOWN = re.compile(r"https?://json-schema\.org/(?:draft-0[467]|draft/20(?:19-09|20-12))/(?:hyper-)?schema#?\Z")
_ADDRESSES = {
    "4": "http://json-schema.org/draft-04/schema#",
    "6": "http://json-schema.org/draft-06/schema#",
    "7": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}


def draft_of(document: Json) -> str:
    """The draft by `$schema`; the latest where none is said, or one that nobody published."""
    said = dialect_of(document)
    found = said.version if said is not None and said.family is Family.JSON_SCHEMA else ""
    return found if found in DRAFTS else LATEST


def is_known(address: Json) -> bool:
    """Whether a `$schema` is the address of a published draft."""
    return isinstance(address, str) and _KNOWN.match(address) is not None


def compiled(schema: Json, draft: str) -> Any:
    """A validator of a draft that fetches nothing. Raises ValueError for a schema that does not compile."""
    import jsonschema_rs

    from treadle.contract.schema import PATTERNS, refuse_retrieval

    make = getattr(jsonschema_rs, f"Draft{draft.replace('-', '')}Validator")
    return make(schema, pattern_options=PATTERNS, retriever=refuse_retrieval)


def metaschema(draft: str) -> Any:
    """What judges schemas of a draft."""
    return compiled({"$ref": _ADDRESSES[draft]}, draft)
