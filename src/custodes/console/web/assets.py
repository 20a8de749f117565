"""Scripts, styles and pictures of the console: read once, served with the digest of their content as a version.

In: the name of a file in ``static/``. Out: its bytes with headers that let a browser keep it for good, because another
content has another address. Nothing else of the disk can be asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from custodes.console.web.security import PATH, secured

_FOLDER = Path(__file__).parents[1] / "static"
_VERIFIER = Path(__file__).parents[2] / "ledger" / "javascript"
_FOR_GOOD = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    version: str


@cache
def _assets() -> dict[str, _Asset]:
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            found[path.name] = _Asset(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])
    return found


@cache
def _verifier() -> tuple[str, dict[str, bytes]]:
    """The verifier in JavaScript that comes with the ledger, and one version for all its modules."""
    modules = {path.name: path.read_bytes() for path in sorted(_VERIFIER.glob("*.mjs"))}
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in modules.items()))
    return digest.hexdigest()[:12], modules


def verifier_address() -> str:
    """Where a browser gets the modules of the verifier; they import each other, so all have one version."""
    return f"{PATH}/verifier/{_verifier()[0]}/"


async def serve_verifier(request: Request) -> Response:
    """Answer a request for one of the verifier's modules."""
    version, modules = _verifier()
    content = modules.get(request.path_params["name"])
    if content is None or request.path_params["version"] != version:
        return secured(PlainTextResponse("not found\n", 404))
    response = secured(Response(content, media_type=_TYPES[".mjs"]), fresh=False)
    response.headers["cache-control"] = _FOR_GOOD
    return response


def address(name: str) -> str:
    """Where a browser gets the file ``name``."""
    return f"{PATH}/static/{name}?v={_assets()[name].version}"


async def serve(request: Request) -> Response:
    """Answer a request for one of the files."""
    asset = _assets().get(request.path_params["name"])
    if asset is None:
        return secured(PlainTextResponse("not found\n", 404))
    response = secured(Response(asset.content, media_type=asset.media_type), fresh=False)
    versioned = request.query_params.get("v") == asset.version
    response.headers["cache-control"] = _FOR_GOOD if versioned else "no-cache"
    return response
