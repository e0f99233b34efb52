"""A bundle says what its files said: what they resolve to is the same, and nothing leads out of it."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contract.bundle import bundle
from treadle.contract.library import Library, References
from treadle.contract.problems import Problems
from treadle.contract.yaml_text import write_yaml


def bundled(files, file="root.yaml"):
    library = Library({name: text.encode() for name, text in files.items()}, tolerant=True)
    problems = Problems()
    return bundle(file, library, problems), [each.rule for each in problems.all()]


def expand(library, node, fuel=5, hops=0):
    """What a node means, every reference written out, to a certain depth."""
    if fuel == 0 or hops > 12:
        return ...
    value = node.value
    if node.reference is not None:
        target = References(library, Problems()).target(node, node.reference)
        meant = expand(library, target, fuel, hops + 1) if target else "nothing"
        beside = {key: expand(library, node.child(key), fuel - 1) for key in value if key != "$ref"}
        return {"beside": beside, "meant": meant} if beside else meant
    if isinstance(value, dict):
        return {key: expand(library, node.child(key), fuel - 1) for key in value}
    if isinstance(value, list):
        return [expand(library, node.child(at), fuel - 1) for at in range(len(value))]
    return value


def assert_same_meaning(files, data):
    before = Library({name: text.encode() for name, text in files.items()}, tolerant=True)
    after = Library({"root.yaml": orjson.dumps(data)})
    told, meant = expand(after, after.root("root.yaml")), expand(before, before.root("root.yaml"))
    for key in meant:
        if key not in ("components", "definitions", "$defs"):
            assert told[key] == meant[key]
    for section, entries in (meant.get("components") or {}).items():
        for name, entry in entries.items():
            assert told["components"][section][name] == entry


PETS = {
    "root.yaml": """\
openapi: 3.0.3
paths:
  /pets: {$ref: paths/pets.yaml}
  /more: {$ref: paths/pets.yaml}
components:
  schemas:
    Pet: {$ref: ./schemas/pet.yaml}
    Tag: {type: string}
""",
    "paths/pets.yaml": """\
