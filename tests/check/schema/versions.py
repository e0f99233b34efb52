"""Two documents as the two versions of one schema."""

import json

from treadle.check.schema.compare import Sides, compare_schemas
from treadle.check.schema.edit import Flow
from treadle.check.schema.judge import Policy
from treadle.check.schema.source import Source
from treadle.contract.dialect import Dialect, Family
from treadle.contract.library import Library, References
from treadle.contract.problems import Problems

FILE = "schema.json"
DIALECT = Dialect(Family.JSON_SCHEMA, "2020-12")


def source(document, dialect=DIALECT, more=None):
    files = {FILE: json.dumps(document).encode()} | {
        name: json.dumps(each).encode() for name, each in (more or {}).items()
    }
    return Source(References(Library(files), Problems()), dialect)


class Versions:
    """Both versions, and the schemas at `path` in them."""

    def __init__(self, old, new, policy=Policy.STRICT, dialect=DIALECT, path=()):
        self.sides = Sides(source(old, dialect), source(new, dialect), policy)
        self.old, self.new = (
            each.references.library.root(FILE).child(*path) for each in (self.sides.old, self.sides.new)
        )

    def edits(self, flow=Flow.BOTH):
        return list(compare_schemas(self.sides, self.old, self.new, flow))

    def within(self):
        old, new = self.sides.old.part((self.old,)), self.sides.new.part((self.new,))
        return self.sides.prover.within(old, new)
