"""Answers that are not as the contract says are found from samples, told once a minute, and never delayed."""

import asyncio
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.gateway.conftest import EchoServer, route, until, world

from treadle.base.errors import InputError
from treadle.contract.model import Streaming
from treadle.contract.read import read_contract
from treadle.control.server import server
from treadle.facts.fact import FactKind, Outcome
from treadle.gateway.drift.journal import encode, encode_unseen, fact_of_drift
from treadle.gateway.drift.judge import FAULTS_MAX, Fault, Judge, Seen
from treadle.gateway.drift.process import BODY_MAX, WAITING_MAX, Drift
from treadle.gateway.drift.table import Answer, Answers, decode
from treadle.gateway.drift.table import encode as encode_table
from treadle.gateway.drift.tally import EVERY_US, KEPT_MAX, Tally

CUSTOMER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "age": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        "by": {"type": "object", "additionalProperties": {"type": "integer"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
    },
}
ANSWERS = Answers(
    "a.b.v1/get",
    "a.b.v1@1.0.0#0123456789ab",
    "a",
    "GET",
    {
        "200": Answer({"application/json": CUSTOMER}, ("ETag",)),
        "204": Answer({"application/json": CUSTOMER}),
        "4XX": Answer({"application/problem+json": {"type": "object"}, "text/*": None}),
        "503": Answer({}),
    },
)
SECRET = "ada@example.org"


def faults(value, status=200, media="application/json", names=("etag",), **other):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    seen = Seen(status, media, frozenset(names), **{"body": body, **other})
    return [(each.pointer, each.reason) for each in Judge({ANSWERS.key: ANSWERS}).faults(ANSWERS.key, seen)]


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ({"id": "1", "age": None, "tags": ["a"], "by": {"x": 1}}, {}),
        ({"id": "1"}, {"media": "Application/JSON; charset=utf-8"}),
        (b"", {"status": 204, "media": ""}),
        ({}, {"status": 404, "media": "application/problem+json"}),
        (b"no", {"status": 404, "media": "text/plain"}),
        (b"whatever", {"status": 503, "media": "x/y"}),
        (b"\x1f\x8b", {"encoded": True}),
        (b"", {"body": None}),
    ],
)
def test_what_the_contract_promises_is_no_drift(value, other):
    assert faults(value, **other) == []


@pytest.mark.parametrize(
    ("value", "other", "want"),
    [
        ({}, {}, [("", "required property id is missing")]),
        ({"id": 1}, {}, [("/id", "type is not string")]),
        ({"id": "1", "age": SECRET}, {}, [("/age", "type is not integer or null")]),
        ({"id": "1", "tags": ["a", SECRET, "x"]}, {}, [("/tags/*", "enum is not kept")]),
        ({"id": "1", "by": {SECRET: "x"}}, {}, [("/by/*", "type is not integer")]),
        ({"id": "1", "address": {SECRET: 1}}, {}, [("/address", "1 properties are not described")]),
        ({"id": "1"}, {"status": 201}, [("", "status 201 is not described")]),
        ({"id": "1"}, {"names": ()}, [("", "header ETag is missing")]),
        ({"id": "1"}, {"media": "text/html"}, [("", "content type text/html is not described for 200")]),
        ({"id": "1"}, {"media": ""}, [("", "content type (none) is not described for 200")]),
        (b"<html>", {}, [("", "the body is not JSON")]),
        (b"", {}, [("", "the body is not JSON")]),
        (b"[" * 5_000, {}, [("", "the body is not JSON")]),
    ],
)
def test_what_differs_is_told_without_a_word_of_the_answer(value, other, want):
    found = faults(value, **other)
    assert found == want
    assert SECRET not in str(found)


def test_an_answer_that_is_wrong_throughout_is_told_in_few_words():
    many = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(100)}}
    answers = replace(ANSWERS, answers={"200": Answer({"application/json": many})})
    seen = Seen(200, "application/json", frozenset(), json.dumps({f"p{n}": n for n in range(100)}).encode())
    assert len(Judge({"k": answers}).faults("k", seen)) == FAULTS_MAX
    assert Judge({}).faults("k", seen) == ()


def test_a_fault_is_told_at_once_and_then_once_a_minute():
    tally, fault = Tally(), Fault("/id", "type is not string")
    told = []
    for second in range(150):
        for _ in range(10):
            tally.add("o", fault, 200, "t", second * 1_000_000)
        told += [(second, line.count) for line in tally.due(second * 1_000_000)]
    assert told == [(0, 10), (60, 600), (120, 600)]
    assert [line.count for line in tally.due(150_000_000, all=True)] == [290]


def test_what_is_over_is_forgotten_and_what_is_too_much_is_counted():
    tally = Tally()
    for n in range(KEPT_MAX + 5):
        tally.add("o", Fault(f"/{n}", "x"), 200, "", 0)
    assert tally.uncounted == 5
    assert len(tally.due(0)) == KEPT_MAX
    assert tally.due(EVERY_US) == []
    tally.add("o", Fault("/again", "x"), 200, "", EVERY_US)
    assert len(tally.due(EVERY_US)) == 1


