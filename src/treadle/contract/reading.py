"""What the two readers share: one contract's nodes, its problems, and the schemas met on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from treadle.contract.library import Library, Node, References
from treadle.contract.model import Json, Place
from treadle.contract.problems import Problems
from treadle.contract.refs import Origins, Schemas
from treadle.contract.schema import InvalidSchema, validator

_FAULTS_MAX = 20
"""A validator names one fault at a time; after so many, one mends and asks again."""


@dataclass(slots=True)
class Reading:
    """One contract while it is read. `resolved` holds every schema that was met, by its file and pointer."""

    library: Library
    problems: Problems
    references: References = field(init=False)
    schemas: Schemas = field(init=False)
    resolved: dict[tuple[str, str], tuple[Node, Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references = References(self.library, self.problems)
        self.schemas = Schemas(self.references)

    def place(self, node: Node) -> Place:
        """Where a node stands."""
        return self.library.place(node)

    def refuse(self, rule: str, node: Node, message: str, hint: str = "") -> None:
        """Note a problem at a node."""
        self.problems.add(rule, self.place(node), message, hint)

    def mapping(self, node: Node, *, required: bool = False) -> dict[str, Json]:
        """The mapping at a node; an empty one, with a problem, where something else stands there."""
        if isinstance(node.value, dict):
            return node.value
        name = node.pointer.rpartition("/")[2] or "the document"
        if node.value is not None:
            self.refuse("bad-value", node, f"`{name}` must be a mapping")
        elif required:
            self.refuse("missing-key", node, f"`{name}` is missing", f"add `{name}:`")
        return {}

    def text(self, node: Node, *, required: bool = False) -> str:
        """The text at a node; an empty one, with a problem, where something else stands there."""
        if isinstance(node.value, str) and (node.value or not required):
            return node.value
        name = node.pointer.rpartition("/")[2]
        if node.value is not None:
            hint = f'put it in quotes: "{node.value}"' if isinstance(node.value, int | float) else ""
            self.refuse("bad-value", node, f"`{name}` must be text", hint)
        elif required:
            self.refuse("missing-key", node, f"`{name}` is missing", f"add `{name}:`")
        return ""

    def schema(self, node: Node) -> Json:
        """The self-contained schema at a node, or None where none is given."""
        if node.value is None:
            return None
        if not isinstance(node.value, dict | bool):
            self.refuse("bad-value", node, "a schema must be a mapping, true or false")
            return None
        found = self.resolved.get(node.key)
        if found is None:
            found = self.resolved[node.key] = (node, self.schemas.resolve(node))
        return found[1]

    def compile_schemas(self) -> None:
        """Compile every schema that was met, all at once: what they share is compiled once."""
        if self.problems.fatal:
            return
        left = list(self.resolved.values())
        for _ in range(_FAULTS_MAX):
            definitions: dict[str, Json] = {}
            roots: list[Json] = []
            for _, schema in left:
                if isinstance(schema, dict):
                    definitions.update(schema.get("$defs", {}))
                    roots.append({key: value for key, value in schema.items() if key != "$defs"})
                else:
                    roots.append(schema)
            try:
                validator({"allOf": roots, "$defs": definitions} if roots else {})
            except InvalidSchema as error:
                left = self._blame(error, left)
                continue
            return

    def _blame(self, error: InvalidSchema, left: list[tuple[Node, Json]]) -> list[tuple[Node, Json]]:
        """Find the schema at fault, and give back the others."""
        path = error.path
        origins = Origins(self.library)
        if len(path) > 1 and path[0] == "allOf" and isinstance(path[1], int):
            node = left[path[1]][0]
            self._invalid(origins.place(node.file, node.pointer, path[2:]), str(error))
            return left[: path[1]] + left[path[1] + 1 :]
        if len(path) > 1 and path[0] == "$defs":
            file, pointer = self.schemas.source(str(path[1])) or left[0][0].key
            self._invalid(origins.place(file, pointer, path[2:]), str(error))
            return [each for each in left if not (isinstance(each[1], dict) and path[1] in each[1].get("$defs", {}))]
        for node, schema in left:
            try:
                validator(schema)
            except InvalidSchema as alone:
                self._invalid(origins.place(node.file, node.pointer, alone.path), str(alone))
        return []

    def _invalid(self, place: Place, message: str) -> None:
        self.problems.add(
            "bad-schema", place, message, "schemas are JSON Schema 2020-12; patterns run on a linear engine"
        )
