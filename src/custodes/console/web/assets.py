"""Scripts, styles and pictures of the console: read once, served under the digest of all their contents.

In: the name of a file in ``static/``. Out: its bytes, compressed for whoever takes them so, with headers that let a
browser keep it for good, because another content has another address; modules import each other, so all have one
version. Nothing else of the disk can be asked for. Pages are never compressed: they hold secrets beside what others
may have put there, and the length of both together would tell.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
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


@cache
def _assets() -> tuple[str, dict[str, bytes]]:
    return _versioned(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def _verifier() -> tuple[str, dict[str, bytes]]:
    """The verifier in JavaScript that comes with the ledger."""
    return _versioned(_VERIFIER.glob("*.mjs"))


def _versioned(paths: Iterable[Path]) -> tuple[str, dict[str, bytes]]:
    """Files by name, and one version for all of them."""
    files = {path.name: path.read_bytes() for path in sorted(paths)}
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in files.items()))
    return digest.hexdigest()[:12], files


def verifier_address() -> str:
    """Where a browser gets the modules of the verifier."""
    return f"{PATH}/verifier/{_verifier()[0]}/"


def address(name: str) -> str:
    """Where a browser gets the file ``name``."""
    version, files = _assets()
    if name not in files:
        raise KeyError(name)
    return f"{PATH}/static/{version}/{name}"


async def serve_verifier(request: Request) -> Response:
    """Answer a request for one of the verifier's modules."""
    return _file(request, *_verifier())


async def serve(request: Request) -> Response:
    """Answer a request for one of the files."""
    return _file(request, *_assets())


def _file(request: Request, version: str, files: Mapping[str, bytes]) -> Response:
    name = request.path_params["name"]
    if name not in files or request.path_params["version"] != version:
        return secured(PlainTextResponse("not found\n", 404))
    content, headers = files[name], {"cache-control": _FOR_GOOD, "vary": "accept-encoding"}
    if _takes_gzip(request):
        content, headers["content-encoding"] = _compressed(content), "gzip"
    return secured(Response(content, headers=headers, media_type=_TYPES[Path(name).suffix]), fresh=False)


def _takes_gzip(request: Request) -> bool:
    listed = [one.strip().partition(";") for one in request.headers.get("accept-encoding", "").lower().split(",")]
    return any(
        name.strip() == "gzip" and quality.replace(" ", "") not in ("q=0", "q=0.0") for name, _, quality in listed
    )


@cache
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
