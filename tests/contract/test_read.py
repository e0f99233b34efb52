"""The model that comes out of a whole contract, and readers that no document upsets."""

import copy
import datetime as dt

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.base.canon import digest
from treadle.check.conflicts import conflicts
from treadle.check.diff import compare
from treadle.check.run import check_contract
from treadle.contract.model import Enforcement, Enforcements, Kind, Limit, Place, Slo
from treadle.contract.read import read_contract

API = "domains/sales/orders.v1.openapi.yaml"
EVENT = "domains/sales/order.v1.asyncapi.yaml"
API_TEXT = b"""\
openapi: 3.1.0
info:
  title: Orders
  version: 1.2.0
  x-treadle: {domain: sales, classification: confidential, slo: {success: 0.995, p95_ms: 400}, enforcement: warn}
security: [{oauth: [orders:read]}]
paths:
  /v1/orders:
    parameters: [{name: trace, in: query, schema: {type: string}}]
    get:
      operationId: listOrders
      summary: List
      responses:
        "200": {description: ok, content: {application/json; charset=utf-8: {schema: {type: array}}}}
        default: {$ref: '#/components/responses/Error'}
    post:
      operationId: createOrder
      deprecated: true
      security: [{oauth: [orders:read, orders:write]}]
      x-treadle: {timeout_ms: 500, limits: {requests: 5, per_s: 2}, cost_weight: 3, audit: full}
      parameters: [{name: Idempotency-Key, in: header, required: true}, {name: trace, in: query, required: true}]
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {"201": {description: made}}
  /v1/public:
    get: {operationId: look, security: [], responses: {}}
components:
  responses:
    Error: {description: no, content: {application/json: {schema: {type: object}}}}
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: 'https://x', scopes: {orders:read: R, orders:write: W}}}
"""
EVENT_TEXT = b"""\
asyncapi: 3.0.0
info: {title: Orders, version: 1.0.1, x-treadle: {owner: sales-team, lifecycle: draft}}
channels:
  created:
    address: sales.order.created.v1
    summary: An order was created
    x-treadle:
      {partitions: 4, partition_key: /orderId, retention_days: 3, compaction: true, dlq: {days: 9}, replay: {days: 2},
      durability: replicated, enforcement: observe}
    messages: {OrderCreated: {$ref: '#/components/messages/OrderCreated'}}
operations:
  publish: {action: send, channel: {$ref: '#/channels/created'}}
components:
  messages:
    OrderCreated:
      payload:
        type: object
        properties:
          orderId: {type: string}
          buyer: {type: object, properties: {id: {type: string, x-treadle: {subject: true}}}}
          email: {type: string, x-treadle: {personal: pii, subject: /buyer/id}}
"""


def test_an_api_contract():
    contract, findings = read_contract(API, {API: API_TEXT})
    assert findings == ()
    assert (contract.id, contract.kind, contract.version) == ("sales.orders.v1", Kind.OPENAPI, "1.2.0")
    assert (contract.owner, contract.classification) == ("", "confidential")
    assert contract.enforcement == Enforcements.all(Enforcement.WARN)
    assert contract.slo == Slo(0.995, 400)
    assert contract.digest == digest(API_TEXT)
    assert contract.stamp == f"sales.orders.v1@1.2.0#{digest(API_TEXT)[7:19]}"
    assert contract.sources == {API: API_TEXT}
    listing, create, public = contract.operations
    assert (listing.id, listing.method, listing.path, listing.summary) == ("listOrders", "GET", "/v1/orders", "List")
    assert listing.place == Place(API, 10, 5)
    assert (listing.public, listing.scopes, listing.timeout_ms) == (False, ("orders:read",), 2000)
    assert listing.responses == {"200": {"type": "array"}, "default": {"type": "object"}}
    assert listing.error_statuses == ("default",)
    assert [(each.name, each.where, each.required) for each in listing.parameters] == [("trace", "query", False)]
    assert create.scopes == ("orders:read", "orders:write")
    assert (create.idempotency_key, create.deprecated, create.request_required) == (True, True, True)
    assert (create.timeout_ms, create.limit, create.cost_weight, create.audit) == (500, Limit(5, 2), 3, "full")
    assert create.request == {"type": "object"}
    assert create.responses == {"201": None}
    assert {each.name: each.required for each in create.parameters} == {"trace": True, "Idempotency-Key": True}
    assert (public.public, public.scopes) == (True, ())
    assert contract.at("/info/version") == Place(API, 4, 3)
    assert contract.at("/info/nothing/below") == Place(API, 2, 1)


