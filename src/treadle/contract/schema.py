"""JSON Schema 2020-12 validators that fetch nothing and run every pattern in linear time."""

from __future__ import annotations

from typing import Any, NoReturn

import jsonschema_rs
from jsonschema_rs import RegexOptions, ValidationError, Validator

from treadle.contract.place import Json

__all__ = ["PATTERNS", "InvalidSchema", "ValidationError", "Validator", "refuse_retrieval", "validator"]

PATTERNS = RegexOptions(size_limit=1024 * 1024, dfa_size_limit=1024 * 1024)
"""The linear engine: no look-around, no back-reference, and a bounded program for each pattern."""


class InvalidSchema(Exception):  # noqa: N818 - the schema is invalid, the error is that
    """A schema does not compile. `path` leads to the part at fault."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        """Message: one sentence."""
        super().__init__(message)
        self.path = path


def refuse_retrieval(uri: str) -> NoReturn:
    """The retriever of every validator."""
    raise ValueError(f"{uri} is outside of the schema; nothing is fetched")


def validator(schema: Json, *, formats: bool = False) -> Validator:
    """Compile a self-contained schema. Formats are annotations (the 2020-12 default) unless asked for.

    Raises `InvalidSchema`.
    """
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, validate_formats=formats, retriever=refuse_retrieval, pattern_options=PATTERNS
        )
    except ValidationError as error:
        raise InvalidSchema(_sentence(error), tuple(error.instance_path)) from None
    except ValueError as error:
        raise InvalidSchema(str(error).splitlines()[0]) from None


def _sentence(error: ValidationError) -> str:
    kind: Any = error.kind
    if kind.name == "format" and kind.value == "regex":
        limits = "no look-around, no back-reference, bounded size"
        return f"pattern `{error.instance}` does not run on the linear engine ({limits})"
    return error.message.splitlines()[0][:200]
