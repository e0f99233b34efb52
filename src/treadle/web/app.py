"""The console's routes, and the application that stands around them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from treadle.base.errors import UsageError
from treadle.contract.model import Contract
from treadle.control.adoption import DAY_US, DAYS, Adoption, adoptions, is_enforced
from treadle.facts.trail import valid_id
from treadle.web import assets
from treadle.web.contracts import FACTS_MAX, contract_list, contract_page
from treadle.web.envelope import envelope
from treadle.web.errors import Errors
from treadle.web.moment import Lens
from treadle.web.overview import columns, node_href, overview
from treadle.web.render import Renderer
from treadle.web.shield import Shield
from treadle.web.stream import Stream, TooManyClients
from treadle.web.traces import RECENT_MAX, Search, trace_page
from treadle.web.view import View

QUERY_CHARS_MAX = 256


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one control process. Call `stream.close()` before the server stops."""

    routes: list[BaseRoute]
    stream: Stream
    errors: Errors


def create_console(view: View, *, tick_s: float = 1.0) -> Console:
    """Routes over a view, to be mounted at the root of an application."""
    lens = Lens(view)
    renderer = Renderer(lens)
    stream = Stream(lens, tick_s=tick_s)
    pages = _Pages(lens, renderer, stream)
    routes: list[BaseRoute] = [
        Route("/", pages.overview),
        Route("/overview.json", pages.overview),
        Route("/contracts", pages.contracts),
        Route("/contracts.json", pages.contracts),
        Route("/contracts/{id}/source", pages.source),
        Route("/contracts/{id}.json", pages.contract),
        Route("/contracts/{id}", pages.contract),
        Route("/trace", pages.search),
        Route("/trace.json", pages.search),
        Route("/trace/{id:path}.json", pages.trace),
        Route("/trace/{id:path}", pages.trace),
        Route("/events/stream", pages.events),
        Route("/static/{name}", assets.serve),
        Route("/favicon.ico", _favicon),
    ]
    return Console(routes, stream, Errors(renderer))


def create_app(
    console: Console, routes: Sequence[BaseRoute] = (), *, hosts: Collection[str] = (), **options: Any
) -> ASGIApp:
    """The whole application of the control process: the console, further routes, error pages and the shield.

    `options` go to Starlette (`lifespan`, for one). Further routes come first, so that no page hides them.
    """
    app = Starlette(
        routes=[*routes, *console.routes],
        exception_handlers=dict(console.errors.handlers),
        middleware=[Middleware(GZipMiddleware, minimum_size=1_024, compresslevel=5)],
        **options,
    )
    return Shield(app, hosts)


class _Pages:
    """One method a page. Each makes a value, and shows it as HTML or as JSON."""

    def __init__(self, lens: Lens, renderer: Renderer, stream: Stream) -> None:
        self._lens = lens
        self._renderer = renderer
        self._stream = stream

    async def overview(self, request: Request) -> Response:
        domain = request.query_params.get("domain", "")
        moment = self._lens.moment()
        if domain and domain not in {each.domain for each in moment.sight.workspace.contracts}:
            raise HTTPException(404)
        page, drawing = overview(self._lens, domain)
        named = {each.node.id: each.node.name for each in page.places}
        return self._answer(
            request, page, "overview.html", drawing=drawing, columns=columns(page), href=node_href, named=named
        )

    async def contracts(self, request: Request) -> Response:
        return self._answer(request, contract_list(self._lens), "contracts.html")

    async def contract(self, request: Request) -> Response:
        id = request.path_params["id"]
        moment = self._lens.moment()
        contract = moment.sight.workspace.contract(id)
        if contract is None:
            raise HTTPException(404)
        view = self._lens.view
        facts = await run_sync(partial(view.trail.by_contract, id, limit=FACTS_MAX))
        saturation = [each for each in await view.saturation() if each.contract == id]
        adoption = await run_sync(self._adoption, contract)
        page = contract_page(self._lens, contract, facts, saturation, adoption)
        return self._answer(request, page, "contract.html", adoption_days=DAYS)

    def _adoption(self, contract: Contract) -> Adoption | None:
        """Whom a contract would have refused in the last days; nothing is asked where all of it is enforced."""
        view = self._lens.view
        if is_enforced(contract):
            return None
        from_us = view.now_us() - DAYS * DAY_US
        found = adoptions([contract], view.trail.observed(from_us), lambda each: view.trail.calls(each, from_us))
        return found[0] if found else None

    async def source(self, request: Request) -> Response:
        """The bytes of a contract's file as plain text. Only files that belong to the contract are known."""
        contract = self._lens.moment().sight.workspace.contract(request.path_params["id"])
        if contract is None:
            raise HTTPException(404)
        data = contract.sources.get(request.query_params.get("file", contract.place.file))
        if data is None:
            raise HTTPException(404)
        return PlainTextResponse(data, headers={"cache-control": "no-cache"})

    async def search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").strip()
        consumer = request.query_params.get("consumer", "")[:QUERY_CHARS_MAX]
        json = request.url.path.endswith(".json")
        error = ""
        if query:
            try:
                id = valid_id(query[: QUERY_CHARS_MAX + 1])
            except UsageError as refused:
                error = f"{refused.message[:1].upper()}{refused.message[1:]}: {refused.hint}."
            else:
                return RedirectResponse(f"/trace/{quote(id, safe='')}{'.json' if json else ''}", 303)
        facts = await run_sync(partial(self._lens.view.trail.search, consumer=consumer, limit=RECENT_MAX))
        now_us = self._lens.moment().now_us
        missing = await run_sync(self._lens.view.trail.missing)
        page = Search(now_us, query[:QUERY_CHARS_MAX], consumer, error, facts, missing)
        return self._answer(request, page, "search.html", status=400 if error else 200)

    async def trace(self, request: Request) -> Response:
        given = request.path_params["id"]
        id = valid_id(given[: QUERY_CHARS_MAX + 1])
        facts = await run_sync(self._lens.view.trail.find, id)
        if not facts and request.url.path.endswith(".json"):
            return envelope(request.scope, 404, "NOT_FOUND", f"no fact is known under {id}")
        page = trace_page(id, facts, self._lens.moment().now_us)
        return self._answer(request, page, "trace.html", status=200 if facts else 404)

    async def events(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        try:
            chunks = self._stream.open()
        except TooManyClients:
            busy = "too many pages are open, or the console is ending"
            return envelope(request.scope, 503, "UPSTREAM_UNAVAILABLE", busy, headers={"retry-after": "10"})
        # An event stream is answered as it comes: no buffer of a proxy may hold it back.
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(chunks, headers=headers, media_type="text/event-stream")

    def _answer(self, request: Request, page: object, template: str, *, status: int = 200, **extra: Any) -> Response:
        headers = {"cache-control": "no-cache", "vary": "accept"}
        if request.url.path.endswith(".json"):
            return Response(orjson.dumps(page, default=_plain), status, headers, "application/json")
        html = self._renderer.page(template, page=page, here=request.url.path, as_json=_as_json(request), **extra)
        return HTMLResponse(html, status, headers)


def _as_json(request: Request) -> str:
    """The address of the same page as JSON."""
    path = "/overview" if request.url.path == "/" else request.url.path
    query = urlsplit(str(request.url)).query
    return f"{path}.json" + (f"?{query}" if query else "")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError


async def _favicon(request: Request) -> Response:  # noqa: ARG001 - a route is given its request
    return RedirectResponse(assets.assets()["icon.svg"].url, 308)
