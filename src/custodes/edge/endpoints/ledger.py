"""The ledger's public files over HTTP: checkpoint, tiles, entry bundles as C2SP tlog-tiles, and proofs by index.

In: GET requests without any key. Out: the stored bytes, unchanged, with the headers that let caches work: tiles never
change, the checkpoint always may. Paths that are not spelt like a log's files are refused before any file is touched.
Beside them an index page, trust policy and keys, the format, and the verifier in JavaScript.
Source: c2sp.org/tlog-tiles v0.1.0; proofs are c2sp.org/tlog-proof files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError, LedgerUnavailableError, TileReader
from custodes.ledger.tree.tiles import is_public_path

ProofOf = Callable[[int], bytes]
"""A tlog-proof file of an entry's index; raises IndexError and LedgerUnavailableError, like ``RunningLog.proof``."""

Documents = Callable[[str], bytes | None]
"""Gives a public document of the log, like ``trust.policy``, or None where there is none of that name."""

_DOCUMENTS = (
    ("trust.policy", "whom a verifier trusts to start from (C2SP tlog-policy)"),
    ("ledger.pub", "the log's public key"),
    ("ledger-old.pub", "keys that signed before it"),
)
_SHIPPED = (
    ("FORMAT.md", "how to write a verifier"),
    ("javascript/verify.mjs", "a verifier, an ES module for browsers and Node"),
)
_SCRIPT = re.compile(r"javascript/[a-z_]{1,40}\.mjs")
_PAGE_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
_IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
_FRESH = {"cache-control": "no-store"}
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
_TEXT = "text/plain; charset=utf-8"
_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class PublicLedger:
    """What anybody may read: tiles with the checkpoint, proofs by index, documents beside them."""

    tiles: TileReader
    proof: ProofOf | None = None
    documents: Documents = lambda _: None


def ledger_routes(ledger: PublicLedger) -> list[Route]:
    """Routes to mount under ``/ledger``; without ``proof`` there are no proofs by index."""
    proof = ledger.proof

    async def index(_: Request) -> Response:
        return await run_in_threadpool(_index, ledger)

    async def file(request: Request) -> Response:
        return await run_in_threadpool(_file, ledger, request.path_params["path"])

    async def prove(request: Request) -> Response:
        if proof is None:
            return _missing()
        return await run_in_threadpool(_proof, proof, request.path_params["index"])

    return [
        Route("/", index, methods=["GET"]),
        Route("/proof/{index}", prove, methods=["GET"]),
        Route("/{path:path}", file, methods=["GET"]),
    ]


def mounted(ledger: PublicLedger) -> Mount:
    """The routes of a running server, under ``/ledger``; no key is needed to read them."""
    return Mount("/ledger", routes=ledger_routes(ledger))


def _index(ledger: PublicLedger) -> Response:
    note = ledger.tiles.get(CHECKPOINT_PATH)
    try:
        checkpoint = parse_checkpoint(parse_note(note or b"").text)
    except NoteError:
        return PlainTextResponse("the ledger has no checkpoint yet\n", 503, headers=_FRESH)
    there = [(name, meaning) for name, meaning in _DOCUMENTS if ledger.documents(name) is not None]
    template = resources.files(__package__).joinpath("ledger_page.html").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True).from_string(template)
    facts = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    text = page.render(**facts, documents=[*there, *_SHIPPED])
    return Response(text, headers=_FRESH | _PAGE_HEADERS, media_type="text/html; charset=utf-8")


def _file(ledger: PublicLedger, path: str) -> Response:
    if path in dict(_DOCUMENTS):
        document = ledger.documents(path)
        return _missing() if document is None else Response(document, headers=_FRESH, media_type=_TEXT)
    if path == "FORMAT.md" or _SCRIPT.fullmatch(path):
        return _shipped(path)
    data = ledger.tiles.get(path) if is_public_path(path) else None
    if data is None:
        return _missing()
    if path.startswith(CHECKPOINT_PATH):
        return Response(data, headers=_FRESH, media_type=_TEXT)
    return Response(data, headers=_IMMUTABLE, media_type=_BINARY)


def _shipped(path: str) -> Response:
    """A file of the ledger's package, of which only names that were matched are asked for."""
    file = resources.files("custodes.ledger").joinpath(path)
    if not file.is_file():
        return _missing()
    kind = "text/javascript; charset=utf-8" if path.endswith(".mjs") else _TEXT
    return Response(file.read_bytes(), headers=_FRESH, media_type=kind)


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
