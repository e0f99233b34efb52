"""An example, or a default, is valid by its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Path, Subject
from treadle.check.lint.functions.oas.author_schemas import AuthorSchemas, Use
from treadle.check.lint.functions.oas.judged import MODERN, judged
from treadle.check.lint.functions.oas.wanted import wanted_schemas
from treadle.check.lint.missing import MISSING
from treadle.contract.place import Json

_SCHEMA_FIELDS = {2: ("example", "x-example", "default"), 3: ("example", "default")}

_Examples = Iterator[tuple[Path, Json]]


def make(options: Mapping[str, Any]) -> Check:
    """Options: `oasVersion`, 2 or 3; `type`, `media` or `schema`; `schemaField`, where the schema is."""
    version, kind, field = options.get("oasVersion"), options.get("type"), options.get("schemaField")
    if version not in (2, 3) or kind not in ("media", "schema") or not isinstance(field, str):
        raise BadOptions("give `oasVersion` (2, 3), `type` (media, schema) and `schemaField`")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(value, dict):
            return
        schema = value if field == "$" else value.get(field)
        if not isinstance(schema, dict):
            return
        if version == 2 and isinstance(schema.get("required"), bool):
            schema = _kept_without_required(schema, context)
        schemas = _schemas(context)
        use = _use(context.path, version) if kind == "media" else Use.ANY
        found = _in_schema(value, version) if kind == "schema" else _in_media(value, version, context.subject)
        for path, example in found:
            yield from judged(schemas, schema, use, example, (*context.path, *path))

    return check


def _in_schema(value: dict[str, Json], version: int) -> _Examples:
    for field in _SCHEMA_FIELDS[version]:
        if field in value:
            yield (field,), value[field]


def _in_media(value: dict[str, Json], version: int, subject: Subject) -> _Examples:
    if version == 3 and "example" in value:
        yield ("example",), value["example"]
        return
    examples = subject.follow(value.get("examples"))
    named = (
        examples.items() if isinstance(examples, dict) else enumerate(examples) if isinstance(examples, list) else ()
    )
    for name, each in named:
        if version == 2:
            yield ("examples", name), each
            continue
        example = subject.follow(each)
        if isinstance(example, dict) and "externalValue" not in example:
            yield ("examples", name, "value"), example.get("value", MISSING)


def _use(path: Path, version: int) -> Use:
    """Whether a media type is of a request or a response, by where it stands."""
    if version == 2:
        responses = path[:1] == ("responses",) or (path[:1] == ("paths",) and path[3:4] == ("responses",))
        return Use.RESPONSE if responses else Use.ANY
    place = path[3:4] if path[:1] == ("paths",) else path[1:2] if path[:1] == ("components",) else ()
    if place == ("responses",):
        return Use.RESPONSE
    asks = place == (("requestBody",) if path[:1] == ("paths",) else ("requestBodies",))
    return Use.REQUEST if asks else Use.ANY


def _schemas(context: Context) -> AuthorSchemas:
    """The schemas of this document: made, and those that examples need compiled, when the first example comes by."""
    found: AuthorSchemas | None = context.kept.get(AuthorSchemas)
    if found is None:
        subject = context.subject
        found = context.kept[AuthorSchemas] = AuthorSchemas(subject, modern=bool(MODERN & subject.formats))
        found.prepare(wanted_schemas(subject))
    return found


def _kept_without_required(schema: dict[str, Json], context: Context) -> dict[str, Json]:
    """A parameter of Swagger 2.0 is its own schema, less that it is required. Made once: schemas go by identity."""
    made: dict[str, Json] | None = context.kept.get(("without-required", id(schema)))
    if made is None:
        made = {key: value for key, value in schema.items() if key != "required"}
        context.kept["without-required", id(schema)] = made
    return made