parameters:
- $ref: ../common.yaml#/parameters/limit
get:
  responses:
    '200':
      description: ok
      headers: {X-Rate: {$ref: ../common.yaml#/headers/rate}}
      content:
        application/json:
          schema: {type: array, items: {$ref: ../schemas/pet.yaml}}
          example: {$ref: no/reference.yaml}
    default: {$ref: '../common.yaml#/responses/Problem'}
  x-more: {$ref: ../common.yaml#/x-more}
""",
    "common.yaml": """\
parameters:
  limit: {name: limit, in: query, schema: {$ref: '#/schemas/Tag'}}
headers:
  rate: {schema: {type: integer}}
responses:
  Problem:
    description: bad
    content: {application/json: {schema: {$ref: 'schemas/tag.json#/definitions/a~1b'}}}
schemas:
  Tag: {type: integer, description: another}
x-more: {a: [1]}
""",
    "schemas/pet.yaml": """\
$id: https://example.com/pet
type: object
properties:
  tag: {$ref: '../root.yaml#/components/schemas/Tag'}
  parent: {$ref: pet.yaml, description: kept}
  friends: {type: array, items: {$ref: '#'}}
  owner: {$ref: 'tag.json#/definitions/owner'}
discriminator:
  propertyName: kind
  mapping: {dog: './tag.json#/definitions/owner', cat: Cat}
""",
    "schemas/tag.json": """\
{"definitions": {"a/b": {"type": "object", "properties": {"owner": {"$ref": "#/definitions/owner"}}},
 "owner": {"type": "object", "properties": {"pets": {"$ref": "pet.yaml"}}}}}
""",
}


def test_an_api_of_many_files():
    data, problems = bundled(PETS)
    assert problems == []
    assert data["paths"]["/pets"]["parameters"] == [{"$ref": "#/components/parameters/limit"}]
    assert data["paths"]["/more"] == {"$ref": "#/paths/~1pets"}
    get = data["paths"]["/pets"]["get"]
    assert get["x-more"] == {"a": [1]}
    media = get["responses"]["200"]["content"]["application/json"]
    assert media == {
        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
        "example": {"$ref": "no/reference.yaml"},
    }
    schemas = data["components"]["schemas"]
    assert list(schemas) == ["Pet", "Tag", "owner", "Tag_2", "a_b"]
    assert schemas["Pet"] == {
        "type": "object",
        "properties": {
            "tag": {"$ref": "#/components/schemas/Tag"},
            "parent": {"$ref": "#/components/schemas/Pet", "description": "kept"},
            "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
            "owner": {"$ref": "#/components/schemas/owner"},
        },
        "discriminator": {
            "propertyName": "kind", "mapping": {"dog": "#/components/schemas/owner", "cat": "Cat"},
        },
    }  # fmt: skip
    assert schemas["Tag_2"] == {"type": "integer", "description": "another"}
    assert data["components"]["responses"]["Problem"]["description"] == "bad"
    again, problems = bundled({"root.yaml": write_yaml(data)})
    assert (again, problems) == (data, [])


def test_what_is_whole_comes_out_as_it_is():
    library = Library({"root.yaml": b"openapi: 3.1.0\ncomponents: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n"})
    assert bundle("root.yaml", library, Problems()) is library.document("root.yaml").data


def test_path_items_have_a_section_from_3_1_on_unless_they_stand_in_paths():
    files = {
        "root.yaml": "openapi: 3.1.0\npaths:\n  /a: {$ref: items.yaml#/a}\n"
        "components: {callbacks: {c: {'{$request.body#/url}': {$ref: items.yaml#/b}}}}\n",
        "items.yaml": "a: {get: {}}\nb: {post: {}}\n",
    }
    data, _ = bundled(files)
    assert data["paths"]["/a"] == {"get": {}}
    assert data["components"]["pathItems"] == {"b": {"post": {}}}


def test_swagger_has_its_own_sections():
    files = {
        "root.yaml": "swagger: '2.0'\npaths:\n  /a:\n    get:\n      parameters: [{$ref: c.yaml#/p}]\n"
        "      responses: {'200': {$ref: c.yaml#/r}}\n",
        "c.yaml": "p: {name: a, in: body, schema: {$ref: '#/s'}}\nr: {description: ok, schema: {$ref: '#/s'}}\n"
        "s: {items: {$ref: '#/s'}}\n",
    }
    data, _ = bundled(files)
    assert data["definitions"] == {"s": {"items": {"$ref": "#/definitions/s"}}}
    assert data["parameters"]["p"]["schema"] == data["responses"]["r"]["schema"] == {"$ref": "#/definitions/s"}


def test_channels_of_asyncapi_stand_where_operations_look_for_them():
    files = {
        "root.yaml": """\
asyncapi: 3.0.0
channels:
  orders: {$ref: channels.yaml#/orders}
operations:
  send:
    action: send
    channel: {$ref: '#/channels/orders'}
    messages: [{$ref: 'channels.yaml#/orders/messages/placed'}]
""",
        "channels.yaml": """\
orders:
  address: orders
  messages: {placed: {$ref: messages.yaml#/placed}}
""",
        "messages.yaml": "placed: {payload: {$ref: order.json}, traits: [{$ref: '#/trait'}]}\ntrait: {headers: {}}\n",
        "order.json": '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"next": {"$ref": "#"}}}',
    }
    data, problems = bundled(files)
    assert problems == []
    assert data["channels"]["orders"]["messages"]["placed"] == {"$ref": "#/components/messages/placed"}
    assert data["operations"]["send"]["messages"] == [{"$ref": "#/components/messages/placed"}]
    assert data["components"]["schemas"] == {"order": {"properties": {"next": {"$ref": "#/components/schemas/order"}}}}
    assert data["components"]["messageTraits"] == {"trait": {"headers": {}}}


@pytest.mark.parametrize(
    ("schema", "section"),
    [
        ("https://json-schema.org/draft/2020-12/schema", "$defs"),
        ("http://json-schema.org/draft-07/schema#", "definitions"),
    ],
)
def test_json_schema_keeps_definitions_where_its_draft_has_them(schema, section):
    files = {
        "root.yaml": f"$schema: {schema}\n"
        "properties: {a: {$ref: a.json}, é: {$ref: 'a.json#/properties/b%25'}}\n",
        "a.json": '{"properties": {"b%": {"items": {"$ref": "root.yaml"}}}}',
    }
    data, _ = bundled(files)
    assert data[section] == {"a": {"properties": {"b%": {"items": {"$ref": "#"}}}}}
    assert data["properties"]["é"] == {"$ref": f"#/{section}/a/properties/b%25"}


def test_beside_a_reference_without_a_section_both_count():
    files = {
        "root.yaml": "openapi: 3.0.0\npaths:\n  /a: {$ref: a.yaml, summary: mine, x: {$ref: a.yaml#/get}}\n",
        "a.yaml": "summary: theirs\nget: {responses: {}}\n",
    }
    data, _ = bundled(files)
    assert data["paths"]["/a"] == {"get": {"responses": {}}, "summary": "mine", "x": {"responses": {}}}


@pytest.mark.parametrize(
    ("ref", "rule"),
    [
        ("https://example.com/a.yaml", "remote-ref"),
        ("file:///etc/passwd", "remote-ref"),
        ("C:\\a.yaml", "remote-ref"),
        ("\\\\host\\a.yaml", "remote-ref"),
        ("//host/a.yaml", "remote-ref"),
        ("/etc/passwd", "ref-escapes"),
        ("../../etc/passwd", "ref-escapes"),
        ("%2e%2e/%2E%2e/etc/passwd", "ref-escapes"),
        ("a%2F..%2f..%2f..%2fetc/passwd", "ref-escapes"),
        ("none.yaml", "dangling-ref"),
        ("a\\b.yaml", "dangling-ref"),
        ("other.yaml#/b", "dangling-ref"),
        ("other.yaml#anchor", "dangling-ref"),
        ("loop.yaml", "ref-cycle"),
        ("broken.yaml", "yaml-broken"),
    ],
)
def test_what_cannot_be_moved_is_said_and_stays(ref, rule):
    files = {
        "root.yaml": f"openapi: 3.1.0\ncomponents: {{schemas: {{A: {{$ref: '{ref}'}}}}}}\n",
        "other.yaml": "a: 1\n",
        "loop.yaml": "$ref: loop2.yaml\n",
        "loop2.yaml": "$ref: loop.yaml\n",
        "broken.yaml": "a: [",
    }
    data, problems = bundled(files)
    assert problems == [rule]
    assert data["components"]["schemas"]["A"] == {"$ref": ref}


def test_a_long_chain_and_many_of_one_name_are_followed_once():
    size = 3_000
    chain = "".join(f"c{at}: {{$ref: '#/c{at + 1}'}}\n" for at in range(size)) + f"c{size}: {{type: string}}\n"
    named = "".join(f"n{at}: {{same: {{const: {at}}}}}\n" for at in range(size))
    entries = "".join(f"  c{at}: {{items: {{$ref: 'b.yaml#/c{at}'}}}}\n" for at in range(size))
    entries += "".join(f"  n{at}: {{items: {{$ref: 'b.yaml#/n{at}/same'}}}}\n" for at in range(size))
    data, problems = bundled({"root.yaml": f"swagger: '2.0'\ndefinitions:\n{entries}", "b.yaml": chain + named})
    assert problems == []
    assert {data["definitions"][f"c{at}"]["items"]["$ref"] for at in range(size)} == {f"#/definitions/c{size}"}
    assert data["definitions"][f"same_{size}"] == {"const": size - 1}


NAMES = ("a", "b", "A b/c~%")
FILES = ("one.yaml", "dir/two.yaml")


@st.composite
def references(draw, here):
    folder = "../" if here.startswith("dir/") else ""
    file = draw(st.sampled_from([*FILES, "root.yaml", ""]))
    start = "/components/schemas" if file == "root.yaml" or (not file and here == "root.yaml") else ""
    name = draw(st.sampled_from(NAMES)).replace("~", "~0").replace("/", "~1").replace("%", "%25").replace(" ", "%20")
    return {"$ref": f"{folder + file if file else ''}#{start}/{name}{draw(st.sampled_from(['', '/items']))}"}


def schemas(here):
    return st.recursive(
        st.sampled_from([{"type": "string"}, {"type": "integer"}]) | references(here),
        lambda inner: (
            st.fixed_dictionaries({"items": inner})
            | st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)})
            | st.fixed_dictionaries({"items": inner, "allOf": st.lists(inner, max_size=2), "x-own": inner})
        ),
        max_leaves=6,
    )


@given(*(st.fixed_dictionaries(dict.fromkeys(NAMES, schemas(file))) for file in ("root.yaml", *FILES)))
def test_a_bundle_means_what_its_files_meant(root, one, two):
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": root}}
    files = {"root.yaml": write_yaml(document), FILES[0]: write_yaml(one), FILES[1]: write_yaml(two)}
    data, problems = bundled(files)
    if not problems:
        assert '"$ref":"' not in orjson.dumps(data).decode().replace('"$ref":"#', "")
        assert_same_meaning(files, data)
