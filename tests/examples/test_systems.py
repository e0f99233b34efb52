"""The systems of record as processes: their REST APIs, their webhooks, and how they live."""

import asyncio
import contextlib
import socket
import time

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from treadle.connect.webhook import SigningKey, read_public_keys, verify

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@contextlib.asynccontextmanager
async def inbox(answers):
    """A receiver of webhooks that answers in turn; what it got."""
    got = []

    async def take(request):
        got.append((dict(request.headers), await request.body()))
        return Response(status_code=answers.pop(0) if answers else 202)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=[Route("/hook", take, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook", got
        finally:
            server.should_exit = True
            await task


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  - what is waited for is in another process
            await asyncio.sleep(0.02)


def test_crm(start, http):
    crm = start("systems/crm.py")
    assert http.get(f"{crm.url}/healthz").status_code == 200
    seeded = http.get(f"{crm.url}/api/customers").json()["records"]
    assert [each["id"] for each in seeded] == [f"C-{number}" for number in range(1001, 1007)]
    new = {"name": "Greta Lind", "email": "greta@example.se", "country": "SE", "segment": "consumer"}
    made = http.post(f"{crm.url}/api/customers", json=new)
    assert (made.status_code, made.json()["id"], made.json()["revision"]) == (201, "C-1007", 1)
    changed = http.patch(f"{crm.url}/api/customers/C-1007", json={"segment": "business"}).json()
    assert (changed["revision"], changed["segment"], changed["name"]) == (2, "business", "Greta Lind")
    assert http.get(f"{crm.url}/api/customers/C-1007").json() == changed
    for body in ({"segment": 1}, {"nope": "x"}, [], {}):
        assert http.patch(f"{crm.url}/api/customers/C-1007", json=body).status_code == 400
    assert http.post(f"{crm.url}/api/customers", json={"name": "x"}).status_code == 400
    assert http.get(f"{crm.url}/api/customers/C-1").status_code == 404


def test_erp_lists_by_time_and_id(start, http):
    erp = start("systems/erp.py")
    url = f"{erp.url}/api/orders"
    everything = http.get(url).json()["records"]
    assert len(everything) == 5
    places = [(each["updated_at"], each["id"]) for each in everything]
    assert places == sorted(places)
    walked, after = [], None
    while page := http.get(url, params={"limit": 2} | ({"after": after} if after else {})).json()["records"]:
        walked += page
        after = f"{page[-1]['updated_at']},{page[-1]['id']}"
    assert walked == everything
    draft = next(each for each in everything if each["status"] == "draft")
    confirmed = http.patch(f"{url}/{draft['id']}", json={"status": "confirmed"}).json()
    assert http.get(url, params={"updated_since": confirmed["updated_at"]}).json()["records"] == [confirmed]
    assert http.patch(f"{url}/{draft['id']}", json={"total": "1"}).status_code == 409
    for params in ({"limit": "0"}, {"limit": "x"}, {"updated_since": "soon"}, {"after": "soon,O-1"}):
        assert http.get(url, params=params).status_code == 400
    assert http.post(url, json={"customer": "C-1", "total": "twelve", "currency": "EUR"}).status_code == 400
    assert http.post(url, json={"customer": "C-1", "total": "12.50", "currency": "EUR"}).json()["status"] == "draft"


def test_itsm(start, http):
    itsm = start("systems/itsm.py")
    url = f"{itsm.url}/api/incidents"
    new = {"short_description": "Odd noise", "priority": 3, "service": "shop", "caller": "a@acme.example"}
    assert http.post(url, json=new).json()["number"] == "INC-9003"
    assert http.post(url, json=new | {"priority": 9}).status_code == 400
    assert http.patch(f"{url}/INC-9003", json={"state": "resolved"}).json()["state"] == "resolved"
    assert http.patch(f"{url}/INC-9003", json={"state": "gone"}).status_code == 400


@pytest.mark.parametrize(
    ("script", "path", "change"),
    [
        ("systems/crm.py", "/api/customers/C-1002", {"email": "new@example.fr"}),
        ("systems/itsm.py", "/api/incidents/INC-9001", {"state": "resolved"}),
    ],
)
def test_changes_are_told_signed_in_order_until_they_are_taken(start, tmp_path, script, path, change):
    key = SigningKey.generate()
    key_file = tmp_path / "key"
    key_file.write_text(key.secret_text())

    async def story():
        async with inbox([500, 503, 202]) as (hook, got), httpx.AsyncClient(trust_env=False) as client:
            system = await asyncio.to_thread(start, script, "--webhook-url", hook, "--key", key_file)
            await until(lambda: len(got) >= 4)
            # The first was refused twice: the same id and body, until it was taken.
            assert len({headers["webhook-id"] for headers, _ in got[:3]}) == 1
            assert len({sent for _, sent in got[:3]}) == 1
            seen = len(got)
            await client.patch(f"{system.url}{path}", json=change, headers={"traceparent": TRACE})
            await until(lambda: len(got) > seen and b".updated" in got[-1][1])
            assert got[-1][0]["traceparent"] == TRACE
            for headers, sent in got:
                verify(headers, sent, read_public_keys(key.public_text()), now_s=time.time())

    asyncio.run(story())


def test_records_and_untold_changes_survive_a_kill(start, tmp_path, http):
    key_file = tmp_path / "key"
    key_file.write_text(SigningKey.generate().secret_text())
    crm = start("systems/crm.py", "--webhook-url", "http://127.0.0.1:9/", "--key", key_file)
    http.patch(f"{crm.url}/api/customers/C-1001", json={"email": "last@example.com"})
    crm.process.kill()
    crm.process.wait()

    async def story():
        async with inbox([]) as (hook, got):
            again = await asyncio.to_thread(start, "systems/crm.py", "--webhook-url", hook, "--key", key_file)
            await until(lambda: len(got) == 7)
            assert b"last@example.com" in got[-1][1]
            return again

    again = asyncio.run(story())
    assert http.get(f"{again.url}/api/customers/C-1001").json()["email"] == "last@example.com"


@pytest.mark.parametrize("script", ["systems/erp.py", "systems/crm.py", "systems/itsm.py"])
def test_a_lively_system_changes_by_itself(start, http, until, script):
    system = start(script, "--lively", "--every", "0.05")
    path = {"erp": "orders", "crm": "customers", "itsm": "incidents"}[system.name]
    url = f"{system.url}/api/{path}"
    first = http.get(url).json()
    until(lambda: http.get(url).json() != first)
