"""The rules for a query beside a parser that an upstream would use: whatever it would read there was checked.

The same expressions run in Envoy in test_checks; here they run in Python, on very many queries.
"""

import re
from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.conftest import route

from treadle.contract.schema import validator
from treadle.gateway.envoy.features.checks import FEATURE
from treadle.gateway.ir import ParameterRule

INTEGER = {"type": "integer", "minimum": 1, "maximum": 200}
CODE = {"type": "string", "pattern": "^[A-Z ]{2}$"}
RULES = (
    ParameterRule("limit", "query", required=False, schema=INTEGER),
    ParameterRule("f[c]", "query", required=True, schema=CODE),
)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)")
ONE = st.sampled_from(
    [*"limtfc[]xA=&+ 012-?%;/", "%00", "limit", "f[c]", "limit=", "f[c]=", "AB", "A+", "&limit=5", "&f[c]=AB"]
)
PIECES = st.lists(ONE, max_size=14)


def escaped(text, how):
    """Each character as it is, or escaped in upper or in lower case."""
    out = []
    for at, c in enumerate(text):
        way = how[at % len(how)] if how else 0
        plain = c in "&=+%;/?" or way == 0
        out.append(c if plain else f"%{ord(c):02X}" if way == 1 else f"%{ord(c):02x}")
    return "".join(out)


def fits(permission, path):
    """One permission of Envoy's RBAC, for this address."""
    match permission:
        case {"or_rules": {"rules": rules}}:
            return any(fits(each, path) for each in rules)
        case {"and_rules": {"rules": rules}}:
            return all(fits(each, path) for each in rules)
        case {"not_rule": rule}:
            return not fits(rule, path)
        case {"header": {"name": ":path", "string_match": {"safe_regex": {"regex": regex}}}}:
            return re.fullmatch(regex, path, re.ASCII) is not None
    raise AssertionError(permission)


def refused(path):
    rules = FEATURE.route(route("list", "GET", "/v1/items", checks=RULES))["typed_per_filter_config"]["checks"]
    policies = rules["rbac"]["rules"]["policies"]
    return {name for name, each in policies.items() if fits(each["permissions"][0], path)}


def wrong(path):
    """What a parser of forms finds, held against the schemas."""
    pairs = parse_qsl(path.partition("?")[2], keep_blank_values=True, max_num_fields=None, errors="replace")
    found = set()
    limits = [value for name, value in pairs if name == "limit"]
    codes = [value for name, value in pairs if name == "f[c]"]
    good = len(limits) == 1 and NUMBER.fullmatch(limits[0]) and validator(INTEGER).is_valid(int(limits[0]))
    if limits and not good:
        found.add("violates:query:limit")
    if len(codes) != 1 or not validator(CODE).is_valid(codes[0]):
        found.add("violates:query:f[c]")
    return found


@settings(max_examples=3_000, deadline=None)
@given(pieces=PIECES, how=st.lists(st.integers(0, 2), max_size=5))
def test_what_an_upstream_would_read_is_what_was_checked(pieces, how):
    path = "/v1/items?" + escaped("".join(pieces), how).replace(" ", "%20")
    assert refused(path) == wrong(path), path
