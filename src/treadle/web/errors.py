"""Errors as a reader can use them: a page in the console's design, or the envelope where a machine asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from treadle.base.errors import TreadleError, UsageError
from treadle.web.envelope import envelope
from treadle.web.render import Renderer

_WORDS = {
    400: ("BAD_REQUEST", "That request cannot be read"),
    404: ("NOT_FOUND", "There is nothing here"),
    405: ("METHOD_NOT_ALLOWED", "That cannot be done here"),
    500: ("INTERNAL_ERROR", "The console failed"),
    503: ("UPSTREAM_UNAVAILABLE", "Not available now"),
}


class Errors:
    """Answers what went wrong. `handlers` is what a Starlette application takes."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    @property
    def handlers(self) -> Mapping[Any, Any]:
        """Exception handlers for the whole application."""
        return {HTTPException: self.http, TreadleError: self.known, Exception: self.unknown}

    def answer(self, request: Request, status: int, message: str, hint: str = "", code: str = "") -> Response:
        """A page for a person, an envelope for a machine."""
        word, title = _WORDS.get(status, ("ERROR", "Something went wrong"))
        if not wants_page(request):
            details = {"hint": hint} if hint else {}
            return envelope(request.scope, status, code or word, message, details=details)
        html = self._renderer.bare("error.html", title=title, status=status, message=message, hint=hint)
        return HTMLResponse(html, status, {"cache-control": "no-store"})

    async def http(self, request: Request, error: Exception) -> Response:
        """What the router or a handler refused."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        message, hint = "This address leads nowhere.", "Start from the overview, or search for an id."
        if status == 405:
            message, hint = "The console only shows; it changes nothing.", "Change contracts in git and apply them."
        elif status != 404 and isinstance(error, HTTPException):
            message, hint = str(error.detail), ""
        response = self.answer(request, status, message, hint)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    async def known(self, request: Request, error: Exception) -> Response:
        """An error of treadle's own tree: it says what happened and what to do."""
        status = 400 if isinstance(error, UsageError) else 503
        if isinstance(error, TreadleError):
            return self.answer(request, status, error.message, error.hint)
        return self.answer(request, 500, "It is not your fault.")

    async def unknown(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - the server logs it
        """A bug. The page says so and nothing else: what failed is in the log."""
        return self.answer(
            request, 500, "This is a bug of the console; its log has the details.", "The fabric runs on."
        )


def wants_page(request: Request) -> bool:
    """Whether a person asks: a browser, and not for the `.json` of a page."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.endswith(".json")
