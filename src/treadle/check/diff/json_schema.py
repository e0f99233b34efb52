"""Two versions of a JSON Schema that stands by itself -> every change. There is data, written under either version."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.diff.change import Change, Side
from treadle.check.diff.edits import settled_edits
from treadle.check.diff.rules.payloads import DATA, payload_rule
from treadle.check.schema.compare import Sides
from treadle.check.schema.edit import Flow, Spot
from treadle.check.schema.judge import Policy
from treadle.check.schema.source import Source
from treadle.contract.dialect import Dialect, Family, dialect_of
from treadle.contract.library import References
from treadle.contract.problems import Problems


def diff_json_schema(old: Side, new: Side, policy: Policy = Policy.EVOLUTION) -> Iterator[Change]:
    """Every change; its path is the JSON pointer in the new schema. Data goes as a request does: written under the old
    version, and to be taken by the new one.
    """
    before, after = (side.library.root(side.file) for side in (old, new))
    sides = Sides(_source(old), _source(new), policy)
    whole = (Spot(old.file, ""), Spot(new.file, ""))
    for edit in settled_edits(sides, before, after, Flow.REQUEST):
        rule = payload_rule(DATA, edit)
        words = {**edit.words, "property": edit.property}
        was, now = edit.old if edit.old.file else whole[0], edit.new if edit.new.file else whole[1]
        yield Change(rule.id, rule.level, words, now.pointer, "", was, now, edit, Flow.REQUEST, whole)


def _source(side: Side) -> Source:
    dialect = dialect_of(side.library.root(side.file).value)
    return Source(References(side.library, Problems()), dialect or Dialect(Family.JSON_SCHEMA))
