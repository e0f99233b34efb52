"""References resolved: self-contained, bounded, and traceable to where things were written."""

import orjson
import pytest

from treadle.contract.model import Place
from treadle.contract.read import read_contract
from treadle.contract.refs import Origins
from treadle.contract.schema import InvalidSchema, validator

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\n"
FILE = "domains/sales/orders.v1.openapi.yaml"


def read(text, **others):
    files = {
        FILE: (HEAD + text).encode(),
        **{f"domains/sales/{name}.yaml": each.encode() for name, each in others.items()},
    }
    return read_contract(FILE, files)


PATHS = """\
paths:
  /v1/orders:
    get:
      operationId: a
      responses:
        "200": {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
"""


def answer(text, **others):
    """The schema of the one response, and the contract."""
    contract, findings = read(PATHS + text, **others)
    assert contract, findings
    return contract.operations[0].responses["200"], contract


def test_references_are_inlined():
    schema, _ = answer(
        "components: {schemas: {A: {properties: {b: {$ref: '#/components/schemas/B'}}}, B: {type: string}}}"
    )
    assert schema == {"properties": {"b": {"type": "string"}}}


def test_words_beside_a_reference_win_and_rules_are_added():
    schema, _ = answer(
        "components: {schemas: {A: {properties: {"
        "b: {$ref: '#/components/schemas/B', description: mine}, "
        "c: {$ref: '#/components/schemas/B', minLength: 3}}}, B: {type: string, description: theirs}}}"
    )
    assert schema["properties"]["b"] == {"type": "string", "description": "mine"}
    assert schema["properties"]["c"] == {"minLength": 3, "allOf": [{"type": "string", "description": "theirs"}]}


def test_data_that_looks_like_a_reference_is_data():
    schema, _ = answer("components: {schemas: {A: {const: {$ref: nowhere}, properties: {$ref: {type: string}}}}}")
    assert schema == {"const": {"$ref": "nowhere"}, "properties": {"$ref": {"type": "string"}}}


def test_recursion_stays_a_reference_into_definitions():
    schema, _ = answer(
        "components: {schemas: {A: {type: object, properties: {b: {$ref: '#/components/schemas/B'}}},"
        " B: {properties: {a: {$ref: '#/components/schemas/A'}, n: {type: integer}}}}}"
    )
    assert set(schema["$defs"]) == {"A", "B"}
    check = validator(schema)
    assert check.is_valid({"b": {"a": {"b": {"n": 1}}}})
    assert not check.is_valid({"b": {"a": {"b": {"n": "x"}}}})


def test_a_reference_into_another_file_is_relative_to_that_file():
    schema, contract = answer(
        "components: {schemas: {A: {$ref: 'money.yaml#/Money'}}}",
        money="Money: {properties: {currency: {$ref: '#/Currency'}}}\n"
        "Currency: {type: string, pattern: '^[A-Z]{3}$'}\n",
    )
    assert schema == {"properties": {"currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}}
    assert set(contract.sources) == {FILE, "domains/sales/money.yaml"}


def test_percent_and_tilde_escapes():
    schema, _ = answer(
        "components: {schemas: {A: {$ref: '#/components/schemas/B~1c%20d/properties/e%7E0'},"
        " B/c d: {properties: {e~: {type: string}}}}}"
    )
    assert schema == {"type": "string"}


def components(**schemas):
    """Flow-style schemas under their names."""
    return "components:\n  schemas:\n" + "".join(f"    {name}: {schema}\n" for name, schema in schemas.items())


def to(name):
    return f"{{$ref: '#/components/schemas/{name}'}}"


def test_doubling_references_do_not_double_the_result():
    twice = {f"S{n}": f"{{properties: {{a: {to(f'S{n + 1}')}, b: {to(f'S{n + 1}')}}}}}" for n in range(40)}
    schema, _ = answer(components(A=to("S0"), **twice, S40="{type: string}"))
    assert len(orjson.dumps(schema)) < 200_000
    instance = "x"
    for _ in range(40):
        instance = {"a": instance}
    assert validator(schema).is_valid(instance)


def test_a_long_chain_of_references_is_no_recursion():
    chain = {f"S{n}": f"{{properties: {{a: {to(f'S{n + 1}')}}}}}" for n in range(3000)}
    schema, _ = answer(components(A=to("S0"), **chain, S3000="{type: string}"))
    assert validator(schema).is_valid({"a": {"a": {}}})


def test_too_many_definitions_are_refused():
    wide = {f"S{n}": f"{{properties: {{me: {to(f'S{n}')}}}}}" for n in range(4001)}
    body = "{properties: {" + ", ".join(f"p{n}: {to(f'S{n}')}" for n in range(4001)) + "}}"
    contract, findings = read("paths: {}\n" + components(A=body, **wide))
    assert contract is None
    assert {each.rule for each in findings} == {"budget-definitions"}


def test_origins_lead_back_through_references_and_files():
    _, contract = answer(
        "components:\n  schemas:\n    A:\n      properties:\n        b: {$ref: 'money.yaml#/Money'}\n",
        money="Money:\n  properties:\n    amount: {type: number}\n",
    )
    at = "/paths/~1v1~1orders/get/responses/200/content/application~1json/schema"
    place = Origins.of(contract).place(FILE, at, ("properties", "b", "properties", "amount"))
    assert place == Place("domains/sales/money.yaml", 3, 5)
    assert Origins.of(contract).place(FILE, at, ("properties", "gone")) == Place(FILE, 12, 7)


@pytest.mark.parametrize(
    "schema", [{"pattern": "(?=a)"}, {"pattern": r"(a)\1"}, {"$ref": "https://example.com/x"}, {"type": 3}]
)
def test_schemas_that_need_more_than_we_give_do_not_compile(schema):
    with pytest.raises(InvalidSchema):
        validator(schema)
