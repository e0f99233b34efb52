"""What the schema of an author has against a value of the author's, as complaints."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.lint.ajv_results import complaints
from treadle.check.lint.context import Complaint, Path
from treadle.check.lint.functions.oas.author_schemas import AuthorSchemas, Flaw, Use
from treadle.check.lint.functions.oas.first_failure import first_failure
from treadle.check.lint.missing import MISSING
from treadle.contract.place import Json

MODERN = frozenset({"oas3.1", "oas3.2"})
"""The formats whose schemas are those of JSON Schema 2020-12."""


def judged(schemas: AuthorSchemas, schema: Json, use: Use, value: Json, path: Path) -> Iterator[Complaint]:
    """Complaints about `value`, which stands at `path`. A schema that is none is one complaint; a loose one is none."""
    if value is MISSING:
        yield Complaint("there is no value", path)
        return
    flaw = schemas.flaw(schema, use)
    if flaw is Flaw.LOOSE:
        return
    if flaw is not None:
        yield Complaint(f"nothing can be judged by the schema: {flaw.value}", path)
        return
    try:
        errors = schemas.errors(schema, value, use)
    except ValueError as error:  # nests too deeply, or does not compile
        yield Complaint(f"this cannot be judged: {error}", path)
        return
    if errors:
        yield from complaints(first_failure(errors, value, schemas.body), path)