def test_a_line_becomes_a_fact():
    tally = Tally()
    for _ in range(3):
        tally.add(ANSWERS.key, Fault("/id", "type is not string"), 200, "a" * 32, 7)
    (line,) = tally.due(7)
    fact = fact_of_drift(encode(line, ANSWERS))
    assert (fact.kind, fact.outcome, fact.code) == (FactKind.ENGINE, Outcome.FAILED, "RESPONSE_DRIFT")
    assert (fact.domain, fact.operation, fact.status, fact.trace_id) == ("a", "get", 200, "a" * 32)
    assert (fact.contract, fact.detail, fact.at_us) == (ANSWERS.stamp, "/id: type is not string (3 times)", 7)
    assert fact_of_drift(encode_unseen(4, 9)).detail.startswith("4 sampled answers")
    for strange in (b"{}", b"[]", b"x", b'{"unseen": "many", "at_us": 1}'):
        with pytest.raises(ValueError, match=r".+"):
            fact_of_drift(strange)


CONTRACT = """
openapi: 3.1.0
info: {title: Customers, version: 1.0.0, x-treadle: {domain: customer, owner: crm-team}}
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://idp.example/token", scopes: {"customers:read": read}}}
paths:
  /v1/customers:
    get:
      operationId: listCustomers
      security: [{oauth: ["customers:read"]}]
      responses:
        "200":
          description: found
          headers:
            ETag: {required: true, schema: {type: string}}
            X-RateLimit-Limit: {required: true, schema: {type: integer}}
          content: {application/json: {schema: {type: object}}, text/csv: {}}
        4XX: {description: no}
"""


def test_the_table_holds_what_contracts_say_of_answers():
    file = "domains/customer/customers.v1.openapi.yaml"
    contract, findings = read_contract(file, {file: CONTRACT.encode()})
    assert contract, findings
    (answers,) = decode(encode_table([contract])).values()
    assert answers.key == "customer.customers.v1/listCustomers"
    assert answers.of(200) == Answer({"application/json": {"type": "object"}, "text/csv": None}, ("ETag",))
    assert answers.of(404) == Answer({})
    assert answers.of(500) is None
    assert decode(encode_table([replace(contract, drift_percent=0.0)])) == {}
    for strange in (b"", b"{}", b'{"version": 2, "operations": {}}', b'{"version": 1, "operations": {"a": 1}}'):
        with pytest.raises(InputError, match="drift-table-unreadable"):
            decode(strange)


