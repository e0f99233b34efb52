"""YAML out is YAML in, for us and for a reader of YAML 1.1."""

import orjson
import yaml
from hypothesis import given
from hypothesis import strategies as st

from treadle.contract.parse import parse
from treadle.contract.yaml_text import write_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", "~", "no", "1e3", "0o14", "1_000", "12:30:45", "2024-01-01", "0x1F", ".5", "+1", "=", "<<", "- a", "a: b",
     "a #b", "? a", "&a", "*a", "!a", "%a", "@a", "`a", "|", "> a", "'", '"', "a\n", "\na", " a", "a ", "a\n b\n", "y",
     "...", "---", "--- a", "[a", "{a", ",a", "a\tb", "\x85", "\u2028", "\ufeff", "1.", "-.inf", "null", "3.1.0"]
)  # fmt: skip
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUE)
def test_what_is_written_is_read_back(value):
    text = write_yaml(value)
    assert orjson.dumps(parse("x.yaml", text.encode()).data) == orjson.dumps(value)


@given(VALUE)
def test_a_reader_of_yaml_1_1_reads_the_same(value):
    assert yaml.load(write_yaml(value), yaml.CSafeLoader) == value


def test_depth_is_no_matter():
    value = []
    for _ in range(5_000):
        value = [value]
    assert write_yaml(value).count("-") == 5_000


def test_it_reads_well():
    value = {
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.0", "description": "One line.\nAnother.\n"},
        "tags": [{"name": "on"}, {"name": "orders"}],
        "paths": {},
    }
    assert write_yaml(value) == (
        "openapi: 3.1.0\n"
        "info:\n  title: Orders\n  version: '1.0'\n  description: |\n    One line.\n    Another.\n"
        "tags:\n- name: 'on'\n- name: orders\n"
        "paths: {}\n"
    )
