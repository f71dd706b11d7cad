"""Style sheets, scripts and pictures: ours only, and kept by browsers until they change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request, Response

from hub.console.problems import not_found

_PREFIX = "/console/static"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}

router = APIRouter()


@dataclass(frozen=True)
class _Asset:
    content: bytes
    version: str
    media_type: str


@cache
def _assets() -> dict[str, _Asset]:
    """By name; read once."""
    found = {}
    for file in (resources.files("hub.console") / "static").iterdir():
        kind = file.name.rpartition(".")[2]
        if kind in _TYPES:
            content = file.read_bytes()
            found[file.name] = _Asset(content, hashlib.sha256(content).hexdigest()[:16], _TYPES[kind])
    return found


def asset_url(name: str) -> str:
    """Where a file of `static/` is; another address when its content is another. Raises KeyError."""
    return f"{_PREFIX}/{name}?v={_assets()[name].version}"


@router.get(_PREFIX + "/{name}")
async def asset(request: Request, name: str, v: str = "") -> Response:
    """A file of `static/`."""
    found = _assets().get(name)
    if found is None:
        raise not_found()
    tag = f'"{found.version}"'
    # By its version it never changes; by its name alone it may at any time.
    kept = "public, max-age=31536000, immutable" if v == found.version else "no-cache"
    headers = {"etag": tag, "cache-control": kept}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