def test_an_event_contract():
    contract, findings = read_contract(EVENT, {EVENT: EVENT_TEXT})
    assert findings == ()
    assert (contract.id, contract.owner, contract.lifecycle) == ("sales.order.v1", "sales-team", "draft")
    assert contract.classification == "internal"
    (channel,) = contract.channels
    assert (channel.name, channel.message, channel.place) == (
        "sales.order.created.v1",
        "OrderCreated",
        Place(EVENT, 4, 3),
    )
    assert (channel.partitions, channel.partition_key, channel.retention_days) == (4, "/orderId", 3)
    assert (channel.compaction, channel.dlq_days, channel.replay_days) == (True, 9, 2)
    assert (channel.durability, channel.enforcement) == ("replicated", Enforcement.OBSERVE)
    assert channel.subject_pointer == "/buyer/id"
    assert contract.at(channel.payload_pointer).line == 16


def test_json_and_yaml_are_the_same_contract():
    from treadle.contract.parse import parse

    file = API.replace(".yaml", ".json")
    text = orjson.dumps(parse(API, API_TEXT).data)
    as_json, findings = read_contract(file, {file: text})
    as_yaml, _ = read_contract(API, {API: API_TEXT})
    assert findings == ()
    assert as_json.id == as_yaml.id
    assert [each.responses for each in as_json.operations] == [each.responses for each in as_yaml.operations]


def test_a_loose_file_is_read_by_what_it_says():
    contract, findings = read_contract("Stripe API.yaml", {"Stripe API.yaml": API_TEXT})
    assert findings == ()
    assert contract.id == "sales.stripe-api.v1"


def test_the_digest_covers_every_file_and_no_place():
    def read(folder, money):
        file = f"{folder}/orders.v1.openapi.yaml"
        text = b"openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {}\n"
        text += b"components: {schemas: {A: {$ref: 'm.yaml#/M'}}}\n"
        contract, findings = read_contract(
            file, {file: text, f"{folder}/m.yaml": money, f"{folder}/other.yaml": b"a: 1"}
        )
        assert findings == ()
        assert set(contract.sources) == {file, f"{folder}/m.yaml"}
        return contract.digest

    assert read("domains/sales", b"M: {type: number}") == read("elsewhere/sales", b"M: {type: number}")
    assert read("domains/sales", b"M: {type: number}") != read("domains/sales", b"M: {type: number} ")


def nodes(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from nodes(child, (*path, key))


def swapped(data, path, value):
    result = copy.deepcopy(data)
    if not path:
        return value
    node = result
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return result


ODD = st.sampled_from(
    [None, True, 0, -1, 2.5, "", "x", "/a", [], [None], {}, {"": None}, {"$ref": "#"}, {"$ref": 3}, {"a": []}]
)


@settings(max_examples=400)
@given(st.data())
def test_no_document_upsets_the_reader(data):
    from treadle.contract.parse import parse

    file, text = data.draw(st.sampled_from([(API, API_TEXT), (EVENT, EVENT_TEXT)]))
    document = parse(file, text).data
    for _ in range(data.draw(st.integers(1, 3))):
        document = swapped(document, data.draw(st.sampled_from(list(nodes(document)))), data.draw(ODD))
    name = file.replace(".yaml", ".json")
    contract, findings = read_contract(name, {name: orjson.dumps(document)})
    assert (contract is None) == any(each.severity == "invalid" for each in findings)
    if contract is not None:
        findings += check_contract(contract) + conflicts([contract])
        original, _ = read_contract(file, {file: text})
        findings += compare(original, contract, dt.date(2026, 1, 1))
    assert all(each.place.file == name and each.place.line == 1 and each.place.column >= 1 for each in findings)
