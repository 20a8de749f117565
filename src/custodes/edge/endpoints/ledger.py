"""The ledger's public files over HTTP: checkpoint, tiles, entry bundles as C2SP tlog-tiles, and proofs by index.

In: GET requests without any key. Out: the stored bytes, unchanged, with the headers that let caches work: tiles never
change, the checkpoint always may. Paths that are not spelt like a log's files are refused before any file is touched.
Source: c2sp.org/tlog-tiles v0.1.0; proofs are c2sp.org/tlog-proof files.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError, LedgerUnavailableError, TileReader
from custodes.ledger.tree.tiles import is_public_path

ProofOf = Callable[[int], bytes]
"""A tlog-proof file of an entry's index; raises IndexError and LedgerUnavailableError, like ``LedgerLog.proof``."""

_IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
_FRESH = {"cache-control": "no-store"}
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
_TEXT = "text/plain; charset=utf-8"
_BINARY = "application/octet-stream"


def ledger_routes(tiles: TileReader, proof: ProofOf | None = None) -> list[Route]:
    """Routes to mount under ``/ledger``; without ``proof`` there are no proofs by index."""

    async def file(request: Request) -> Response:
        return await run_in_threadpool(_file, tiles, request.path_params["path"])

    async def prove(request: Request) -> Response:
        if proof is None:
            return _missing()
        return await run_in_threadpool(_proof, proof, request.path_params["index"])

    return [
        Route("/proof/{index}", prove, methods=["GET"]),
        Route("/{path:path}", file, methods=["GET"]),
    ]


def mounted(tiles: TileReader, proof: ProofOf) -> Mount:
    """The routes of a running server, under ``/ledger``; no key is needed to read them."""
    return Mount("/ledger", routes=ledger_routes(tiles, proof))


def _file(tiles: TileReader, path: str) -> Response:
    data = tiles.get(path) if is_public_path(path) else None
    if data is None:
        return _missing()
    if path.startswith(CHECKPOINT_PATH):
        return Response(data, headers=_FRESH, media_type=_TEXT)
    return Response(data, headers=_IMMUTABLE, media_type=_BINARY)


def _proof(proof: ProofOf, index: str) -> Response:
    if not _INDEX.fullmatch(index):
        return _missing()
    try:
        data = proof(int(index))
    except IndexError:
        return _missing()
    except (LedgerUnavailableError, LedgerCorruptError, OSError):
        return PlainTextResponse("the ledger cannot be read now\n", 503, headers=_FRESH)
    return Response(data, headers=_FRESH, media_type=_TEXT)


def _missing() -> Response:
    return PlainTextResponse("not found\n", 404, headers=_FRESH)
