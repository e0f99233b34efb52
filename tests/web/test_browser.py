"""The console in a real browser: policy, live values, accessibility, phone width, keyboard."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from treadle.facts.fact import FactKind

pytestmark = pytest.mark.browser

WATCH_POLICY = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def shown(browser, serve, fabric_with_history):
    """One served fabric for all tests that only look. Gives the origin and the paths of every page."""
    call = next(fact for fact in fabric_with_history.trail.recent(2_000) if fact.operation == "publishEvent")
    paths = {
        "overview": "/",
        "domain": "/?domain=sales",
        "contracts": "/contracts",
        "api": "/contracts/customer.customers.v1",
        "adopting": "/contracts/sales.orders.v1",
        "events": "/contracts/sales.order.v1",
        "search": "/trace",
        "trace": f"/trace/{call.trace_id}",
        "unknown": "/trace/" + "ab" * 16,
        "error": "/nowhere",
    }
    with serve(fabric_with_history) as (origin, _, _):
        yield origin, paths


PAGES = ["overview", "domain", "contracts", "api", "adopting", "events", "search", "trace", "unknown", "error"]


@contextmanager
def opened(browser, address, *, width=1280, **options):
    """A page, and all that the browser complained about."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    complaints = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(WATCH_POLICY)
    try:
        page.goto(address)
        yield page, complaints
    finally:
        context.close()


def live(page):
    return page.evaluate("document.documentElement.dataset.link") == "live"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_and_keeps_the_policy(browser, shown, until, name):
    origin, paths = shown
    with opened(browser, origin + paths[name]) as (page, complaints):
        if name != "error":
            until(lambda: live(page))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page).response["violations"]
            assert [(scheme, each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
        assert page.evaluate("window.violations") == []
        expected = {"Failed to load resource: the server responded with a status of 404 (Not Found)"}
        assert set(complaints) <= (expected if name in {"unknown", "error"} else set())


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_screen(browser, shown, name):
    origin, paths = shown
    with opened(browser, origin + paths[name]) as (page, _):
        for width in (1024, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_gets_the_map_as_a_list(browser, shown):
    origin, _ = shown
    with opened(browser, origin, width=390) as (page, _):
        assert not page.locator("svg.map").is_visible()
        assert page.locator(".map-list a", has_text="sales.orders.v1").is_visible()
    with opened(browser, origin, width=1280) as (page, _):
        assert page.locator("svg.map").is_visible()
        assert not page.locator(".map-list a", has_text="sales.orders.v1").is_visible()


def test_a_phone_without_script_gets_the_list_too(browser, shown):
    origin, _ = shown
    with opened(browser, origin, width=390, java_script_enabled=False) as (page, _):
        assert page.locator(".map-list a", has_text="sales.orders.v1").is_visible()
        assert "as of 12:03:10" in page.locator("#link").inner_text()


def test_numbers_move_without_a_reload(browser, serve, until, busy):
    with serve(busy) as (origin, _, _), opened(browser, origin) as (page, complaints):
        until(lambda: live(page))
        page.evaluate("window.same = true")
        number = page.locator('[data-live="tile.calls.text"]')
        before, line = number.inner_text(), page.locator('[data-live-d="tile.calls.line"]').get_attribute("d")
        calls = [fact for fact in busy.trail.recent(500) if fact.kind is FactKind.CALL]
        busy.now_us += 12_000_000
        busy.add(*(replace(fact, at_us=busy.now_us - 3_000_000) for fact in calls))
        until(lambda: number.inner_text() != before)
        until(lambda: page.locator('[data-live-d="tile.calls.line"]').get_attribute("d") != line)
        node = page.locator('.node[data-node="api:customer.customers.v1"]')
        assert node.get_attribute("data-state") != "no-data"
        busy.fail("envoy", ago_s=3)
        until(lambda: node.get_attribute("data-state") == "no-data")
        assert "no data since 12:03:19: envoy is down" in page.locator('[data-live="tile.calls.note"]').inner_text()
        until(lambda: "envoy is down" in page.locator('[data-list="attention"]').inner_text())
        assert page.evaluate("window.same") is True
        assert complaints == []


def test_a_hostile_text_stays_text_when_it_comes_by_the_stream(browser, serve, until, busy):
    with serve(busy) as (origin, _, _), opened(browser, origin) as (page, complaints):
        until(lambda: live(page))
        evil = "<img src=x onerror=alert(1)>"
        sample = next(fact for fact in busy.trail.recent(500) if fact.kind is FactKind.CALL)
        refused = replace(
            sample, kind=FactKind.REFUSAL, at_us=busy.now_us, operation=evil, code=evil, consumer=evil, trace_id=evil
        )
        busy.add(refused)
        busy.now_us += 2_000_000
        until(lambda: evil in page.locator('[data-list="recent"]').inner_text())
        assert page.locator("img").count() == 0
        assert complaints == []


def test_a_lost_connection_is_said_and_mends_itself(browser, serve, until, busy):
    with serve(busy) as (origin, _, _):
        port = int(origin.rpartition(":")[2])
        context = browser.new_context()
        page = context.new_page()
        page.goto(origin)
        until(lambda: live(page))
    status = page.locator("#link")
    until(lambda: status.inner_text() == "connection lost, data from 12:03:10")
    assert status.get_attribute("role") == "status"
    busy.now_us += 60_000_000
    with serve(busy, port=port):
        until(lambda: status.inner_text() == "live", seconds=20)
        assert page.locator('[data-live="tile.calls.note"]').inner_text() == "no calls in the last minute"
        context.close()


def test_the_console_can_be_used_with_the_keyboard(browser, shown):
    origin, _ = shown
    with opened(browser, origin) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            outlined = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e.querySelector('rect') || e);"
                " return [e.dataset.node || '', s.outlineStyle !== 'none' || parseFloat(s.strokeWidth) > 2]; })()"
            )
            seen.append(tuple(outlined))
            if outlined[0] == "api:sales.orders.v1":
                break
        assert all(visible for _, visible in seen), "the focus can be seen wherever it is"
        lit = page.locator(".edge.lit")
        assert lit.count() == 4
        page.keyboard.press("Enter")
        page.wait_for_url("**/contracts/sales.orders.v1")


def test_one_search_leads_to_the_trace(browser, shown):
    origin, paths = shown
    with opened(browser, origin) as (page, _):
        page.fill("#q", paths["trace"].rpartition("/")[2])
        page.keyboard.press("Enter")
        page.wait_for_url("**" + paths["trace"])
        assert page.locator(".fall").count() == 4


def test_a_page_prints_without_its_controls(browser, shown):
    origin, _ = shown
    with opened(browser, origin) as (page, _):
        page.emulate_media(media="print")
        assert not page.locator(".bar nav").is_visible()
        assert not page.locator(".find").is_visible()
        assert page.locator("svg.map").is_visible()


def test_forced_colours_keep_states_apart_by_shape_and_word(browser, shown):
    origin, _ = shown
    with opened(browser, origin) as (page, _):
        badges = page.locator(".tile .badge").all_inner_texts()
        assert len(badges) == 6
        for badge in badges:
            glyph, word = badge.split()[0], " ".join(badge.split()[1:])
            assert (glyph, word) in {("●", "ok"), ("○", "idle"), ("◇", "no data"), ("▲", "watch"), ("■", "breach")}