class Running:
    """The drift process in a thread, on the socket where the gateway looks for it."""

    def __init__(self, folder, socket):
        self.drift = Drift(folder / "drift.json", folder / "drift.jsonl")
        self.server = server(self.drift.app(), at=Path(socket))
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.thread.start()
        until(lambda: self.server.started)

    async def _run(self):
        work = asyncio.create_task(self.drift.run())
        await self.server.serve()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    def facts(self):
        path = self.drift.journal
        return [fact_of_drift(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)


KEY = "customer.customers.v1"
ALL = {"drift_percent": 100.0, "responses": {"200": CUSTOMER}}
SAMPLED = (
    route("sampled", "GET", "/v1/sampled", **ALL),
    route("missing", "GET", "/v1/missing/gone", **ALL),
    route("write", "POST", "/v1/write", **ALL),
    route("never", "GET", "/v1/never", drift_percent=0.0, responses={"200": CUSTOMER}),
    route("stream", "GET", "/v1/stream", streaming=Streaming.RESPONSE, **ALL),
    route("away", "GET", "/v1/away", upstream="away", **ALL),
    route("posing", "GET", "/v1/posing/refused", **ALL),
)


def table(*operations):
    described = {"200": {"content": {"application/json": CUSTOMER}, "headers": []}}
    row = {"stamp": f"{KEY}@1.0.0#0123456789ab", "domain": "customer", "method": "GET", "answers": described}
    return json.dumps({"version": 1, "operations": {f"{KEY}/{each}": row for each in operations}}).encode()


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    from treadle.gateway.ir import Upstream

    folder = tmp_path_factory.mktemp("drift")
    with world(folder) as it:
        gateway = it.gateway(*SAMPLED)
        api = gateway.apis[0]
        nowhere = Upstream("away", "127.0.0.1", it.free_port())
        it.push(replace(gateway, apis=(replace(api, upstreams=(*api.upstreams, nowhere)),)))
        yield it


@pytest.fixture
def drift(node):
    (node.folder / "drift.json").write_bytes(table(*(each.operation for each in SAMPLED)))
    running = Running(node.folder, node.node.drift)
    yield running
    running.stop()
    running.drift.journal.unlink(missing_ok=True)


def ask(node, method, path, **other):
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        return client.request(method, path, headers=node.bearer(), **other)


def test_a_sampled_answer_that_differs_becomes_a_fact_of_its_call(node, drift):
    answer = ask(node, "GET", "/v1/sampled?secret=word")
    assert answer.status_code == 200
    (fact,) = until(drift.facts)
    assert (fact.code, fact.operation, fact.status) == ("RESPONSE_DRIFT", "sampled", 200)
    assert fact.detail == "required property id is missing"
    assert fact.trace_id == answer.headers["x-trace-id"]
    assert b"word" not in drift.drift.journal.read_bytes()


def test_the_answer_is_not_asked_for_again_and_leaves_unchanged(node, drift):
    before = len(node.upstream.seen)
    answer = ask(node, "POST", "/v1/write", content=b"x" * 1_000)
    until(drift.facts)
    assert len(node.upstream.seen) == before + 1
    assert answer.json()["body"] == "x" * 1_000
    assert [fact.operation for fact in drift.facts()] == ["write"]


def test_a_status_that_is_not_described_is_found(node, drift):
    assert ask(node, "GET", "/v1/missing/gone").status_code == 404
    (fact,) = until(drift.facts)
    assert fact.detail == "status 404 is not described"


def test_a_service_cannot_pass_its_answer_off_as_the_gateways(node, drift):
    assert ask(node, "GET", "/v1/posing/refused").status_code == 422  # it says x-treadle-code
    (fact,) = until(drift.facts)
    assert (fact.operation, fact.detail) == ("posing", "status 422 is not described")


def test_an_answer_that_is_too_large_is_passed_on_whole_and_its_status_is_seen(node, drift):
    answer = ask(node, "POST", "/v1/write", content=b"y" * 700_000)
    assert answer.json()["body"] == "y" * 700_000
    assert ask(node, "GET", "/v1/missing/gone").status_code == 404
    until(drift.facts)
    assert [fact.operation for fact in drift.facts()] == ["missing"]


def test_what_is_not_an_answer_of_a_service_is_left_out(node, drift):
    assert ask(node, "GET", "/v1/away").status_code == 503
    assert ask(node, "GET", "/v1/never").status_code == 200
    assert ask(node, "GET", "/v1/stream").status_code == 200
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/sampled").status_code == 401
    assert ask(node, "GET", "/v1/missing/gone").status_code == 404  # comes last, and alone
    until(drift.facts)
    assert [fact.operation for fact in drift.facts()] == ["missing"]


def test_nothing_waits_for_the_process(node):
    """Away, or there and silent: calls do not notice."""
    for _ in range(40):
        assert ask(node, "GET", "/v1/sampled").status_code == 200
    silent = SilentServer(node.node.drift)
    try:
        for _ in range(40):
            assert ask(node, "GET", "/v1/sampled").status_code == 200
    finally:
        silent.stop()


class SilentServer(EchoServer):
    """Takes connections and says nothing."""

    async def _connection(self, reader, writer):
        self.writers.add(writer)
        while await reader.read(65_536):
            pass


def test_more_than_is_looked_at_is_dropped_and_counted(tmp_path):
    (tmp_path / "drift.json").write_bytes(table("sampled"))

    async def flood():
        drift = Drift(tmp_path / "drift.json", tmp_path / "drift.jsonl")
        headers = {"x-drift-operation": f"{KEY}/sampled", "x-drift-status": "200", "x-drift-media": "application/json"}
        transport = httpx.ASGITransport(drift.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://drift") as client:
            for _ in range(WAITING_MAX + 7):
                assert (await client.post("/", headers=headers, content=b"{}")).status_code == 204
            assert (await client.post("/", headers=headers, content=b"x" * (BODY_MAX + 1))).status_code == 413
            assert (await client.post("/", headers=headers | {"x-drift-status": "2x"})).status_code == 400
        work = asyncio.create_task(drift.run())
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(asyncio.wait_for(flood(), 30))
    facts = [fact_of_drift(line) for line in (tmp_path / "drift.jsonl").read_bytes().splitlines()]
    assert "7 sampled answers" in "".join(fact.detail for fact in facts)
    counted = [fact.detail for fact in facts if fact.code == "RESPONSE_DRIFT"]
    assert sum(int(each.rpartition("(")[2].split(" ")[0]) for each in counted) == WAITING_MAX


def test_a_new_table_is_read_while_it_runs_and_a_broken_one_changes_nothing(tmp_path):
    path = tmp_path / "drift.json"
    drift = Drift(path, tmp_path / "drift.jsonl")
    drift.reload()
    assert drift.judge.table == {}
    path.write_bytes(table("sampled"))
    drift.reload()
    assert list(drift.judge.table) == [f"{KEY}/sampled"]
    path.unlink()
    time.sleep(0.01)
    path.write_bytes(b"{")
    drift.reload()
    assert list(drift.judge.table) == [f"{KEY}/sampled"]
    path.unlink()
    drift.reload()
    assert list(drift.judge.table) == [f"{KEY}/sampled"]
