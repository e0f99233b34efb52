import gzip
import json
import re
from dataclasses import replace
from html import unescape

import pytest

from treadle.contract.workspace import read_workspace
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight.state import Run
from treadle.web.assets import assets

PAGES = ["/", "/contracts", "/contracts/customer.customers.v1", "/contracts/sales.order.v1", "/trace"]
HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{ 7 * 7 }}"


def text_of(html):
    body = re.sub(r"<(script|style|template)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def traced(fabric, operation="publishEvent"):
    return next(fact for fact in fabric.trail.recent(5_000) if fact.operation == operation)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_light(site, path):
    answer = site.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert len(re.findall(r"<h1\b", answer.text)) == 1
    weight = len(gzip.compress(answer.content)) + sum(len(gzip.compress(each.body)) for each in assets().values())
    assert weight < 80 * 1024
    assert len(gzip.compress(assets()["console.js"].body)) < 45 * 1024


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(site, path):
    html = site.get(path).text
    assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", html)
    assert not re.search(r"<style\b|javascript:|<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", html), "nothing comes from elsewhere"


@pytest.mark.parametrize("path", PAGES)
def test_ids_are_unique_and_named_things_exist(site, path):
    html = site.get(path).text
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for names in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert set(names.split()) <= set(ids)


def test_the_overview_shows_the_six_signals_and_their_state(site):
    shown = text_of(site.get("/").text)
    for title in ("Calls", "Failed calls", "Latency p95", "Events", "Event lag p95", "Dead letters"):
        assert title in shown
    assert "at most 400 ms" in shown
    assert "at most 0.5 %" in shown
    assert "acme local" in shown


def test_the_map_is_there_as_a_drawing_and_as_a_list(site):
    html = site.get("/").text
    svg, rest = re.search(r'<svg class="map".*?</svg>', html, re.DOTALL)[0], html.split('<details class="map-list">')[1]
    for name in ("crm", "erp", "itsm", "sales.order.created.v1", "customer.customers.v1", "demo-app", "billing"):
        assert f">{name}</text>" in svg
        assert f">{name}</a>" in rest
    assert svg.count('class="edge"') == 15
    assert "to sales.orders.v1, billing" in text_of(rest)


def test_the_json_says_what_the_page_says(site, busy):
    page = json.loads(site.get("/overview.json", accept="*/*").content)
    html = site.get("/").text
    assert [tile["key"] for tile in page["tiles"]] == ["calls", "errors", "p95", "events", "lag", "dead"]
    for tile in page["tiles"]:
        assert f'data-live="tile.{tile["key"]}.text">{tile["text"]}<' in html
    assert {place["node"]["name"] for place in page["places"]} > {"erp", "billing", "sales.orders.v1"}
    assert page["at_us"] == busy.now_us


@pytest.mark.parametrize("path", [*PAGES[1:], "/trace/{trace}"])
def test_every_page_links_to_itself_as_json(site, busy, path):
    path = path.format(trace=traced(busy).trace_id)
    address = re.search(r'rel="alternate" type="application/json" href="([^"]+)"', site.get(path).text)[1]
    answer = site.get(address, accept="*/*")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["at_us"] == busy.now_us


def test_a_page_as_json_keeps_its_query(site):
    html = site.get("/trace?consumer=partner").text
    address = unescape(re.search(r'rel="alternate" type="application/json" href="([^"]+)"', html)[1])
    found = json.loads(site.get(address).content)["facts"]
    assert {fact["consumer"] for fact in found} == {"partner"}


def test_an_engine_that_is_down_shows_since_when(site, busy):
    assert "no data since" not in text_of(site.get("/").text)
    busy.fail("envoy", ago_s=65)
    shown = text_of(site.get("/").text)
    assert "no data since 12:02:05: envoy is down" in shown
    assert "envoy is down" in shown.split("Needs a person")[1]
    tiles = {tile["key"]: tile for tile in json.loads(site.get("/overview.json").content)["tiles"]}
    assert tiles["calls"]["state"] == "no-data"
    assert tiles["events"]["state"] == "ok"


def test_an_engine_that_starts_is_said_to(fabric, site_of):
    fabric.engines = [replace(engine, run=Run.STARTING) for engine in fabric.engines[:1]]
    assert "acme local nats starting" in text_of(site_of(fabric).get("/").text)


def test_no_traffic_is_not_no_data(fabric, site_of):
    shown = text_of(site_of(fabric).get("/").text)
    assert shown.count("no calls in the last minute") == 3
    assert "no data" not in shown


def test_a_workspace_without_contracts_says_what_to_do(fabric, site_of):
    fabric.workspace = replace(fabric.workspace, contracts=())
    fabric.rollup.expect({})
    site = site_of(fabric)
    assert "treadle apply" in text_of(site.get("/contracts").text)
    assert site.get("/").status_code == 200


def test_a_refused_version_stands_beside_the_live_one(site, busy, refused_version):
    busy.refused = [refused_version]
    for path in ("/contracts", "/contracts/customer.customers.v1"):
        shown = text_of(site.get(path).text)
        assert "1.0.0" in shown
        assert "1.1.0" in shown
        assert "response-field-removed the 200 response of getCustomer no longer has /email" in shown
        assert "domains/customer/customers.v1.openapi.yaml:162:11" in shown
        assert "keep the field, or release a new major version" in shown
    assert "customer.customers.v1 1.1.0 was refused" in text_of(site.get("/").text)


def test_a_version_refused_with_nothing_live_is_listed(site, busy, refused_version):
    busy.refused = [replace(refused_version, contract="customer.fresh.v1", version="")]
    shown = text_of(site.get("/contracts").text)
    assert "customer.fresh.v1" in shown
    assert "not live" in shown
    assert site.get("/contracts/customer.fresh.v1").status_code == 404


def test_an_api_page_tells_who_what_and_how_well(site):
    shown = text_of(site.get("/contracts/customer.customers.v1").text)
    for part in (
        "Owner customer-team",
        "Accountable head-of-customer",
        "Good calls 99.5 %",
        "GET /v1/customers/{customerId}",
        "customers:read",
        "that of the consumer's tier",
        "Response 400, 401, 403, 404, 429, 500, 503, 504",
        "/items/*/email string required confidential pii",
        "demo-app platform-team gold has the scopes",
        "Source domains/customer/customers.v1.openapi.yaml",
    ):
        assert part in shown


def test_an_api_page_tells_how_full_its_upstreams_are(site, fabric, site_of):
    text = text_of(site.get("/contracts/sales.orders.v1").text)
    assert "orders-api ▲ nearly full 870 of 1,024 0 of 1,024 901 of 1,024 1 of 4 12 0" in text
    assert "orders-api--candidate ■ open: requests 1,024 of 1,024" in text
    assert "customers-api" not in text[text.index("Saturation") : text.index("Operations")]
    rows = site.get("/contracts/sales.orders.v1.json").json()["saturation"]
    assert [(row["upstream"], row["open"]) for row in rows] == [
        ("orders-api", []),
        ("orders-api--candidate", ["requests"]),
    ]
    # An Envoy that tells nothing is not one that is idle.
    fabric.saturation = []
    assert "Saturation" not in site_of(fabric).get("/contracts/sales.orders.v1").text


def test_an_api_page_tells_whom_it_would_refuse(site):
    text = text_of(site.get("/contracts/sales.orders.v1").text)
    assert "auth observe partner FORBIDDEN listOrders 1" in text
    assert "auth observe spiffe://acme.example/ns/jobs/sa/report UNAUTHENTICATED listOrders 1" in text
    assert "validation warn ● nobody" in text
    assert "would be FORBIDDEN" in text
    found = site.get("/contracts/sales.orders.v1.json").json()["adoption"]
    assert {aspect["name"]: len(aspect["who"]) for aspect in found["aspects"]} == {"auth": 2, "validation": 0}
    assert site.get("/contracts/customer.customers.v1.json").json()["adoption"] is None


def test_an_api_page_tells_what_is_used_of_quotas(site):
    text = text_of(site.get("/contracts/sales.orders.v1").text)
    assert "1,000 of 1,000 this day ■ used up" in text
    assert "12,345 of 20,000 this month" in text


def test_missing_facts_are_said_where_facts_are(site):
    assert "At least 3 facts are known to be missing" in text_of(site.get("/trace").text)
    assert site.get("/trace.json").json()["facts_missing"] == 3


def test_an_event_page_tells_its_channel(site):
    shown = text_of(site.get("/contracts/sales.order.v1").text)
    for part in (
        "Channel sales.order.created.v1",
        "Subscribers orders-api billing",
        "keyed by /orderId",
        "Retention 30 days",
        "Durability power-safe",
        "Subject /customerId",
        "/amount number required",
        "delivery sales.order.created.v1",
    ):
        assert part in shown


def test_the_source_is_shown_to_the_letter(site, busy):
    contract = busy.workspace.contract("sales.orders.v1")
    html = site.get("/contracts/sales.orders.v1").text
    lines = re.findall(r'<span class="l" id="L(\d+)">(.*?)\n</span>', html)
    assert "\n".join(unescape(line) for _, line in lines) + "\n" == contract.sources[contract.place.file].decode()
    assert [int(number) for number, _ in lines] == list(range(1, len(lines) + 1))


def test_the_plain_source_is_plain(site, busy):
    contract = busy.workspace.contract("sales.orders.v1")
    answer = site.get("/contracts/sales.orders.v1/source")
    assert answer.content == contract.sources[contract.place.file]
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert site.get("/contracts/sales.orders.v1/source?file=../../../etc/passwd").status_code == 404


def test_one_box_finds_traces_events_and_spans(site, busy):
    call = traced(busy)
    event = next(fact for fact in busy.trail.by_trace(call.trace_id) if fact.kind is FactKind.EVENT)
    for id in (call.trace_id, event.event_id, event.span_id, f"00-{call.trace_id}-{call.span_id}-01"):
        answer = site.get(f"/trace?q={id}")
        assert answer.status_code == 303
        shown = text_of(site.get(answer.headers["location"]).text)
        assert "call publishEvent demo-app" in shown
        assert "delivery sales.order.created.v1 billing" in shown
        assert call.trace_id in shown


def test_a_trace_shows_what_caused_what_and_under_which_contract(site, busy):
    call = traced(busy)
    page = json.loads(site.get(f"/trace/{call.trace_id}.json").content)
    rows = page["traces"][0]["rows"]
    assert [(row["fact"]["kind"], row["depth"]) for row in rows] == [
        ("call", 0),
        ("event", 1),
        ("delivery", 2),
        ("delivery", 2),
    ]
    html = site.get(f"/trace/{call.trace_id}").text
    assert html.count('class="fall"') == 4
    assert f'<a href="/contracts/sales.order.v1">{busy.stamp("sales.order.v1")}</a>' in html
    assert "treadle.platform.v1@1.0.0" in html
    assert 'href="/contracts/treadle.platform.v1"' not in html, "no link to a contract that has no page"


def test_an_unknown_id_is_said_to_be_unknown(site):
    answer = site.get("/trace/" + "ab" * 16)
    assert answer.status_code == 404
    assert "Nothing is known under this id" in answer.text
    assert json.loads(site.get("/trace/" + "ab" * 16 + ".json").content)["code"] == "NOT_FOUND"


def test_an_id_that_cannot_be_one_is_explained(site):
    answer = site.get("/trace?q=two%20words")
    assert answer.status_code == 400
    assert 'value="two words"' in answer.text
    assert "32 hexadecimal characters" in text_of(answer.text)
    assert site.get("/trace/" + "x" * 5_000).status_code == 400


def test_hostile_texts_are_texts(fabric, site_of, acme_files):
    path = "domains/sales/order.v1.asyncapi.yaml"
    files = acme_files
    evil = json.dumps(HOSTILE)
    source = files[path].decode().replace("title: Sales order events", f"title: {evil}")
    source = source.replace("summary: An order was confirmed.", f"summary: {evil}")
    source = source.replace("description: Who ordered.", f"description: {evil}")
    files[path] = source.encode()
    fabric.workspace, _ = read_workspace(files)
    assert fabric.workspace.contract("sales.order.v1").title == HOSTILE
    fabric.add(
        Fact(
            FactKind.CALL,
            fabric.now_us - 2_000_000,
            Outcome.FAILED,
            "cd" * 16,
            HOSTILE,
            event_id=HOSTILE,
            consumer=HOSTILE,
            contract=f"sales.order.v1@{HOSTILE}",
            operation=HOSTILE,
            code=HOSTILE,
            detail=HOSTILE,
            subject=HOSTILE,
        ),
        Fact(
            FactKind.REFUSAL,
            fabric.now_us - 2_000_000,
            Outcome.REFUSED,
            operation=HOSTILE,
            code=HOSTILE,
            consumer=HOSTILE,
        ),
    )
    site = site_of(fabric)
    for path in (
        "/",
        "/contracts",
        "/contracts/sales.order.v1",
        "/trace",
        "/trace/" + "cd" * 16,
        f"/trace?q={HOSTILE}",
        f"/{HOSTILE}",
    ):
        html = site.get(path).text
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "{{ 7 * 7 }}" in html or HOSTILE in path, "a template in a contract is text too"


@pytest.mark.parametrize("path", ["/nowhere", "/contracts/no.such.v1", "/static/none.css", "/?domain=nowhere"])
def test_an_error_is_a_page_for_people_and_an_envelope_for_machines(site, path):
    page = site.get(path)
    assert page.status_code == 404
    assert 'href="/contracts"' in page.text
    told = site.get(path, accept="application/json", traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")
    assert told.status_code == 404
    assert json.loads(told.content) | {"message": "", "details": 0} == {
        "traceId": "ab" * 16,
        "code": "NOT_FOUND",
        "message": "",
        "details": 0,
    }


def test_the_json_of_a_missing_page_is_an_envelope_even_for_a_browser(site):
    assert json.loads(site.get("/contracts/no.such.v1.json").content)["code"] == "NOT_FOUND"


def test_a_bug_is_owned_and_tells_nothing(busy, site_of):
    busy.workspace = None
    answer = site_of(busy).get("/")
    assert answer.status_code == 500
    assert "bug of the console" in answer.text
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text


def test_the_console_only_shows(site):
    for path in ("/", "/contracts", "/trace"):
        assert site.get(path, method="POST").status_code == 405


def test_a_browser_keeps_what_it_has(site):
    for asset in assets().values():
        first = site.get(asset.url, accept="*/*")
        assert first.content == asset.body
        assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = site.get(asset.url, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert site.get(f"/static/{asset.name}?v=old").headers["cache-control"] == "no-cache"


def test_one_domain_has_a_map_of_its_own(site):
    html = site.get("/?domain=sales").text
    assert ">sales.orders.v1</text>" in html
    assert ">customer.customers.v1</text>" not in html
    assert 'href="/overview.json?domain=sales"' in html
