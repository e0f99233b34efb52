"""Style, script and pictures: read once, served from memory, named by their content so that a browser keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `tag` is the start of its sha256."""

    name: str
    content_type: str
    body: bytes
    tag: str

    @property
    def url(self) -> str:
        """Where it is served for ever: another content has another address."""
        return f"/static/{self.name}?v={self.tag}"


@cache
def assets() -> dict[str, Asset]:
    """Every static file, by name."""
    found = {}
    for each in files("treadle.web").joinpath("static").iterdir():
        suffix = "." + each.name.rpartition(".")[2]
        if suffix in _TYPES:
            body = each.read_bytes()
            found[each.name] = Asset(each.name, _TYPES[suffix], body, hashlib.sha256(body).hexdigest()[:16])
    return found


async def serve(request: Request) -> Response:
    """One static file; 304 where the browser has it already."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    etag = f'"{asset.tag}"'
    pinned = request.query_params.get("v") == asset.tag
    headers = {
        "etag": etag,
        "cache-control": "public, max-age=31536000, immutable" if pinned else "no-cache",
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.content_type)
