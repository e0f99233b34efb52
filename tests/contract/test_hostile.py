"""Hostile documents, small ones: readers end with a document or with findings, and what follows lives with both."""

import pytest
from tests.soak.hostile import HOSTILE

from treadle.contract.bundle import bundle
from treadle.contract.library import Library
from treadle.contract.parse import InvalidDocument, parse, parse_tolerant
from treadle.contract.problems import Problems
from treadle.contract.ranges import range_of
from treadle.contract.yaml_text import write_yaml


@pytest.mark.parametrize("name", HOSTILE)
def test_reading_ends_with_a_document_or_with_findings(name):
    file, make, size, _ = HOSTILE[name]
    data = make(size)
    document, findings = parse_tolerant(file, data)
    assert document is not None or findings
    for finding in findings:
        assert finding.place.line >= 1
        assert finding.place.column >= 1
        assert str(finding).isprintable()
    if findings:
        with pytest.raises(InvalidDocument):
            parse(file, data)
    if document is None:
        return
    if isinstance(document.data, dict):
        for key in list(document.data)[-100:]:
            begins, ends = range_of(document, (key,))
            assert begins <= ends
    problems = Problems()
    whole = bundle(file, Library({file: data}, tolerant=True), problems)
    assert problems.fatal or whole == document.data or name.startswith("reference-to-")
    assert parse("x.yaml", write_yaml(document.data).encode()).data == document.data
